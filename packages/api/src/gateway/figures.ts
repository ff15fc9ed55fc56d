/** The report of a gateway: states of models, and counters since its start, for rates and shares. */
import { z } from 'zod';

/** Upper bounds of the latency buckets; a last one holds longer latencies. Each is 1.5 to 2 times the previous one. */
export const LATENCY_BUCKETS_MS = [
  0.25, 0.5, 1, 1.5, 2, 3, 5, 7.5, 10, 15, 25, 40, 60, 100, 150, 250, 400, 600, 1000, 1500, 2500, 5000, 10_000, 30_000,
] as const;

/**
 * Buckets of latencies for comparisons of versions: 8 for each doubling from 0.25 ms to 32.768 s, and one for what took
 * longer. Bucket `i` ends at 0.25 · 2^(i/8) ms. All have the same ratio, so a latency that is 2^(k/8) times as long is
 * exactly `k` buckets higher.
 */
export const LATENCY_GRID = { firstMs: 0.25, perDoubling: 8, buckets: 138 } as const;

/** Returns the bucket of a latency in `LATENCY_GRID`. */
export function latencyBucket(ms: number): number {
  const { firstMs, perDoubling, buckets } = LATENCY_GRID;
  return ms <= firstMs ? 0 : Math.min(buckets - 1, Math.ceil(perDoubling * Math.log2(ms / firstMs)));
}

/** Returns the upper end of a bucket of `LATENCY_GRID` in ms; of the last bucket: its lower end. */
export function latencyBoundMs(bucket: number): number {
  const { firstMs, perDoubling, buckets } = LATENCY_GRID;
  return firstMs * 2 ** (Math.min(bucket, buckets - 2) / perDoubling);
}

const modelFiguresSchema = z.strictObject({
  /** Revision of the snapshot. */
  key: z.string(),
  /** `idle`: it loads with the first request. */
  state: z.enum(['loading', 'ready', 'failed', 'idle', 'quarantined']),
  error: z.string().optional(),
  /** True for `failed` if the model is at a server that is not ready: the gateway retries. */
  away: z.boolean().optional(),
  /** Progress of loading. */
  phase: z.string().optional(),
  engine: z.string().optional(),
  workers: z.int(),
  /** Pending and running rows. */
  inFlight: z.int(),
  memoryBytes: z.number(),
  /** CPU time of its own processes since it was loaded; absent for a model inside the gateway process. */
  cpuMs: z.number().optional(),
  loadMs: z.number().optional(),
});

const variantFiguresSchema = z.strictObject({
  /** Name of the project. */
  project: z.string(),
  endpoint: z.string(),
  variant: z.string(),
  /** Key of the model; counters restart for a variant with another model. */
  model: z.string(),
  requests: z.int(),
  /** Responses with 5xx. */
  failed: z.int(),
  /** Rejected because of load or timeouts. */
  refused: z.int(),
  /** Requests by the buckets of `LATENCY_GRID`. */
  latency: z.array(z.int()),
  /** Sum of the latencies. */
  busyMs: z.number().optional(),
  /** A shadow: it receives copies, and its responses are discarded. */
  shadow: z.boolean().optional(),
});

export const gatewayFiguresSchema = z.strictObject({
  /** Id of the process: counters start with it. */
  startedAt: z.iso.datetime(),
  /** Revision of the served snapshot; 0 without one. */
  revision: z.int(),
  /** Time of the report. */
  at: z.iso.datetime(),
  /** CPU time of the gateway and all its child processes; absent where it is unknown. */
  cpuMs: z.number().optional(),
  /** Memory of the gateway itself, without the processes of models. */
  memoryBytes: z.number().optional(),
  models: z.array(modelFiguresSchema),
  variants: z.array(variantFiguresSchema),
});

export type ModelFigures = z.infer<typeof modelFiguresSchema>;
export type VariantFigures = z.infer<typeof variantFiguresSchema>;
export type GatewayFigures = z.infer<typeof gatewayFiguresSchema>;
