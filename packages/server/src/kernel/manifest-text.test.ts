import { DaisError } from '@dais/api';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { readDocuments, type ManifestDocument } from './manifest-text.ts';

const read = (text: string) => readDocuments('f.yaml', text).map((document) => document.value);

function attempt(text: string): ManifestDocument[] | DaisError {
  try {
    return readDocuments('f.yaml', text);
  } catch (error) {
    if (error instanceof DaisError) return error;
    throw error;
  }
}

function refusal(text: string): DaisError {
  const result = attempt(text);
  if (result instanceof DaisError) return result;
  throw new Error('the text was read');
}

/** The code and positions of the errors: `unreadable_body 1:4`. */
function refused(text: string): string {
  const error = refusal(text);
  const locations = error.issues?.map((issue) => ` ${issue.line}:${issue.column}`) ?? [];
  return error.code + locations.join('');
}

describe('the values of YAML 1.2', () => {
  test.each([
    ['no', 'no'],
    ['NO', 'NO'],
    ['on', 'on'],
    ['y', 'y'],
    ['yes', 'yes'],
    ['true', true],
    ['False', false],
    ['~', null],
    ['null', null],
    ['', null],
    ['017', 17],
    ['0o17', 15],
    ['0x1F', 31],
    ['1_000', '1_000'],
    ['1:30', '1:30'],
    ['1e3', 1000],
    ['1e400', Infinity],
    ['-.inf', -Infinity],
    ['.NaN', NaN],
    ['-0', 0],
    ['9007199254740991', 9007199254740991],
    ['9007199254740993', 9007199254740993n],
    ['1152921504606847000', 2 ** 60],
    ['1152921504606846976', 2 ** 60],
    ['1152921504606846977', 1152921504606846977n],
    ['1000000000000000000000', 1e21],
    [`1${'0'.repeat(400)}`, 10n ** 400n],
    ['-99999999999999999999', -99999999999999999999n],
    ['2026-01-02', '2026-01-02'],
    ['2026-01-02T03:04:05Z', '2026-01-02T03:04:05Z'],
    ['!!str 5', '5'],
    ['!!int "5"', 5],
    ['"a\\tb\\u00e9"', 'a\tbé'],
    ['<<', '<<'],
    ['=', '='],
  ])('%s', (text, value) => {
    expect(read(`a: ${text}`)).toEqual([{ a: value }]);
  });

  test('a directive of YAML 1.1 does not enable its booleans', () => {
    expect(read('%YAML 1.1\n---\na: no\nb: 1:30\n<<: {c: yes}')).toEqual([{ a: 'no', b: '1:30', '<<': { c: 'yes' } }]);
  });

  test('keys are text, whatever their format', () => {
    expect(read('1: a\ntrue: b\nnull: c\n2026-01-02: d')).toEqual([
      { '1': 'a', true: 'b', null: 'c', '2026-01-02': 'd' },
    ]);
  });

  test('names of the prototype are plain keys', () => {
    const [value] = read('__proto__: {polluted: 1}\nconstructor: 2\ntoString: 3') as [Record<string, unknown>];
    expect(Object.entries(value)).toEqual([
      ['__proto__', { polluted: 1 }],
      ['constructor', 2],
      ['toString', 3],
    ]);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  });

  test('JSON is YAML', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), (text) => {
        const value: unknown = JSON.parse(text);
        fc.pre(value !== null);
        expect(read(text)[0]).toEqual(value);
      }),
    );
  });

  test('the output of a YAML writer is parsed back unchanged', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (original) => {
        fc.pre(original !== null);
        const text = stringify(original, { version: '1.2', schema: 'core', aliasDuplicateObjects: false });
        expect(JSON.stringify(read(text)[0])).toBe(JSON.stringify(original));
      }),
    );
  });
});

describe('documents', () => {
  test.each([
    ['nothing', '', []],
    ['only a comment', '# nothing\n', []],
    ['only separators', '---\n---\n...\n', []],
    ['two', 'a: 1\n---\nb: 2\n', [{ a: 1 }, { b: 2 }]],
    ['with ends and empty ones between', '---\na: 1\n...\n---\n---\n# x\n---\nb: 2\n...\n', [{ a: 1 }, { b: 2 }]],
    ['an explicit null is a document', 'null', [null]],
    ['a list', '- 1\n- 2', [[1, 2]]],
    ['CRLF', 'a: 1\r\nb: |\r\n  x\r\n  y\r\n---\r\nc: 3\r\n', [{ a: 1, b: 'x\ny\n' }, { c: 3 }]],
    ['a byte order mark', '\uFEFFa: 1', [{ a: 1 }]],
    ['tabs that do not indent', 'a:\t1\t# x\nb: [\t2\t]', [{ a: 1, b: [2] }]],
  ])('%s', (_name, text, values) => {
    expect(read(text)).toEqual(values);
  });

  test('each has its file', () => {
    expect(readDocuments('x/y.yaml', 'a: 1\n---\nb: 1').map((document) => document.file)).toEqual([
      'x/y.yaml',
      'x/y.yaml',
    ]);
  });

  test('more than the limit are rejected before the rest is read', () => {
    expect(read('a: 1\n---\n'.repeat(5000).slice(0, -5))).toHaveLength(5000);
    expect(refusal('a: 1\n---\n'.repeat(200_000)).code).toBe('too_large');
  });
});

