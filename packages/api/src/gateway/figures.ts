/** What a gateway tells of itself: states of models and counters since it started, from which rates and shares are made. */
import { z } from 'zod';

/** Upper ends of the buckets of latencies; a last one holds what took longer. Each is 1.5 to 2 times the one before. */
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
  /** Of the snapshot. */
  key: z.string(),
  /** `idle`: it is loaded with the first request. */
  state: z.enum(['loading', 'ready', 'failed', 'idle', 'quarantined']),
  error: z.string().optional(),
  /** What loading is at. */
  phase: z.string().optional(),
  engine: z.string().optional(),
  workers: z.int(),
  /** Rows that wait or run. */
  inFlight: z.int(),
  memoryBytes: z.number(),
  /** CPU time of its own processes since it was loaded; nothing of one that runs within the gateway. */
  cpuMs: z.number().optional(),
  loadMs: z.number().optional(),
});

const variantFiguresSchema = z.strictObject({
  /** Name of the project. */
  project: z.string(),
  endpoint: z.string(),
  variant: z.string(),
  /** Key of the model; a variant that got another one begins anew. */
  model: z.string(),
  requests: z.int(),
  /** Answered with 5xx. */
  failed: z.int(),
  /** For want of room or time. */
  refused: z.int(),
  /** Requests by the buckets of `LATENCY_GRID`. */
  latency: z.array(z.int()),
  /** How long they took, all together. */
  busyMs: z.number().optional(),
  /** It gets copies, and answers nobody. */
  shadow: z.boolean().optional(),
});

export const gatewayFiguresSchema = z.strictObject({
  /** Tells one process from the next: counters begin with it. */
  startedAt: z.iso.datetime(),
  /** Of the snapshot that is served; 0 before there is one. */
  revision: z.int(),
  /** Time of the report. */
  at: z.iso.datetime(),
  /** CPU time of the gateway and all that it has started; absent where that cannot be known. */
  cpuMs: z.number().optional(),
  /** Memory of the gateway itself, without the processes of models. */
  memoryBytes: z.number().optional(),
  models: z.array(modelFiguresSchema),
  variants: z.array(variantFiguresSchema),
});

export type ModelFigures = z.infer<typeof modelFiguresSchema>;
export type VariantFigures = z.infer<typeof variantFiguresSchema>;
export type GatewayFigures = z.infer<typeof gatewayFiguresSchema>;
