import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { errorCatalog, type ErrorCode } from './error-catalog.ts';
import { DaisError, errorRemedy, fromProblem, toProblem, type Issue } from './errors.ts';

const codes = Object.keys(errorCatalog) as ErrorCode[];

describe('the catalog', () => {
  test.each(codes)('%s has understandable texts', (code) => {
    const { status, title, remedy } = errorCatalog[code];
    expect(code).toMatch(/^[a-z0-9]+(_[a-z0-9]+)*$/);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(600);
    expect(title).toMatch(/^[A-Z].*[^.]$/);
    expect(remedy).toMatch(/\.$/);
  });

  test('titles are unique', () => {
    const titles = codes.map((code) => errorCatalog[code].title);
    expect(new Set(titles).size).toBe(titles.length);
  });

  test('a client error is not retryable, except for too many requests', () => {
    const odd = codes.filter((code) => {
      const { status, retryable } = errorCatalog[code];
      return retryable === true && status < 500 && ![408, 429].includes(status);
    });
    expect(odd).toEqual([]);
  });
});

const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const issue = fc
  .record({
    message: fc.string(),
    path: optional(fc.string()),
    line: optional(fc.nat()),
    nearest: optional(fc.string()),
  })
  .map((value) => JSON.parse(JSON.stringify(value)) as Issue);

test('an error is preserved over the wire', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...codes),
      fc.string(),
      optional(fc.array(issue)),
      optional(fc.array(fc.string())),
      optional(fc.string({ minLength: 1 })),
      optional(fc.nat()),
      (code, detail, issues, holders, requestId, retryAfter) => {
        const details = { ...(issues && { issues }), ...(holders && { holders }) };
        const sent = new DaisError(code, detail, details);
        const problem = JSON.parse(JSON.stringify(toProblem(sent, requestId))) as ReturnType<typeof toProblem>;
        const received = fromProblem(problem, retryAfter);
        expect(received).toBeInstanceOf(DaisError);
        expect([received.code, received.message, received.status, received.retryable]).toEqual([
          code,
          detail,
          sent.status,
          sent.retryable,
        ]);
        expect([received.issues, received.holders, received.requestId]).toEqual([issues, holders, requestId]);
        expect(received.retryAfter).toBe(retryAfter);
      },
    ),
  );
});

test('a problem document has the failure and the remedy, and nothing of the cause', () => {
  const error = new DaisError('conflict', 'Somebody was faster.', { cause: new Error('secret'), retryAfter: 3 });
  expect(toProblem(error, 'r1')).toEqual({
    type: '/docs/reference/errors#conflict',
    title: errorCatalog.conflict.title,
    status: 409,
    code: 'conflict',
    remedy: errorCatalog.conflict.remedy,
    detail: 'Somebody was faster.',
    requestId: 'r1',
  });
  expect(error.cause).toBeInstanceOf(Error);
  expect(toProblem(new DaisError('conflict', ''))).not.toHaveProperty('detail');
});

test('a remedy that refers to a list needs that list', () => {
  const refused = new DaisError('invalid_request', 'There is no boundary.');
  expect(toProblem(refused).remedy).toBe('Correct what `detail` describes.');
  expect(toProblem(new DaisError('invalid_request', '', { issues: [{ message: 'is wrong' }] })).remedy).toContain(
    '`issues`',
  );
  expect(errorRemedy(new DaisError('still_referenced', '', { holders: ['x'] }))).toContain('`holders`');
  expect(errorRemedy(new DaisError('still_referenced', ''))).not.toContain('`holders`');
  expect(errorRemedy(new DaisError('not_found', ''))).toBe(errorCatalog.not_found.remedy);
});

test('an error of another copy of this package is also a DaisError, and other values are not', () => {
  // The class of a copy differs, and has the same mark.
  class DaisErrorOfCopy extends Error {
    get [Symbol.for('dais.error')](): true {
      return true;
    }
  }
  expect(new DaisErrorOfCopy('x') instanceof DaisError).toBe(true);
  for (const other of [new Error('x'), null, 'x', { code: 'conflict' }]) expect(other instanceof DaisError).toBe(false);
  class Special extends DaisError {}
  const special = new Special('conflict', 'x');
  expect([special instanceof Special, special instanceof DaisError]).toEqual([true, true]);
  expect(new DaisError('conflict', 'x') instanceof Special).toBe(false);
});
