/** How much two filters have to do with each other: normalized pointwise mutual information, from -1 to 1. */

interface Counts {
  readonly total: number;
  readonly count1: number;
  readonly count2: number;
  readonly both: number;
}

/** Jeffreys' prior: counts of 0 have little weight. */
const SMOOTHING = 0.5;

export function npmi({ total, count1, count2, both }: Counts) {
  const counts = { filter1_count: count1, filter2_count: count2, joint_count: both, total_count: total };
  if (total === 0 || count1 === 0 || count2 === 0) return { npmi: 'NaN', npmi_smoothed: 'NaN', ...counts };
  const cells = [both, count1 - both, count2 - both, total - count1 - count2 + both] as const;
  return { npmi: both === 0 ? -1 : wire(core(cells, 0)), npmi_smoothed: wire(core(cells, SMOOTHING)), ...counts };
}

function core([n11, n10, n01, n00]: readonly [number, number, number, number], smoothing: number): number {
  const [a, b, c, d] = [n11 + smoothing, n10 + smoothing, n01 + smoothing, n00 + smoothing];
  const n = a + b + c + d;
  if (n10 === 0 && n01 === 0 && n00 === 0) return 1;
  const joint = Math.log(a) - Math.log(n);
  const apart = Math.log(a + b) + Math.log(a + c) - 2 * Math.log(n);
  return Math.max(-1, Math.min(1, (joint - apart) / -joint));
}

function wire(value: number): number | string {
  return Number.isNaN(value) ? 'NaN' : value;
}
