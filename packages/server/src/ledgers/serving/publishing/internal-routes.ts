/** What other nodes request from this one: its snapshot, the files of its models, and requests to its gateway. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DaisError } from '@dais/api';
import { z } from 'zod';
import { jsonResponse, type InternalRoute } from '#lib/node-tls/internal-route.ts';
import { runLoad } from '../load-tests/load-run.ts';
import type { GatewayLink } from './gateway-link.ts';
import type { PublishedSnapshot } from './published-snapshot.ts';

export interface InternalDependencies {
  readonly published: PublishedSnapshot;
  readonly gateway: GatewayLink;
  /** Folder of the models, by key. */
  readonly models: string;
}

/** A request for a new snapshot waits at most this long. */
const MAX_WAIT_SECONDS = 30;
const MAX_LOAD_MS = 600_000;

export const GATEWAY_CONTENT = '/internal/content';
export const GATEWAY_REQUEST = '/internal/gateway/request';
export const GATEWAY_LOAD = '/internal/gateway/load';

/** Paths that the gateway serves; nothing else of this machine can be reached. */
const gatewayRequestSchema = z.strictObject({
  path: z
    .string()
    .max(4096)
    .regex(/^\/p\/[^/]+\/(?:endpoints|v2\/models)\//),
  headers: z.record(z.string().regex(/^(?:content-type|dais-[a-z-]+)$/), z.string().max(1024)),
  body: z.string().optional(),
});
export type GatewayRequest = z.infer<typeof gatewayRequestSchema>;

const gatewayLoadSchema = z.strictObject({
  target: z.strictObject({
    project: z.string(),
    endpoint: z.string(),
    variant: z.string().optional(),
    body: z.string(),
  }),
  shape: z.strictObject({
    connections: z.int().min(1).max(1024),
    requests: z.int().min(1),
    durationMs: z.number().min(1).max(MAX_LOAD_MS),
  }),
});
export type GatewayLoad = z.infer<typeof gatewayLoadSchema>;

export function internalRoutes({ published, gateway, models }: InternalDependencies): readonly InternalRoute[] {
  return [
    {
      method: 'GET',
      path: '/internal/snapshot',
      handle: async ({ headers, query, signal }) => {
        const known = revisionIn(headers['if-none-match']);
        await published.waitForChange(known, waitIn(query) * 1000, signal);
        const { current } = published;
        if (current === undefined) throw new DaisError('not_found', 'This node has not published a snapshot yet.');
        const etag = `"${current.revision}"`;
        if (current.revision === known) return { status: 304, headers: { etag } };
        const response = jsonResponse(current);
        return { ...response, headers: { ...response.headers, etag } };
      },
    },
    {
      method: 'GET',
      path: `${GATEWAY_CONTENT}/:id`,
      handle: async ({ id }) => {
        const file = published.current?.models
          .flatMap(({ key, files }) => files.map((one) => ({ ...one, path: join(models, key, one.path) })))
          .find(({ digest }) => digest === id);
        const size = file && (await stat(file.path).catch(() => undefined))?.size;
        if (file === undefined || size !== file.bytes) {
          throw new DaisError('not_found', 'The snapshot of this node has no file with this digest.');
        }
        return {
          status: 200,
          headers: { 'content-type': 'application/octet-stream', 'content-length': String(size), etag: `"${id}"` },
          body: createReadStream(file.path),
        };
      },
    },
    {
      method: 'POST',
      path: GATEWAY_REQUEST,
      handle: async ({ json }) => {
        const { path, headers, body } = read(gatewayRequestSchema, await json());
        return jsonResponse(await gateway.request(path, headers, body).catch(unavailable));
      },
    },
    {
      method: 'POST',
      path: GATEWAY_LOAD,
      handle: async ({ json, signal }) => {
        const { target, shape } = read(gatewayLoadSchema, await json());
        const load = { ...shape, rate: undefined };
        const { seen } = await runLoad(gateway, { variant: undefined, ...target }, load, { signal }).catch(unavailable);
        return jsonResponse(seen);
      },
    },
  ];
}

function read<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new DaisError(
    'invalid_request',
    `The request of the other node is not valid: ${z.prettifyError(parsed.error)}`,
  );
}

function unavailable(error: unknown): never {
  const why = error instanceof Error ? error.message : String(error);
  throw new DaisError('model_unavailable', `The gateway of this node cannot be reached: ${why}.`, { cause: error });
}

function revisionIn(etag: string | undefined): number | undefined {
  const digits = /^"(\d{1,16})"$/.exec(etag ?? '')?.[1];
  return digits === undefined ? undefined : Number(digits);
}

function waitIn(query: URLSearchParams): number {
  const wait = Number(query.get('wait') ?? '0');
  if (Number.isFinite(wait) && wait >= 0 && wait <= MAX_WAIT_SECONDS) return wait;
  throw new DaisError('invalid_request', `\`wait\` is a number of seconds from 0 to ${MAX_WAIT_SECONDS}.`);
}
