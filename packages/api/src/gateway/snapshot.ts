/**
 * What a gateway needs to answer requests, published whole by the control plane, swapped in one step, and kept on the
 * gateway's disk so that it serves while nothing else does. Versioned: a gateway refuses a `v` that it does not know and
 * keeps what it has.
 */
import { z } from 'zod';

/** One model version that can be loaded. `key` is unique in the snapshot and stable: same key, same bytes, same settings. */
export const servedModelSchema = z.strictObject({
  key: z.string(),
  project: z.string(),
  /** Registered name and version; a model of a run has the run's id as its name and no version. */
  name: z.string(),
  version: z.string().optional(),
  aliases: z.array(z.string()),
  /** `onnx`, `python`; default: what can load it. */
  engine: z.string().optional(),
  /** Files by their path below the model's folder; the digest is SHA-256, hex. */
  files: z.array(z.strictObject({ path: z.string(), digest: z.string(), bytes: z.int() })),
  trust: z.enum(['trusted', 'untrusted']),
  /** Text of the model's MLmodel signature (JSON), if it has one. */
  signature: z.unknown().optional(),
  threads: z.int().optional(),
  workers: z.strictObject({ min: z.int(), max: z.int(), idleMs: z.int() }),
  memoryBytes: z.int().optional(),
  /** Time limit for loading it into a process. */
  loadMs: z.int().optional(),
  /** Time limit for one batch in a process. */
  inferMs: z.int().optional(),
  /** Most rows of one batch; without it, what is safe for a small model. */
  rows: z.int().optional(),
  /** Times that someone asked to load it again; a higher number ends its quarantine. */
  resumes: z.int().optional(),
  /** For the engine `python`: the folder of the interpreter that has what the model requires. */
  environment: z.string().optional(),
});

export const servedVariantSchema = z.strictObject({
  /** `stable`, `canary`, or a name of one's own; unique in the endpoint. */
  name: z.string(),
  model: z.string().describe('key of a model'),
  /** Of 10,000. */
  weight: z.int(),
});

export const servedEndpointSchema = z.strictObject({
  project: z.string(),
  name: z.string(),
  uid: z.string(),
  generation: z.int(),
  variants: z.array(servedVariantSchema),
  /** Requests whose header has this value go to this variant. */
  pins: z.array(z.strictObject({ header: z.string(), value: z.string(), variant: z.string() })),
  /** Copies of this share of the requests, after the answer was sent. */
  shadow: z.array(z.strictObject({ name: z.string(), model: z.string(), percent: z.number() })),
  /** What traffic is split by: a header's or parameter's value; default the request's id, else by chance. */
  sticky: z.strictObject({ header: z.string().optional(), parameter: z.string().optional() }).optional(),
  timeoutMs: z.int(),
  bodyBytes: z.int(),
  /** Limits of the decoded inputs of one request. */
  input: z.strictObject({ rows: z.int(), bytes: z.int() }),
  queue: z.strictObject({ rows: z.int(), bytes: z.int() }),
  batching: z.strictObject({ rows: z.int(), delayMs: z.int() }),
  /** Requests under way at once, beyond which 429. */
  concurrency: z.int().optional(),
  capture: z.strictObject({
    policy: z.enum(['off', 'sample', 'async', 'ack', 'sync']),
    /** Share of the requests, 0 to 1, with `sample`. */
    share: z.number(),
    overflow: z.enum(['shed', 'drop']),
    /** Names of inputs and outputs that are not written. */
    omit: z.array(z.string()),
  }),
  /** Whether inputs are held against the model's signature. */
  enforce: z.boolean(),
});

export const snapshotSchema = z.strictObject({
  v: z.literal(1),
  /** Grows with each publication. */
  revision: z.int(),
  at: z.iso.datetime(),
  /** Who may call: `solo` lets whoever reaches the loopback port as the owner; `tokens` asks for one. */
  access: z.discriminatedUnion('mode', [
    z.strictObject({ mode: z.literal('solo') }),
    z.strictObject({
      mode: z.literal('tokens'),
      /** Endpoints (`project/name`) that each token may call: decided by the policies when the snapshot is made. */
      tokens: z.array(
        z.strictObject({
          /** SHA-256 of the token, hex. */
          hash: z.string(),
          principal: z.string(),
          endpoints: z.array(z.string()),
          expiresAt: z.iso.datetime().optional(),
        }),
      ),
      /** Without news from the control plane for so long, every token is refused. */
      offlineMs: z.int(),
    }),
  ]),
  /** Predictions a second, by project; one that is absent has no limit. */
  quotas: z
    .array(
      z.strictObject({
        project: z.string(),
        perSecond: z.number().optional(),
        perCallerPerSecond: z.number().optional(),
      }),
    )
    .optional(),
  models: z.array(servedModelSchema),
  endpoints: z.array(servedEndpointSchema),
});

export type ServedModel = z.infer<typeof servedModelSchema>;
export type ServedVariant = z.infer<typeof servedVariantSchema>;
export type ServedEndpoint = z.infer<typeof servedEndpointSchema>;
export type Snapshot = z.infer<typeof snapshotSchema>;
