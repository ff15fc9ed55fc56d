/** What a gateway tells of itself: states of models and counters since it started, from which rates and shares are made. */
import { z } from 'zod';

/** Upper ends of the buckets of latencies; a last one holds what took longer. Each is 1.5 to 2 times the one before. */
export const LATENCY_BUCKETS_MS = [
  0.25, 0.5, 1, 1.5, 2, 3, 5, 7.5, 10, 15, 25, 40, 60, 100, 150, 250, 400, 600, 1000, 1500, 2500, 5000, 10_000, 30_000,
] as const;

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
  /** Requests by LATENCY_BUCKETS_MS, one more for what took longer. */
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
