import { DaisError } from '@dais/api';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { jsonError, decodeText, parseJson, parseYaml, withPositions } from '#http/request/body-text.ts';

function errorOf(work: () => unknown): DaisError {
  try {
    work();
  } catch (error) {
    if (error instanceof DaisError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

test('every JSON value equals the result of JSON.parse', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 20 }), (value) => {
      const text = JSON.stringify(value);
      expect(parseJson(decodeText(Buffer.from(text)))).toEqual(JSON.parse(text));
    }),
  );
});

test.each([
  ['{"a": 1,\n "b": }', 2, 7, 'unexpected character'],
  ['{"a": 1,}', 1, 9, 'unexpected character'],
  ['[1 2]', 1, 4, 'unexpected character'],
  ['"a\tb"', 1, 3, 'unexpected character'],
  ['"\\x"', 1, 2, 'unexpected character'],
  ['01', 1, 2, 'unexpected character'],
  ['{} {}', 1, 4, 'unexpected character'],
  ['', 1, 1, 'unexpected end of input'],
  ['{"a": 1', 1, 8, 'unexpected end of input'],
  ['{"a": "x', 1, 9, 'unexpected end of input'],
  ['nope', 1, 2, 'unexpected character'],
  ['+1', 1, 1, 'unexpected character'],
])('%j is not JSON in line %i, column %i', (text, line, column, message) => {
  const error = errorOf(() => parseJson(text));
  expect(error.code).toBe('unreadable_body');
  expect(error.issues).toEqual([{ line, column, message, expected: 'well-formed JSON' }]);
});

test('reports no error for text that JSON.parse accepts', () => {
  const pieces = ['{', '}', '[', ']', ',', ':', '"', 'a', '\\', 'u00', '1', '0', '.', 'e', '-', 'true', ' ', '\n'];
  const texts = fc.array(fc.constantFrom(...pieces), { maxLength: 12 }).map((parts) => parts.join(''));
  fc.assert(
    fc.property(fc.oneof(texts, fc.json()), (text) => {
      let valid = true;
      try {
        JSON.parse(text);
      } catch {
        valid = false;
      }
      const offset = jsonError(text);
      expect(offset).toBeLessThanOrEqual(text.length);
      expect(valid && offset < text.length).toBe(false);
    }),
  );
});

test('limits nesting before the value is walked; brackets in strings do not count', () => {
  expect(errorOf(() => parseJson('['.repeat(100_000))).message).toContain('nested 100000 levels deep');
  expect(parseJson(JSON.stringify({ a: '['.repeat(1000), b: '\\"[[' }))).toEqual({ a: '['.repeat(1000), b: '\\"[[' });
});

test('reports the position of invalid UTF-8', () => {
  expect(errorOf(() => decodeText(Buffer.from([0x61, 0xc3, 0xa4, 0xff, 0x61]))).message).toContain('offset 3');
  expect(errorOf(() => decodeText(Buffer.from([0xc3]))).message).toContain('offset 0');
  expect(decodeText(Buffer.from('\ufeff{}'))).toBe('{}');
});

test('finds the first invalid byte at any position', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const before = Buffer.from(text.toWellFormed());
      const error = errorOf(() => decodeText(Buffer.concat([before, Buffer.from([0xff])])));
      expect(error.message).toContain(`offset ${before.length}.`);
    }),
  );
});

test('adds the positions in a YAML document to issues', () => {
  const document = parseYaml('kind: Note\nspec:\n  text: 1\n');
  const error = new DaisError('invalid_manifest', 'wrong', {
    issues: [{ path: 'manifest.spec.text', message: 'is a number' }, { message: 'as a whole' }],
  });
  expect(withPositions(error, document, 'manifest').issues).toEqual([
    { file: '-', line: 3, column: 3, path: 'spec.text', message: 'is a number' },
    { message: 'as a whole' },
  ]);
});

test('a body of one manifest is one document', () => {
  expect(errorOf(() => parseYaml('a: 1\n---\nb: 2\n')).message).toContain('2 YAML documents');
  expect(errorOf(() => parseYaml('# nothing\n')).message).toContain('no YAML document');
});
