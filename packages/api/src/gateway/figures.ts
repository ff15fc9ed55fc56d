/** The report of a gateway: states of models, and counters since its start, for rates and shares. */
import { z } from 'zod';

/** Upper bounds of the latency buckets; a last one holds longer latencies. Each is 1.5 to 2 times the previous one. */
export const LATENCY_BUCKETS_MS = [
  0.25, 0.5, 1, 1.5, 2, 3, 5, 7.5, 10, 15, 25, 40, 60, 100, 150, 250, 400, 600, 1000, 1500, 2500, 5000, 10_000, 30_000,
] as const;

const modelFiguresSchema = z.strictObject({
  /** Revision of the snapshot. */
  key: z.string(),
  /** `idle`: it loads with the first request. */
  state: z.enum(['loading', 'ready', 'failed', 'idle', 'quarantined']),
  error: z.string().optional(),
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
  /** Requests by LATENCY_BUCKETS_MS, one more for longer ones. */
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
