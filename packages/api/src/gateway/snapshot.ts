/**
 * The data that a gateway needs to serve requests: published as a whole by the control plane, swapped in one step, and
 * stored on the gateway's disk so that it serves without other processes. Versioned: a gateway rejects an unknown `v`
 * and keeps its present snapshot.
 */
import { z } from 'zod';

/** One loadable model version. `key` is unique in the snapshot and stable: same key, same bytes, same settings. */
export const servedModelSchema = z.strictObject({
  key: z.string(),
  project: z.string(),
  /** Registered name and version; a model of a run has the run's id as its name and no version. */
  name: z.string(),
  version: z.string().optional(),
  aliases: z.array(z.string()),
  /** `onnx`, `python`, `remote`; default: the engine that can load it. */
  engine: z.string().optional(),
  /** Files by their path in the model's folder; the digest is SHA-256, hex. */
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
  /** Maximum number of rows of one batch; without it, a safe number for a small model. */
  rows: z.int().optional(),
  /** Number of reload requests; a higher number ends its quarantine. */
  resumes: z.int().optional(),
  /** For the engine `python`: the folder of the interpreter with the model's requirements. */
  environment: z.string().optional(),
  /** For the engine `remote`: where the model is served. The value of the credentials is never in the snapshot. */
  remote: z
    .strictObject({
      /** Base URL of the server, without `/v2`. */
      url: z.string(),
      protocol: z.enum(['v2']),
      model: z.string(),
      version: z.string().optional(),
      /** Header of the credentials; `authorization` contains a bearer token. Absent: the server needs none. */
      header: z.string().optional(),
      /** PEM. */
      ca: z.string().optional(),
      /** Maximum concurrent requests of one gateway. */
      concurrency: z.int(),
    })
    .optional(),
});

export const servedVariantSchema = z.strictObject({
  /** `stable`, `canary`, or a custom name; unique in the endpoint. */
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
  /** Requests whose header has this value are sent to this variant. */
  pins: z.array(z.strictObject({ header: z.string(), value: z.string(), variant: z.string() })),
  /** Share of the requests that are copied, after the response was sent. */
  shadow: z.array(z.strictObject({ name: z.string(), model: z.string(), percent: z.number() })),
  /** Traffic is split by the value of this header or parameter; default: the request's id, otherwise at random. */
  sticky: z.strictObject({ header: z.string().optional(), parameter: z.string().optional() }).optional(),
  timeoutMs: z.int(),
  bodyBytes: z.int(),
  /** Limits of the decoded inputs of one request. */
  input: z.strictObject({ rows: z.int(), bytes: z.int() }),
  queue: z.strictObject({ rows: z.int(), bytes: z.int() }),
  batching: z.strictObject({ rows: z.int(), delayMs: z.int() }),
  /** Concurrent requests above which the response is 429. */
  concurrency: z.int().optional(),
  capture: z.strictObject({
    policy: z.enum(['off', 'sample', 'async', 'ack', 'sync']),
    /** Share of the requests, 0 to 1, with `sample`. */
    share: z.number(),
    overflow: z.enum(['shed', 'drop']),
    /** Names of inputs and outputs that are not stored. */
    omit: z.array(z.string()),
  }),
  /** Whether inputs are validated against the model's signature. */
  enforce: z.boolean(),
});

export const snapshotSchema = z.strictObject({
  v: z.literal(1),
  /** Increases with each publication. */
  revision: z.int(),
  at: z.iso.datetime(),
  /** Authentication: `solo` accepts every caller of the loopback port as the owner; `tokens` requires a token. */
  access: z.discriminatedUnion('mode', [
    z.strictObject({ mode: z.literal('solo') }),
    z.strictObject({
      mode: z.literal('tokens'),
      /** Endpoints (`project/name`) that each token may call: decided by the policies when the snapshot is created. */
      tokens: z.array(
        z.strictObject({
          /** SHA-256 of the token, hex. */
          hash: z.string(),
          principal: z.string(),
          endpoints: z.array(z.string()),
          expiresAt: z.iso.datetime().optional(),
        }),
      ),
      /** After this time without a message from the control plane, every token is rejected. */
      offlineMs: z.int(),
    }),
  ]),
  /** Predictions per second, by project; absent projects have no limit. */
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
