import fc from 'fast-check';
import { expect, test } from 'vitest';
import { summarizeNumbers, type NumberSummary } from './column-summary.ts';
import { edgesOfValues, NumberScan } from './number-scan.ts';

const cell = fc.oneof(
  { weight: 8, arbitrary: fc.double({ min: -100, max: 100, noNaN: true }) },
  { weight: 4, arbitrary: fc.integer({ min: -5, max: 5 }) },
  { weight: 1, arbitrary: fc.constantFrom(null, Number.NaN, Infinity, -Infinity, 1e300, -1e300, 5e-324) },
);
const edges = fc
  .uniqueArray(fc.oneof(fc.integer({ min: -12, max: 12 }), fc.constantFrom(-1e300, 1e300, 5e-324, 1e-323)), {
    maxLength: 12,
  })
  .map((values) => values.toSorted((a, b) => a - b));

/** The format of an engine: values, and a validity bit for each. */
function pieces(values: readonly (number | null)[], size: number): [Float64Array, Uint8Array?][] {
  const made: [Float64Array, Uint8Array?][] = [];
  for (let from = 0; from < values.length; from += size) {
    const piece = values.slice(from, from + size);
    const valid = new Uint8Array(Math.ceil(piece.length / 8));
    for (const [i, value] of piece.entries()) if (value !== null) valid[i >> 3] = (valid[i >> 3] ?? 0) | (1 << (i & 7));
    const numbers = Float64Array.from(piece, (value) => value ?? 0);
    made.push(piece.includes(null) ? [numbers, valid] : [numbers]);
  }
  return made;
}

function expectSame(found: NumberSummary, expected: NumberSummary): void {
  const { mean: m, squares: s, tails: t, values: _, ...rest } = expected;
  const { mean, squares, tails, ...exact } = found;
  expect(exact).toEqual(rest);
  const near = (one: number | undefined, other: number | undefined, size: number) =>
    expect(Math.abs((one ?? 0) - (other ?? 0))).toBeLessThanOrEqual(1e-9 * size + Number.MIN_VALUE);
  const most = Math.max(1, Math.abs(found.min ?? 0), Math.abs(found.max ?? 0));
  near(mean, m, most);
  if (Number.isFinite(s)) near(squares, s, most * most * found.count);
  // Without edges one bin is both tails.
  const ends = found.bins.edges.length > 0 ? t : { low: t.low, high: 0 };
  near(tails.low, ends.low, most * found.count);
  near(tails.high, ends.high, most * found.count);
}

test('between known edges it returns the summary of all values, for any chunks', () => {
  fc.assert(
    fc.property(fc.array(cell, { maxLength: 60 }), edges, fc.integer({ min: 1, max: 9 }), (values, cuts, size) => {
      const scan = new NumberScan({ edges: cuts, lattice: 'spread' }, 0);
      for (const piece of pieces(values, size)) scan.add(...piece);
      expect(scan.end()).toBe(false);
      expectSame(scan.summary(), summarizeNumbers(values, cuts));
    }),
  );
});

test('it finds the edges of all values, and requests values again if it could not keep them', () => {
  fc.assert(
    fc.property(fc.array(cell, { maxLength: 120 }), fc.constantFrom(0, 1000), (values, kept) => {
      const scan = new NumberScan(undefined, kept);
      for (const piece of pieces(values, 7)) scan.add(...piece);
      const finite = values.filter((value) => value !== null && Number.isFinite(value)).length;
      expect(scan.end()).toBe(finite > kept);
      if (finite > kept) for (const piece of pieces(values, 5)) scan.recount(...piece);
      const { edges: cuts, lattice } = edgesOfValues(values);
      const { bins, ...found } = scan.summary();
      expect({ bins, lattice: found.lattice }).toEqual({ bins: summarizeNumbers(values, cuts).bins, lattice });
      expect(found).toMatchObject({ count: finite, nulls: values.filter((value) => value === null).length });
    }),
  );
});

test('of very many values edges are within a third of a percent of hundredths, and every value is counted', () => {
  const scan = new NumberScan(undefined, 0);
  const count = 1_000_000;
  // Ascending: a sample that is not spread over all of them would miss one end.
  const all = Float64Array.from({ length: count }, (_, i) => (i + 0.5) / count);
  for (let from = 0; from < count; from += 2048) scan.add(all.subarray(from, from + 2048));
  expect(scan.end()).toBe(true);
  for (let from = 0; from < count; from += 2048) scan.recount(all.subarray(from, from + 2048));
  const { bins, mean, squares } = scan.summary();
  expect(bins.counts.reduce((sum, n) => sum + n, 0)).toBe(count);
  expect(Math.max(...bins.counts) / count).toBeLessThan(0.0133);
  expect(bins.edges[0]).toBeCloseTo(0.01, 2);
  expect(bins.edges.at(-1)).toBeCloseTo(0.99, 2);
  expect(mean).toBeCloseTo(0.5, 12);
  expect(squares / count).toBeCloseTo(1 / 12, 9);
});
