import { DaisError } from '@dais/api';
import { expect, test } from 'vitest';
import { errorText, remedyFor } from '#output/error-text.ts';
import { plainStyle } from '#output/style.ts';

const options = { style: plainStyle, sources: new Map<string, string>(), columns: undefined };

test('an invalid manifest: every position with its line, then the remedy', async () => {
  const text = 'kind: Secret\nmetadata:\n\tname: x\nspec:\n  dta: {}\n  very: long\n';
  const error = new DaisError('invalid_manifest', 'spec.dta there is no field.', {
    issues: [
      {
        file: 'a/secret.yaml',
        line: 1,
        column: 1,
        path: 'apiVersion',
        message: 'is required',
        expected: '"dais.dev/v1"',
      },
      { file: 'a/secret.yaml', line: 3, column: 2, message: 'tabs do not indent' },
      {
        file: 'a/secret.yaml',
        line: 5,
        column: 3,
        path: 'spec.dta',
        message: 'there is no field "dta" here',
        expected: 'one of description, data',
        nearest: 'data',
      },
      { file: 'other.yaml', line: 1, column: 1, path: 'kind', message: 'is "\u001b[2J"' },
      { path: 'query.limit', message: 'is 0', expected: 'a number' },
    ],
  });
  const sources = new Map([['a/secret.yaml', text]]);
  await expect(errorText(error, { ...options, sources })).toMatchFileSnapshot('__golden__/error-manifest.txt');
});

test('a long line is truncated around the caret', async () => {
  const line = `data: {${'x'.repeat(200)}, nmae: y, ${'z'.repeat(200)}}`;
  const column = line.indexOf('nmae') + 1;
  const error = new DaisError('invalid_manifest', '', {
    issues: [{ file: 'f', line: 1, column, message: 'is wrong' }],
  });
  const shown = errorText(error, { ...options, sources: new Map([['f', line]]), columns: 80 });
  const [, code = '', caret = ''] = shown.split('\n');
  expect(code.length).toBeLessThanOrEqual(80);
  expect(code.slice(caret.indexOf('^'))).toMatch(/^nmae/);
});

test('one sentence, references, request id', async () => {
  const texts = [
    new DaisError('not_found', 'There is no Secret "x".'),
    new DaisError('still_referenced', 'Secret "x" is in use.', { holders: ['AlertChannel "desk" in default'] }),
    new DaisError('internal', '', { requestId: '0190-ab' }),
  ].map((error) => errorText(error, options));
  await expect(texts.join('\n')).toMatchFileSnapshot('__golden__/error-plain.txt');
});

test('remedies refer to what is printed', () => {
  expect(remedyFor('invalid_manifest')).toContain('fields listed above');
  expect(remedyFor('invalid_state')).not.toContain('`detail`');
});

test('a remedy that refers to a list is omitted where there is no list', () => {
  const refused = new DaisError('invalid_request', 'The task must be isolated. Install bubblewrap.');
  expect(errorText(refused, options)).toBe('error: The task must be isolated. Install bubblewrap.\n');
  const listed = new DaisError('invalid_request', 'x', { issues: [{ message: 'is wrong', path: 'a' }] });
  expect(errorText(listed, options)).toContain('Correct the fields listed above.');
});
