import { deflateRawSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { AvroError, readAvroFile, type AvroValue } from './avro-file.ts';

const LIMITS = { bytes: 10_000, values: 1000 };
const SYNC = Buffer.alloc(16, 7);

function long(value: bigint): Buffer {
  let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
  const bytes: number[] = [];
  do {
    bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Buffer.from(bytes);
}

const size = (value: number) => long(BigInt(value));
const text = (value: string | Buffer) => Buffer.concat([size(Buffer.from(value).length), Buffer.from(value)]);

/** A file of the specification with one block. */
function file(schema: unknown, records: readonly Buffer[], { codec = 'null', count = records.length } = {}): Buffer {
  const plain = Buffer.concat(records);
  const block = codec === 'deflate' ? deflateRawSync(plain) : plain;
  const head = { 'avro.schema': JSON.stringify(schema), 'avro.codec': codec, note: 'é' };
  return Buffer.concat([
    Buffer.from('Obj\u0001'),
    size(Object.keys(head).length),
    ...Object.entries(head).flatMap(([key, value]) => [text(key), text(value)]),
    size(0),
    SYNC,
    ...(count === 0 ? [] : [size(count), text(block), SYNC]),
  ]);
}

const read = (schema: unknown, ...records: readonly Buffer[]): readonly AvroValue[] =>
  readAvroFile(file(schema, records), LIMITS).records;

test('values of every type', () => {
  const schema = {
    type: 'record',
    name: 'all',
    namespace: 'here',
    fields: [
      { name: 'no', type: 'null' },
      { name: 'yes', type: 'boolean' },
      { name: 'few', type: 'int' },
      { name: 'single', type: 'float' },
      { name: 'double', type: 'double' },
      { name: 'raw', type: 'bytes' },
      { name: 'words', type: { type: 'array', items: 'string' } },
      { name: 'marks', type: { type: 'map', values: 'long' } },
      { name: 'maybe', type: ['null', 'string'] },
      { name: 'one', type: { type: 'enum', name: 'one', symbols: ['a', 'b'] } },
      { name: 'two', type: 'here.one' },
      { name: 'short', type: { type: 'fixed', name: 'short', size: 2, logicalType: 'decimal' } },
      { name: 'when', type: { type: 'long', logicalType: 'timestamp-micros' } },
    ],
  };
  const doubles = Buffer.alloc(12);
  doubles.writeFloatLE(0.5, 0);
  doubles.writeDoubleLE(-2.25, 4);
  const record = Buffer.concat([
    Buffer.from([1]),
    size(-3),
    doubles,
    text(Buffer.from([255, 0])),
    // A block with its length, and one without.
    size(-1),
    size(2),
    text('x'),
    size(1),
    text('ü'),
    size(0),
    size(1),
    text('k'),
    size(300),
    size(0),
    size(1),
    text('there'),
    size(1),
    size(0),
    Buffer.from([1, 2]),
    size(7),
  ]);
  expect(read(schema, record)).toEqual([
    {
      no: null,
      yes: true,
      few: -3,
      single: 0.5,
      double: -2.25,
      raw: Buffer.from([255, 0]),
      words: ['x', 'ü'],
      marks: { k: 300 },
      maybe: 'there',
      one: 'b',
      two: 'a',
      short: Buffer.from([1, 2]),
      when: 7,
    },
  ]);
});

test.each([0n, -1n, 1n, 2n ** 48n, -(2n ** 48n) - 1n, 2n ** 53n - 1n, -(2n ** 53n) + 1n])('%s is a number', (value) => {
  expect(read('long', long(value))).toEqual([Number(value)]);
});

test.each([2n ** 53n, -(2n ** 53n), 2n ** 63n - 1n, -(2n ** 63n), 3_475_017_391_548_144_385n])(
  '%s keeps all digits',
  (value) => {
    expect(read('long', long(value))).toEqual([value]);
  },
);

test('packed blocks, no blocks, and the metadata of the writer', () => {
  const packed = readAvroFile(file('string', [text('a'), text('b')], { codec: 'deflate' }), LIMITS);
  expect(packed.records).toEqual(['a', 'b']);
  expect(packed.metadata.get('note')).toBe('é');
  expect(readAvroFile(file('string', []), LIMITS).records).toEqual([]);
});

describe('an unreadable file returns the reason', () => {
  const self = { type: 'record', name: 'r', fields: [{ name: 'next', type: ['null', 'r'] }] };
  const whole = file('string', [text('abc')]);
  test.each<[string, () => Buffer, string]>([
    ['other bytes', () => Buffer.from('PAR1 and more of it'), 'not an Avro file'],
    ['nothing', () => Buffer.alloc(0), 'too early'],
    ['a file that was cut short', () => whole.subarray(0, -1), 'too early'],
    ['a block that lies about its length', () => file('string', [text('a')], { count: 2 }), 'too early'],
    ['a block with more in it', () => file('string', [text('a'), text('b')], { count: 1 }), 'bytes after its records'],
    [
      'bytes changed at the end',
      () => Buffer.concat([whole.subarray(0, -1), Buffer.from([0])]),
      'a block does not end with the sync marker',
    ],
    ['a length below nothing', () => file('string', [size(-5)]), 'a size is -5'],
    ['a branch that is not there', () => file(['null'], [size(1)]), 'union value is out of range'],
    [
      'a symbol that is not there',
      () => file({ type: 'enum', name: 'e', symbols: ['a'] }, [size(1)]),
      'enum value is out of range',
    ],
    ['a type that is not there', () => file('nowhere', [size(1)]), 'unknown type nowhere'],
    ['a number without an end', () => file('long', [Buffer.alloc(11, 0xff)]), 'a number is too long'],
    ['another packing', () => file('string', [text('a')], { codec: 'snappy' }), 'codec snappy is not supported'],
    ['what does not inflate', () => file('string', [], { codec: 'deflate', count: 1 }), 'too early'],
    ['a chain without an end', () => file(self, [Buffer.alloc(500, 2)]), 'nested deeper than 64 levels'],
    // 10^12 of nothing take no bytes.
    [
      'nothing, without an end',
      () => file({ type: 'array', items: 'null' }, [long(10n ** 12n), size(0)]),
      'exceeds the maximum number of values',
    ],
    [
      'a small file that is a large one',
      () => file('bytes', [text(Buffer.alloc(50_000))], { codec: 'deflate' }),
      'exceeds the maximum size',
    ],
    ['a large file', () => file('bytes', [text(Buffer.alloc(50_000))]), 'exceeds the maximum size'],
  ])('%s', (_, make, words) => {
    expect(() => readAvroFile(make(), LIMITS)).toThrow(AvroError);
    expect(() => readAvroFile(make(), LIMITS)).toThrow(words);
  });
});
