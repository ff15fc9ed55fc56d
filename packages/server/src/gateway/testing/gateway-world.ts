/** For tests: a gateway on free ports with a short snapshot format, and a client with its own connections. */
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, request, type IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { snapshotSchema, type ServedEndpoint, type ServedModel, type Snapshot } from '@dais/api/gateway';
import { servingDoors, servingRpcs } from '#compose/serving.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import type { PredictionRecord } from '#ledgers/predictions/segment.ts';
import type { CaptureSink, CaptureStats } from '../predictions/capture.ts';
import { startGateway } from '../gateway.ts';
import type { Gateway, GatewayOptions } from '../options.ts';
import { PlainEngine } from './plain-engine.ts';

/** More than the number of requests that may wait for a model, because each has a connection. */
const MOST_SOCKETS = 2048;

export interface GatewayResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
  readonly json: unknown;
}

export interface RequestOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | string;
  readonly signal?: AbortSignal;
}

export class MemoryCapture implements CaptureSink {
  readonly records: PredictionRecord[] = [];
  fullNow = false;

  append(record: PredictionRecord): undefined {
    this.records.push(record);
  }

  full(): boolean {
    return this.fullNow;
  }

  async flush(): Promise<void> {}

  stats(): CaptureStats {
    return { records: this.records.length, dropped: 0, shed: 0, cut: 0, pendingBytes: 0 };
  }
}

export interface GatewayWorld {
  readonly gateway: Gateway;
  readonly engine: PlainEngine;
  readonly capture: MemoryCapture;
  readonly folder: string;
  ask(path: string, dialog?: RequestOptions): Promise<GatewayResponse>;
  /** Sends rows of two numbers to an endpoint; returns their sums. */
  sums(
    endpoint: string,
    rows: readonly (readonly [number, number])[],
    dialog?: RequestOptions & { id?: string },
  ): Promise<GatewayResponse>;
  /** Stops the gateway and starts another with the same folder. */
  restart(options?: Partial<GatewayOptions>): Promise<void>;
  stop(): Promise<void>;
}

export async function startWorld(options: Partial<GatewayOptions> = {}): Promise<GatewayWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'dais-gateway-'));
  const engine = new PlainEngine();
  const capture = new MemoryCapture();
  const agent = new Agent({ keepAlive: true, maxSockets: MOST_SOCKETS });
  const start = async (more: Partial<GatewayOptions>) =>
    await startGateway({
      engines: [engine],
      doors: servingDoors(),
      rpcs: servingRpcs(),
      files: async ({ name }) => ({ folder: join(folder, name) }),
      capture,
      listen: { port: 0, grpcPort: 0 },
      loadWaitMs: 3000,
      folder,
      number: 7,
      version: '0.0.0',
      clock: systemClock,
      log: silentLog,
      ...options,
      ...more,
    });
  let gateway = await start({});
  const ask = async (path: string, { method, headers = {}, body, signal }: RequestOptions = {}) =>
    await new Promise<GatewayResponse>((resolve, reject) => {
      const sent = request(
        {
          host: '127.0.0.1',
          port: gateway.port,
          path,
          method: method ?? (body === undefined ? 'GET' : 'POST'),
          headers: { ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }), ...headers },
          agent,
          ...(signal !== undefined && { signal }),
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () => {
            const bytes = Buffer.concat(chunks);
            const { statusCode = 0, headers: got } = response;
            resolve({ status: statusCode, headers: got, bytes, json: jsonOf(bytes) });
          });
        },
      );
      sent.on('error', reject);
      sent.end(body);
    });
  const drain = async () => await gateway.drain({ noticeMs: 0, deadlineMs: 2000 });
  return {
    get gateway() {
      return gateway;
    },
    engine,
    capture,
    folder,
    ask,
    sums: async (endpoint, rows, { id, ...dialog } = {}) =>
      await ask(`/v2/models/${endpoint}/infer`, { body: sumsBody(rows, id), ...dialog }),
    restart: async (more = {}) => {
      await drain();
      gateway = await start(more);
    },
    stop: async () => {
      await drain();
      agent.destroy();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export function sumsBody(rows: readonly (readonly [number, number])[], id?: string): string {
  return JSON.stringify({
    ...(id !== undefined && { id }),
    inputs: [{ name: 'x', shape: [rows.length, 2], datatype: 'FP32', data: rows.flat() }],
  });
}

/** A model named like its folder. */
export function model(key: string, more: Partial<ServedModel> = {}): ServedModel {
  return {
    key,
    project: 'default',
    name: key,
    version: '1',
    aliases: [],
    files: [],
    trust: 'trusted',
    workers: { min: 1, max: 1, idleMs: 0 },
    ...more,
  };
}

export function endpoint(
  name: string,
  variants: readonly (readonly [name: string, model: string, weight: number])[],
  more: Partial<ServedEndpoint> = {},
): ServedEndpoint {
  return {
    project: 'default',
    name,
    uid: `uid-${name}`,
    generation: 1,
    variants: variants.map(([variant, key, weight]) => ({ name: variant, model: key, weight })),
    pins: [],
    shadow: [],
    timeoutMs: 30_000,
    bodyBytes: 4 << 20,
    input: { rows: 10_000_000, bytes: 256 << 20 },
    queue: { rows: 1000, bytes: 64 << 20 },
    batching: { rows: 64, delayMs: 0 },
    capture: { policy: 'off', share: 1, overflow: 'drop', omit: [] },
    enforce: true,
    ...more,
  };
}

export function snapshot(
  revision: number,
  models: readonly ServedModel[],
  endpoints: readonly ServedEndpoint[],
  access: Snapshot['access'] = { mode: 'solo' },
): Snapshot {
  return snapshotSchema.parse({ v: 1, revision, at: '2026-01-01T00:00:00Z', access, models, endpoints });
}

function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}
