/**
 * The summary of a column of numbers that arrives in chunks and is not stored: moments, and counts between edges that
 * are given or computed from its values.
 */
import { quantileEdges, rising, withoutGaps } from './bins.ts';
import type { Lattice, NumberSummary } from './column-summary.ts';
import { ValueSample } from './value-sample.ts';

/** The edges of the counts: those of the baseline, so that both sides can be compared. */
export interface BinEdges {
  readonly edges: readonly number[];
  readonly lattice: Lattice;
}

/** Of numbers: as fine as 1 % of the baseline. */
const PARTS = 100;
/** Numbers of so few different values are counted one by one. */
const FEW_VALUES = 50;
/** Cells of the table that maps a value to the edges intervalAround it: most cells contain one edge or none. */
const CELLS = 1024;

/** Edges at hundredths of values, or at each of them where they are few. @param sorted ascending, finite */
function edgesOf(sorted: ArrayLike<number>, distinct: readonly number[] | undefined, whole: boolean): BinEdges {
  if (distinct !== undefined) return { edges: distinct.slice(0, -1), lattice: 'values' };
  // Where the baseline has a gap, bins across it are split; whole numbers have none between them.
  const edges = withoutGaps(rising(quantileEdges(sorted, PARTS)));
  return whole ? { edges: rising(edges.map(Math.floor)), lattice: 'whole' } : { edges, lattice: 'spread' };
}

/** The same of values that are all there, in any order. */
export function edgesOfValues(values: readonly (number | null)[]): BinEdges {
  const sorted = values.filter((value): value is number => Number.isFinite(value)).toSorted((a, b) => a - b);
  const distinct = [...new Set(sorted)];
  return edgesOf(sorted, distinct.length <= FEW_VALUES ? distinct : undefined, distinct.every(Number.isInteger));
}

export class NumberScan {
  #nulls = 0;
  #nans = 0;
  #infinities = 0;
  readonly #moments = new Moments();
  readonly #finder: EdgeFinder | undefined;
  #bins: BinCounter | undefined;
  #finite = new Float64Array(2048);

  /**
   * @param edges absent: they are computed
   * @param kept maximum values in memory during the computation of edges; a column with more values must be read again
   */
  constructor(edges: BinEdges | undefined, kept: number) {
    if (edges === undefined) this.#finder = new EdgeFinder(kept);
    else this.#bins = new BinCounter(edges);
  }

  /** @param valid a bit a value, the lowest first: 0 is NULL. Absent: there is no NULL. */
  add(values: Float64Array, valid?: Uint8Array): void {
    const finite = this.#finiteOf(values, valid);
    this.#moments.add(finite);
    this.#finder?.add(finite);
    this.#bins?.add(finite);
  }

  /** After the last value: whether all of them are needed again, for `recount`, now that their edges are known. */
  end(): boolean {
    if (this.#finder === undefined || this.#bins !== undefined) return false;
    this.#bins = new BinCounter(this.#finder.edges());
    const held = this.#finder.held();
    for (const piece of held ?? []) this.#bins.add(piece);
    return held === undefined;
  }

  recount(values: Float64Array, valid?: Uint8Array): void {
    this.#bins?.add(this.#finiteOf(values, valid));
  }

  summary(): NumberSummary {
    const { count, min, max, mean, squares } = this.#moments;
    const { edges, lattice, counts, low, high } = this.#bins ?? new BinCounter({ edges: [], lattice: 'spread' });
    return {
      type: 'numbers',
      count,
      nulls: this.#nulls,
      nans: this.#nans,
      infinities: this.#infinities,
      ...(count > 0 && { min, max, mean }),
      squares: clampSum(squares),
      bins: { edges, counts: [...counts] },
      tails:
        edges.length === 0 ? { low: clampSum(mean * count), high: 0 } : { low: clampSum(low), high: clampSum(high) },
      lattice,
    };
  }

  /** What is no finite number is counted the first time alone. */
  #finiteOf(values: Float64Array, valid: Uint8Array | undefined): Float64Array {
    if (this.#finite.length < values.length) this.#finite = new Float64Array(values.length);
    const finite = this.#finite;
    let [n, nulls, nans] = [0, 0, 0];
    for (let i = 0; i < values.length; i++) {
      if (valid !== undefined && ((valid[i >>> 3] ?? 0) & (1 << (i & 7))) === 0) {
        nulls += 1;
        continue;
      }
      const value = values[i] ?? 0;
      if (value - value === 0) finite[n++] = value;
      else if (Number.isNaN(value)) nans += 1;
    }
    if (this.#finder === undefined || this.#bins === undefined) {
      this.#nulls += nulls;
      this.#nans += nans;
      this.#infinities += values.length - n - nulls - nans;
    }
    return finite.subarray(0, n);
  }
}

/** JSON has no infinities. */
function clampSum(sum: number): number {
  return Number.isFinite(sum) ? sum : Math.sign(sum) * Number.MAX_VALUE || 0;
}

/** Piece by piece, put together by Chan, Golub and LeVeque 1979. */
class Moments {
  count = 0;
  min = Infinity;
  max = -Infinity;
  mean = 0;
  squares = 0;

