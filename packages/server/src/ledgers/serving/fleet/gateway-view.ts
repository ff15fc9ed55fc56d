/** The gateways of all live nodes, as decisions and pages see them. */
import type { GatewayFigures } from '@dais/api/gateway';
import type { LiveGateway } from '#ledgers/nodes/index.ts';
import type { NodeAddress } from '#lib/node-tls/node-client.ts';
import { addCounters, countersOf, countersSince, NO_REQUESTS, packCounters, unpackCounters } from './counters.ts';
import type { Counters, PackedCounters, VariantKey } from './counters.ts';

/** The files of models on a node, by the key of the model. `note`: what is done, or why it failed. */
export type NodeFiles = Readonly<
  Record<string, { readonly state: 'preparing' | 'here' | 'failed'; readonly note?: string | undefined } | undefined>
>;

/** The gateway of a live node. */
export interface GatewayView {
  readonly node: string;
  readonly host: string;
  /** Of this node. */
  readonly isOwn: boolean;
  /** Where this node reaches the control process of the other; absent: it does not. */
  readonly address?: NodeAddress;
  /** Undefined: it does not run, or has not reported. Other nodes report no latencies here. */
  readonly figures: GatewayFigures | undefined;
  readonly files: NodeFiles;
  readonly recent: RecentCounts;
}

/** What a gateway served in the last ten seconds. */
export interface RecentCounts {
  /** Length of the period; 0: unknown. */
  readonly seconds: number;
  of(key: VariantKey): Counters;
}

export const NOTHING_RECENT: RecentCounts = { seconds: 0, of: () => NO_REQUESTS };

/** The form in which nodes store what other nodes read. */
export interface GatewayReport {
  readonly figures: GatewayFigures;
  readonly files: NodeFiles;
  readonly seconds: number;
  readonly recent: readonly (VariantKey & PackedCounters)[];
}

/** Memory changes with each report; smaller changes are not worth a write. */
const MEMORY_STEP_BYTES = 16 * 2 ** 20;

export interface ReportWindow {
  readonly first: { readonly figures: GatewayFigures; readonly at: number };
  readonly last: { readonly figures: GatewayFigures; readonly at: number };
}

/** Returns the report of this node's gateway without what changes while nothing happens. */
export function makeReport(figures: GatewayFigures, files: NodeFiles, window: ReportWindow | undefined): GatewayReport {
  const { startedAt, revision, models, variants } = figures;
  const counts = recentCounts(window);
  return {
    figures: {
      startedAt,
      revision,
      at: startedAt,
      models: models.map((one) => ({
        ...one,
        cpuMs: undefined,
        memoryBytes: Math.round(one.memoryBytes / MEMORY_STEP_BYTES) * MEMORY_STEP_BYTES,
      })),
      variants: variants.map((one) => ({ ...one, busyMs: undefined, latency: [] })),
    },
    files,
    seconds: Math.round(counts.seconds),
    recent: variants.flatMap(({ project, endpoint, variant, model }) => {
      const key = { project, endpoint, variant, model };
      const lately = counts.of(key);
      return lately.requests === 0 ? [] : [{ ...key, ...packCounters(lately) }];
    }),
  };
}

export function recentCounts(window: ReportWindow | undefined): RecentCounts {
  if (window === undefined) return NOTHING_RECENT;
  const { first, last } = window;
  return {
    seconds: (last.at - first.at) / 1000,
    of: (key) => countersSince(countersOf(last.figures, key), countersOf(first.figures, key)),
  };
}

export function viewReport({ id: node, host, address }: LiveGateway, report: GatewayReport | undefined): GatewayView {
  const about = { node, host, isOwn: false, ...(address !== undefined && { address }) };
  if (report === undefined) return { ...about, figures: undefined, files: {}, recent: NOTHING_RECENT };
  const counted = new Map(report.recent.map((one) => [keyOf(one), unpackCounters(one)]));
  const recent = { seconds: report.seconds, of: (key: VariantKey) => counted.get(keyOf(key)) ?? NO_REQUESTS };
  return { ...about, figures: report.figures, files: report.files, recent };
}

/** Counts of all gateways in the last ten seconds. */
export function recentSum(gateways: readonly GatewayView[], key: VariantKey) {
  let [counters, requests, failed] = [NO_REQUESTS, 0, 0];
  for (const { recent } of gateways) {
    const one = recent.of(key);
    counters = addCounters(counters, one);
    if (recent.seconds > 0) {
      requests += one.requests / recent.seconds;
      failed += one.failed / recent.seconds;
    }
  }
  return { latency: counters.latency, requestsPerSecond: requests, failedPerSecond: failed };
}

function keyOf({ project, endpoint, variant, model }: VariantKey): string {
  return JSON.stringify([project, endpoint, variant, model]);
}