describe('positions', () => {
  const text = `# a comment
kind: Secret
metadata:
  name: a
  labels:
    team: x
    a.b: y
    a.b.c: z
spec:
  list: [1, {x: 2},
    3]
  blocks:
    - - p
      - q
    - key: "quoted"
  "spaced key": v
---
kind: Other
`;
  const [first, second] = readDocuments('f.yaml', text);
  test.each([
    ['', '2:1'],
    ['kind', '2:1'],
    ['metadata.name', '4:3'],
    ['metadata.labels.team', '6:5'],
    ['metadata.labels.a.b', '7:5'],
    ['metadata.labels.a.b.c', '8:5'],
    ['spec.list', '10:3'],
    ['spec.list[0]', '10:10'],
    ['spec.list[1].x', '10:14'],
    ['spec.list[2]', '11:5'],
    ['spec.blocks[0][1]', '14:9'],
    ['spec.blocks[1].key', '15:7'],
    ['spec.spaced key', '16:3'],
  ])('the position of %s is %s', (path, position) => {
    const { line, column } = first!.locate(path);
    expect(`${line}:${column}`).toBe(position);
  });

  test.each([
    ['metadata.missing', '3:1'],
    ['metadata.labels.teams', '5:3'],
    ['spec.list[9]', '10:3'],
    ['spec.list[1].y.z', '10:13'],
    ['spec.blocks[1].key.below', '15:7'],
    ['nowhere', '2:1'],
    ['apiVersion', '2:1'],
  ])('%s is missing: the position of its nearest parent is %s', (path, position) => {
    const { line, column } = first!.locate(path);
    expect(`${line}:${column}`).toBe(position);
  });

  test('lines count over all documents of a file', () => {
    expect(second!.locate('kind')).toEqual({ line: 18, column: 1 });
  });

  test('a byte order mark takes no column; CRLF ends a line once', () => {
    expect(readDocuments('f', '\uFEFFa: 1')[0]!.locate('a')).toEqual({ line: 1, column: 1 });
    expect(readDocuments('f', 'a: 1\r\nb:\r\n  c: 1')[0]!.locate('b.c')).toEqual({ line: 3, column: 3 });
  });

  test('every path has a position', () => {
    fc.assert(
      fc.property(fc.string(), (path) => {
        const { line, column } = first!.locate(path);
        expect(line).toBeGreaterThanOrEqual(2);
        expect(column).toBeGreaterThanOrEqual(1);
      }),
    );
  });
});