  add(values: Float64Array): void {
    const n = values.length;
    if (n === 0) return;
    let [sum, { min, max }] = [0, this];
    for (let i = 0; i < n; i++) {
      const value = values[i] ?? 0;
      sum += value;
      if (value < min) min = value;
      if (value > max) max = value;
    }
    let mean = sum / n;
    if (!Number.isFinite(mean)) mean = values.reduce((before, value, i) => before + (value - before) / (i + 1), 0);
    let squares = 0;
    for (let i = 0; i < n; i++) {
      const off = (values[i] ?? 0) - mean;
      squares += off * off;
    }
    const [count, off] = [this.count + n, mean - this.mean];
    this.squares += squares + off * off * ((this.count * n) / count);
    this.mean += off * (n / count);
    this.count = count;
    this.min = min;
    this.max = max;
  }
}

class EdgeFinder {
  readonly #distinct = new Set<number>();
  #few = true;
  #whole = true;
  readonly #sample = new ValueSample();
  readonly #kept: number;
  #held: Float64Array[] | undefined = [];
  #values = 0;

  constructor(kept: number) {
    this.#kept = kept;
  }

  add(values: Float64Array): void {
    this.#sample.add(values);
    this.#values += values.length;
    if (this.#values > this.#kept) this.#held = undefined;
    this.#held?.push(values.slice());
    for (let i = 0; this.#whole && i < values.length; i++) this.#whole = Number.isInteger(values[i]);
    for (let i = 0; this.#few && i < values.length; i++) {
      const value = values[i] ?? 0;
      if (i > 0 && value === values[i - 1]) continue;
      this.#distinct.add(value);
      this.#few = this.#distinct.size <= FEW_VALUES;
    }
  }

  edges(): BinEdges {
    const distinct = this.#few ? [...this.#distinct].toSorted((a, b) => a - b) : undefined;
    return edgesOf(this.#few ? [] : this.#sample.sorted(), distinct, this.#whole);
  }

  /** Undefined: there were too many. */
  held(): readonly Float64Array[] | undefined {
    return this.#held;
  }
}

/** Counts as `countInBins` does. */
class BinCounter {
  readonly edges: readonly number[];
  readonly lattice: Lattice;
  readonly counts: Float64Array;
  low = 0;
  high = 0;
  readonly #cuts: Float64Array;
  readonly #scale: number;
  /** By cell: the number of edges in earlier cells. */
  readonly #before: Uint16Array;

  constructor({ edges, lattice }: BinEdges) {
    this.edges = edges;
    this.lattice = lattice;
    this.counts = new Float64Array(edges.length + 1);
    this.#cuts = Float64Array.from(edges);
    const scale = CELLS / ((edges.at(-1) ?? 0) - (edges[0] ?? 0));
    this.#scale = Number.isFinite(scale) ? scale : 0;
    this.#before = new Uint16Array(CELLS + 2);
    for (const edge of edges) {
      const cell = this.#cellOf(edge);
      this.#before[cell + 1] = (this.#before[cell + 1] ?? 0) + 1;
    }
    for (let cell = 1; cell < this.#before.length; cell++) {
      this.#before[cell] = (this.#before[cell] ?? 0) + (this.#before[cell - 1] ?? 0);
    }
  }

  add(values: Float64Array): void {
    const [cuts, counts, before, scale] = [this.#cuts, this.counts, this.#before, this.#scale];
    const last = cuts.length - 1;
    if (last < 0) {
      counts[0] = (counts[0] ?? 0) + values.length;
      return;
    }
    const [least, most] = [cuts[0] ?? 0, cuts[last] ?? 0];
    for (let i = 0; i < values.length; i++) {
      const value = values[i] ?? 0;
      let bin: number;
      if (value <= least) {
        bin = 0;
        this.low += value;
      } else if (value > most) {
        bin = last + 1;
        this.high += value;
      } else {
        // Cells are monotonic: an edge in an earlier cell is smaller, one in a later cell is greater.
        const cell = ((value - least) * scale) | 0;
        bin = before[cell] ?? 0;
        let end = before[cell + 1] ?? 0;
        while (bin < end) {
          const middle = (bin + end) >>> 1;
          if ((cuts[middle] ?? 0) < value) bin = middle + 1;
          else end = middle;
        }
      }
      counts[bin] = (counts[bin] ?? 0) + 1;
    }
  }

  #cellOf(edge: number): number {
    return ((edge - (this.edges[0] ?? 0)) * this.#scale) | 0;
  }
}
