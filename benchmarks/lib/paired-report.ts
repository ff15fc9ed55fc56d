/** Lines of a comparison of two builds: medians, the ratio with its interval, and whether the claim is kept. */
import type { Claims } from './claims.mjs';
import { describeInterval, median, ratioOf } from './paired-ratio.ts';

export interface Measurement {
  readonly name: string;
  readonly unit: string;
  /** Digits after the decimal point. */
  readonly digits: number;
  /** One value per round, in the same order. */
  readonly before: readonly number[];
  readonly after: readonly number[];
}

/** Ends of an interval further apart than this hide a change of a tenth. */
const WIDE = 1.25;

/** Prints one measurement. The claim is kept when the interval of the ratio after/before contains 1 or is below it. */
export function reportPair(claims: Claims, { name, unit, digits, before, after }: Measurement): void {
  const ratio = ratioOf(after, before);
  const { mean, low, high } = ratio;
  const isWide = high / low > WIDE;
  const change = high < 1 ? ' (smaller)' : isWide ? ' (too wide: use more rounds or a quieter machine)' : '';
  console.log(
    `${name}: median ${median(before).toFixed(digits)} ${unit} before, ${median(after).toFixed(digits)} ${unit} after; ` +
      `ratio ${mean.toFixed(3)}, 95 % interval ${low.toFixed(3)} to ${high.toFixed(3)}${change}, ` +
      `not above 1: ${claims.judge(`${name} not above the other build's`, low <= 1, describeInterval(ratio, ' ×'))}`,
  );
}