describe('rejected texts', () => {
  test.each([
    ['a nested map in one line', 'a: b: c', 'unreadable_body 1:4'],
    ['tabs as indentation', 'a:\n\tb: 1', 'unreadable_body 2:1'],
    ['an open bracket', 'a: [1, 2', 'unreadable_body 1:9'],
    ['an open quote', 'a: "x\nb: 1', 'unreadable_body 2:5'],
    ['a bad indentation', 'a:\n  b: 1\n c: 2', 'unreadable_body 3:1'],
    ['a key twice', 'a: 1\nb: 2\na: 3', 'unreadable_body 3:1'],
    ['a key twice, quoted and in a list', 'x:\n  - {k: 1, "k": 2}', 'unreadable_body 2:12'],
    ['two errors in two documents', 'a: 1\na: 2\n---\nb: [', 'unreadable_body 2:1 4:5'],
    ['a map as a key', '? {a: 1}\n: 2', 'unreadable_body 1:3'],
    ['an unknown tag', 'a: !python/object x', 'unreadable_body 1:4'],
    ['a tag for bytes', 'a: !!binary aGk=', 'unreadable_body 1:4'],
    ['a tag for times', 'a: !!timestamp 2026-01-02', 'unreadable_body 1:4'],
    ['a tag for sets', 'a: !!set {a, b}', 'unreadable_body 1:4'],
    ['a tag for ordered maps', 'a: !!omap [a: 1]', 'unreadable_body 1:4'],
    ['an anchor', 'a: &x 1', 'manifest_too_complex 1:7'],
    ['an anchor on a map', 'a: &x\n  b: 1', 'manifest_too_complex 2:3'],
    ['an alias', 'a: 1\nb: *a', 'manifest_too_complex 2:4'],
    ['an anchor as a key', '&x a: 1', 'manifest_too_complex 1:4'],
  ])('%s', (_name, text, want) => {
    expect(refused(text)).toBe(want);
  });

  test('issues name the file, the error, and the expected value', () => {
    expect(refusal('a: &x 1').issues).toEqual([
      {
        file: 'f.yaml',
        line: 1,
        column: 7,
        message: 'an anchor is not allowed',
        expected: 'the value itself, in quotes if it starts with &',
      },
    ]);
    expect(refusal('a: 1\na: 2').issues).toEqual([
      { file: 'f.yaml', line: 2, column: 1, message: 'the key "a" is used twice' },
    ]);
  });

  test('at most 100 errors are reported', () => {
    expect(refusal('a: 1\n'.repeat(5000)).issues).toHaveLength(100);
  });

  test('a message never repeats the text at length', () => {
    for (const text of [`a: !${'x'.repeat(100_000)} 1`, `${'k'.repeat(1000)}: 1\n${'k'.repeat(1000)}: 1`]) {
      for (const issue of refusal(text).issues ?? []) expect(issue.message.length).toBeLessThanOrEqual(200);
    }
  });
});

describe('hostile texts', () => {
  test('the billion laughs', () => {
    const levels = Array.from(
      { length: 9 },
      (_, n) =>
        `l${n}: &l${n} [${Array(9)
          .fill(n === 0 ? 'lol' : `*l${n - 1}`)
          .join(', ')}]`,
    );
    expect(refusal(levels.join('\n')).code).toBe('manifest_too_complex');
  });

  test('an alias of itself', () => {
    expect(refusal('a: &a [*a]').code).toBe('manifest_too_complex');
  });

  test.each([
    ['[', 65],
    ['{a: ', 65],
    ['- ', 65],
    ['? ', 65],
    ['[', 20_000],
    ['{a: ', 20_000],
    ['- ', 20_000],
    ['? ', 20_000],
    ['- ? ', 20_000],
    ['- [', 20_000],
  ])('%j nested %i deep', (opening, times) => {
    expect(refusal(opening.repeat(times)).code).toBe('manifest_too_complex');
  });

  test('64 levels are read', () => {
    let value: unknown = read('['.repeat(64) + ']'.repeat(64))[0];
    let depth = 0;
    for (; Array.isArray(value); depth++) [value] = value as unknown[];
    expect(depth).toBe(64);
    expect(read(Array.from({ length: 64 }, (_, n) => `${' '.repeat(n)}a:`).join('\n'))).toHaveLength(1);
    expect(refused(Array.from({ length: 65 }, (_, n) => `${' '.repeat(n)}a:`).join('\n'))).toBe(
      'manifest_too_complex 65:66',
    );
  });

  test('100,000 keys in one map are compared in linear time', () => {
    const text = Array.from({ length: 100_000 }, (_, n) => `k${n}: 1`).join('\n');
    const before = process.cpuUsage();
    expect(Object.keys(read(text)[0] as object)).toHaveLength(100_000);
    // CPU time in µs: a quadratic algorithm takes minutes here.
    expect(process.cpuUsage(before).user).toBeLessThan(20_000_000);
  });

  test('any text results in documents or a DaisError', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        '- ',
        '? ',
        ': ',
        '[',
        ']',
        '{',
        '}',
        ',',
        '&a ',
        '*a',
        '!!str ',
        '!x ',
        '|\n',
        '>-\n',
        '"',
        "'",
        '#',
        '\n',
        '\r\n',
        '\t',
        '  ',
        '---\n',
        '...\n',
        '%YAML 1.1\n',
        '%TAG ! tag:x,2000:\n',
        '<<',
        '~',
        'a: ',
        '\0',
        '\uFEFF',
        '\u2028',
        '@',
        '`',
        '99999999999999999999',
        '0x',
        '.inf',
        '\\',
        '\uD800',
        '=',
      ),
      fc.string({ maxLength: 5, unit: 'binary' }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        const result = attempt(pieces.join(''));
        const status = result instanceof DaisError ? result.status : 200;
        const locations =
          result instanceof DaisError ? (result.issues ?? []) : result.map((one) => one.locate('a.b[0]'));
        expect(status).toBeLessThan(500);
        expect(locations.every(({ line, column }) => line! >= 1 && column! >= 1)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});
