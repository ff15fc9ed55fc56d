/** Rows of the table of calls: CPU of each way to call, ratios to Dais with intervals, latency, targets. */
import type { Claims } from './claims.mjs';
import type { LoadFigures } from './load.ts';
import { describeInterval, meanRatio, median, ratioOf, short } from './paired-ratio.ts';

/** How a call reaches the server. */
export type Way = 'kept' | 'new' | 'documented';
export type CallUnit = 'ms' | 'µs';

/** CPU per call, one value per round. */
export interface Samples extends Readonly<Record<Way, readonly number[]>> {
  /** Of kept connections. */
  readonly figures: readonly LoadFigures[];
}

export interface CallTarget {
  /** How many times less CPU than each peer, over kept connections. */
  readonly times?: number | undefined;
  /** Highest CPU per call of Dais, in the unit of the table. */
  readonly limits?: Partial<Readonly<Record<Way, number>>>;
}

export interface RowInput {
  readonly call: string;
  readonly server: string;
  readonly samples: Samples;
  /** Samples of Dais in the same rounds; undefined for Dais itself. */
  readonly own: Samples | undefined;
  readonly unit: CallUnit;
  readonly target: CallTarget;
}

const WAY_NAMES: Readonly<Record<Way, string>> = {
  kept: 'kept connection',
  new: 'new connection',
  documented: 'documented address',
};
const WAYS = Object.keys(WAY_NAMES) as readonly Way[];

export const TABLE_HEADER = [
  'call',
  'server',
  ...WAYS.map((way) => WAY_NAMES[way]),
  'p50; p99 (ms)',
  'rounds',
  'target',
] as const;

/** Returns the cells of one server. A cell has the mean with its interval, and for a peer the ratio to Dais in the same rounds. */
export function callRow(input: RowInput, claims: Claims): readonly string[] {
  const { call, server, samples, own } = input;
  const cells = WAYS.map((way) => {
    if (samples[way].length === 0) return way === 'documented' ? 'same as kept' : '';
    return describeCell(samples[way], own === undefined ? undefined : own[way].length > 0 ? own[way] : own.kept);
  });
  const targets = own === undefined ? judgeLimits(input, claims) : judgeRatio(input, own, claims);
  const calls = Math.round(median(samples.figures.map(({ requests }) => requests))).toLocaleString('en');
  const rounds = `${samples.kept.length} × ${calls} calls`;
  return [call, server, ...cells, describeLatency(samples.figures), rounds, targets];
}

function describeCell(values: readonly number[], own: readonly number[] | undefined): string {
  if (own === undefined) return describeInterval(meanRatio(values));
  return `${short(meanRatio(values).mean)}; ${describeRatio(values, own)}`;
}

function describeRatio(values: readonly number[], own: readonly number[]): string {
  return describeInterval(ratioOf(values, own), ' ×');
}

function judgeRatio({ call, server, samples, target: { times } }: RowInput, own: Samples, claims: Claims): string {
  if (times === undefined) return '';
  const kept = ratioOf(samples.kept, own.kept).mean >= times;
  const claim = `${call}: ${times} times less CPU than ${server}`;
  return `${times} ×: ${claims.judge(claim, kept, describeRatio(samples.kept, own.kept))}`;
}

function judgeLimits({ call, samples, unit, target: { limits = {} } }: RowInput, claims: Claims): string {
  return WAYS.flatMap((way) => {
    const limit = limits[way];
    if (limit === undefined || samples[way].length === 0) return [];
    const cost = meanRatio(samples[way]);
    const claim = `${call}, ${WAY_NAMES[way]}: at most ${limit} ${unit} of CPU`;
    const result = claims.judge(claim, cost.mean <= limit, `${describeInterval(cost)} ${unit}`);
    return [`${way === 'kept' ? '' : `${WAY_NAMES[way]} `}≤ ${limit}: ${result}`];
  }).join(', ');
}

function describeLatency(figures: readonly LoadFigures[]): string {
  const of = (pick: (one: LoadFigures) => number) => short(median(figures.map(pick)));
  const failures = figures.reduce((sum, one) => sum + one.failures, 0);
  const failed = failures === 0 ? '' : `; ${failures} failed`;
  return `${of(({ p50 }) => p50)}; ${of(({ p99 }) => p99)}${failed}`;
}
