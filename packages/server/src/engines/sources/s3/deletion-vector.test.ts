import { expect, test } from 'vitest';
import { fromBase85, inlineRows, storedRows, vectorFile } from './deletion-vector.ts';
import type { DeltaDeletions } from './delta/delta-log.ts';
import { BitmapError, readRows } from './roaring-rows.ts';

/** Written by Spark, for a file of ten rows. */
const SPARK = Buffer.from(
  '0100000024d1d339640100000000000000000000003a300000010000000000010010000000000009002a671846',
  'hex',
);
const vector: DeltaDeletions = {
  storageType: 'u',
  pathOrInlineDv: 'vBn[lx{q8@P<9BNH/isA',
  offset: 1,
  sizeInBytes: 36,
  cardinality: 2,
};
const bitmap = SPARK.subarray(5, 41);

const u16 = (...values: readonly number[]) => {
  const bytes = Buffer.alloc(2 * values.length);
  for (const [at, value] of values.entries()) bytes.writeUInt16LE(value, 2 * at);
  return bytes;
};
const u32 = (...values: readonly number[]) => {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [at, value] of values.entries()) bytes.writeUInt32LE(value, 4 * at);
  return bytes;
};
const head = (bitmaps: number) => Buffer.concat([u32(1_681_511_377), u32(bitmaps, 0)]);
/** One array of values. */
const array = (...values: readonly number[]) =>
  Buffer.concat([u32(12_346, 1), u16(0, values.length - 1), u32(16), u16(...values)]);
/** Runs as pairs of start and length - 1. */
const runs = (count: number, ...pairs: readonly number[]) =>
  Buffer.concat([u32(12_347), Buffer.from([1]), u16(0, count - 1), u16(pairs.length / 2, ...pairs)]);

function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof BitmapError) return error.message;
    throw error;
  }
  return 'taken';
}

test('reads a vector written by Spark', () => {
  expect(vectorFile(vector)).toBe('deletion_vector_61d16c75-6994-46b7-a15b-8b538852e50e.bin');
  expect(vectorFile({ ...vector, pathOrInlineDv: `ab${vector.pathOrInlineDv}` })).toMatch(/^ab\/deletion_vector_61d1/);
  expect([...storedRows(SPARK, { offset: 1, bytes: 36, count: 2 })]).toEqual([0, 9]);
});

test('reads an inline vector', () => {
  const inline = '^Bg9^0rr910000000000iXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L';
  const inlineVector = { storageType: 'i', pathOrInlineDv: inline, sizeInBytes: 44, cardinality: 6 };
  expect(vectorFile(inlineVector)).toBeUndefined();
  expect([...inlineRows(inlineVector)]).toEqual([3, 4, 7, 11, 18, 29]);
  expect(refusal(() => [...inlineRows({ ...inlineVector, sizeInBytes: 30 })])).toContain('size');
});

test('reads runs, bitmaps, and rows beyond 32 bits', () => {
  expect([...readRows(Buffer.concat([head(1), u32(0), runs(5, 1, 2, 10, 1)]), 5)]).toEqual([1, 2, 3, 10, 11]);
  const bits = Buffer.alloc(8192, 0xff);
  bits[0] = 0xfe;
  const dense = Buffer.concat([head(1), u32(0), u32(12_346, 1), u16(2, 65_534), u32(16), bits]);
  const rows = [...readRows(dense, 65_535)];
  expect([rows[0], rows.at(-1), rows.length]).toEqual([131_073, 196_607, 65_535]);
  const high = Buffer.concat([head(2), u32(0), array(7), u32(3), array(1, 5)]);
  expect([...readRows(high, 3)]).toEqual([7, 3 * 2 ** 32 + 1, 3 * 2 ** 32 + 5]);
  expect([...readRows(head(0), 0)]).toEqual([]);
});

test('reports every truncation of a vector', () => {
  for (let end = 0; end < SPARK.length; end++) {
    expect(refusal(() => [...storedRows(SPARK.subarray(0, end), { offset: 1, bytes: 36, count: 2 })])).toContain(
      'truncated',
    );
  }
  for (let end = 0; end < bitmap.length; end++)
    expect(refusal(() => [...readRows(bitmap.subarray(0, end), 2)])).toContain('truncated');
});

test.each<[string, Buffer, number, string]>([
  ['another magic', Buffer.concat([u32(1_681_511_376), u32(0, 0)]), 0, 'portable'],
  ['fewer rows than declared', bitmap, 3, 'fewer rows'],
  ['more rows than declared', bitmap, 1, 'more rows'],
  ['bytes after it', Buffer.concat([bitmap, u16(0)]), 2, 'more bytes'],
  ['more bitmaps than bytes', Buffer.concat([u32(1_681_511_377), u32(0xffffffff, 0xffffffff)]), 1, 'truncated'],
  ['bitmaps out of order', Buffer.concat([head(2), u32(1), array(1), u32(1), array(2)]), 2, 'out of order'],
  ['a row beyond any file', Buffer.concat([head(1), u32(2 ** 21), array(1)]), 1, 'out of order'],
  ['another cookie', Buffer.concat([head(1), u32(0, 7)]), 1, 'not a Roaring'],
  ['too many containers', Buffer.concat([head(1), u32(0, 12_346, 65_537)]), 1, 'too many'],
  ['values out of order', Buffer.concat([head(1), u32(0), array(5, 5)]), 2, 'out of order'],
  ['overlapping runs', Buffer.concat([head(1), u32(0), runs(4, 1, 3, 2, 1)]), 6, 'out of order'],
  ['a run over the end', Buffer.concat([head(1), u32(0), runs(2, 65_535, 1)]), 2, 'exceeds'],
])('rejects %s', (_, bytes, count, words) => {
  expect(refusal(() => [...readRows(bytes, count)])).toContain(words);
});

test('reports a vector outside the table, a wrong checksum, and invalid base 85', () => {
  const path = { ...vector, storageType: 'p', pathOrInlineDv: 's3://other/x.bin' };
  expect(refusal(() => vectorFile(path))).toContain('outside the table');
  expect(refusal(() => vectorFile({ ...vector, storageType: 'z' }))).toContain('no location');
  expect(refusal(() => vectorFile({ ...vector, pathOrInlineDv: 'short' }))).toContain('no location');
  const changed = Buffer.from(SPARK);
  changed[39] = 8;
  expect(refusal(() => [...storedRows(changed, { offset: 1, bytes: 36, count: 2 })])).toContain('checksum');
  expect(refusal(() => [...storedRows(SPARK, { offset: 1, bytes: 35, count: 2 })])).toContain('size');
  expect(refusal(() => [...storedRows(SPARK, { offset: 2 ** 40, bytes: 36, count: 2 })])).toContain('truncated');
  for (const text of ['abcd', 'ab cd', '#####']) expect(refusal(() => fromBase85(text))).toMatch(/base 85/);
  expect(fromBase85('HelloWorld').toString('hex')).toBe('864fd26fb559f75b');
});
