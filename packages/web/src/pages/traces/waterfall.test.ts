import type { Span } from '@dais/api/tracking';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openRows, waterfallOf } from './waterfall.ts';

const BEGIN = 1_700_000_000_000_000_000n;

const span = (id: string, start: number, end: number | undefined, parentId?: string): Span => ({
  traceId: 'a'.repeat(32),
  id,
  ...(parentId !== undefined && { parentId }),
  name: id,
  startNs: String(BEGIN + BigInt(start) * 1_000_000n),
  ...(end !== undefined && { endNs: String(BEGIN + BigInt(end) * 1_000_000n) }),
});

test('children come under their parent, in the order of their start', () => {
  const { rows, totalMs } = waterfallOf([
    span('late', 50, 100, 'root'),
    span('deep', 12, 20, 'early'),
    span('early', 10, 30, 'root'),
    span('root', 0, 100),
  ]);
  expect(totalMs).toBe(100);
  expect(rows.map(({ span: { id }, depth, left, width }) => [id, depth, left, width])).toEqual([
    ['root', 0, 0, 1],
    ['early', 1, 0.1, 0.2],
    ['deep', 2, 0.12, 0.08],
    ['late', 1, 0.5, 0.5],
  ]);
  expect(openRows(rows, new Set(['early'])).map(({ span: { id } }) => id)).toEqual(['root', 'early', 'late']);
  expect(openRows(rows, new Set(['root'])).map(({ span: { id } }) => id)).toEqual(['root']);
});

test('spans without a parent, in a cycle, in progress, and of one instant', () => {
  const { rows } = waterfallOf([span('orphan', 5, undefined, 'gone'), span('a', 0, 10, 'b'), span('b', 0, 10, 'a')]);
  expect(rows.map(({ span: { id }, depth }) => [id, depth])).toEqual([
    ['orphan', 0],
    ['a', 0],
    ['b', 1],
  ]);
  expect(rows[0]).toMatchObject({ durationMs: undefined, left: 0.5, width: 0.5 });
  expect(waterfallOf([span('one', 0, 0)]).rows[0]).toMatchObject({ left: 0, width: 0 });
  expect(waterfallOf([])).toEqual({ rows: [], totalMs: 0 });
});

test('each span has one row inside the trace, with any parents', () => {
  const some = fc.array(
    fc.record({ start: fc.nat(1000), length: fc.option(fc.nat(1000)), parent: fc.option(fc.nat(20)) }),
    { maxLength: 20 },
  );
  fc.assert(
    fc.property(some, (list) => {
      const spans = list.map(({ start, length, parent }, at) =>
        span(
          String(at),
          start,
          length === null ? undefined : start + length,
          parent === null ? undefined : String(parent),
        ),
      );
      const { rows } = waterfallOf(spans);
      expect(rows.map(({ span: { id } }) => id).toSorted()).toEqual(spans.map(({ id }) => id).toSorted());
      expect(rows.every(({ left, width }) => left >= 0 && left + width <= 1.001)).toBe(true);
    }),
  );
});
