import { Readable } from 'node:stream';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ChunkDamaged, chunksAround, ChunkSums, fitsSize, verifiedChunks } from './chunk-sums.ts';

const CHUNK = 256 * 1024;
const SIZE = 3 * CHUNK + 1000;
const bytes = Buffer.from(Array.from({ length: SIZE }, (_, at) => (at * 31 + (at >> 8)) & 255));

/** Splits bytes at these positions. */
function* pieces(of: Buffer, cuts: readonly number[]): Generator<Buffer> {
  const positions = [0, ...cuts.filter((one) => one < of.length).toSorted((a, b) => a - b), of.length];
  for (const [index, from] of positions.slice(0, -1).entries()) yield of.subarray(from, positions[index + 1]);
}

const cuts = fc.array(fc.nat(SIZE), { maxLength: 6 });
const sumsOf = (positions: readonly number[]) => {
  const sums = new ChunkSums();
  for (const piece of pieces(bytes, positions)) sums.update(piece);
  return sums.end();
};
const whole = sumsOf([]);

async function read(stored: Buffer, range: { start: number; end: number }, positions: readonly number[]) {
  const around = chunksAround(range, SIZE);
  const source = Readable.from(pieces(stored.subarray(around.start, around.end + 1), positions));
  const found: Buffer[] = [];
  for await (const piece of verifiedChunks(source, { sums: whole, range, size: SIZE })) found.push(piece);
  return Buffer.concat(found);
}

test('checksums do not depend on the sizes of the input chunks', () => {
  expect(fitsSize(whole, SIZE)).toBe(true);
  expect([fitsSize(whole, 3 * CHUNK), fitsSize(whole, 4 * CHUNK + 1)]).toEqual([false, false]);
  fc.assert(fc.property(cuts, (positions) => sumsOf(positions).equals(whole)));
});

test('returns a stored range, or an error when one of its chunks is damaged', async () => {
  const positions = fc.tuple(fc.nat(SIZE - 1), fc.nat(SIZE - 1), fc.nat(SIZE - 1), cuts);
  await fc.assert(
    fc.asyncProperty(positions, async ([one, other, damaged, at]) => {
      const range = { start: Math.min(one, other), end: Math.max(one, other) };
      expect((await read(bytes, range, at)).equals(bytes.subarray(range.start, range.end + 1))).toBe(true);
      const stored = Buffer.from(bytes);
      stored[damaged] = (stored[damaged] ?? 0) ^ 1;
      const around = chunksAround(range, SIZE);
      const isTouched = damaged >= around.start && damaged <= around.end;
      const result = await read(stored, range, at).catch((error: unknown) => error);
      expect(result instanceof ChunkDamaged).toBe(isTouched);
    }),
  );
});
