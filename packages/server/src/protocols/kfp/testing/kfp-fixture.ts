/** For tests of the adapter: a server with its ledgers, called like its clients call it. */
import type { Environments } from '#engines/environments/contract.ts';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openFsBlobStore } from '#engines/blobs/fs/fs-blob-store.ts';
import { openProcessCompute } from '#engines/compute/process/process-compute.ts';
import { startHttpFixture, type FixtureOptions, type HttpFixture } from '#http/testing/http-fixture.ts';
import { Content, CONTENT_DEFAULTS } from '#kernel/content/content.ts';
import { pipeline } from '#kinds/pipeline/index.ts';
import { project } from '#kinds/project/index.ts';
import { target } from '#kinds/target/index.ts';
import { executionsLedger, executionsSlice, type ExecutionsLedger } from '#ledgers/executions/index.ts';
import { lineageSlice } from '#ledgers/lineage/index.ts';
import { trackingLedger, trackingSlice } from '#ledgers/tracking/index.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import { openOutbound } from '#control/open-outbound.ts';
import { readAddress } from '#compose/runs.ts';
import { kfpAdapter, kfpProbe } from '../index.ts';
import { KFP_FORMAT, kfpCompiler } from '../ir/index.ts';
import { kfpDialect } from '../runtime/index.ts';

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** The parsed body; undefined when it is not JSON. */
  // oxlint-disable-next-line typescript/no-explicit-any -- responses of a foreign protocol: tests check their shape
  readonly json: any;
}

export interface KfpWorld {
  readonly http: HttpFixture;
  get(path: string, query?: Readonly<Record<string, string>>): Promise<Answer>;
  post(path: string, body?: unknown): Promise<Answer>;
  delete(path: string): Promise<Answer>;
  /** Uploads a file in the form of clients. */
  upload(path: string, file: { readonly name: string; readonly bytes: Uint8Array | string }): Promise<Answer>;
  send(
    method: string,
    path: string,
    body?: string | object | FormData,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Answer>;
  stop(): Promise<void>;
}

const API = '/apis/v2beta1';
const unneeded = () => Promise.reject(new Error('no test here needs an environment'));
/** Environments of a machine that cannot run images. */
const withoutImages: Environments = {
  problem: async (type) => await Promise.resolve(type === 'image' ? 'there is no podman here' : undefined),
  lock: unneeded,
  build: unneeded,
  list: unneeded,
  evict: unneeded,
};

/** Image whose components run with the programs of the machine. */
export const SYSTEM_IMAGE = 'example.com/system:1';

export async function startKfpWorld(options: FixtureOptions = {}): Promise<KfpWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'dais-kfp-'));
  const blobs = await openFsBlobStore({ root: join(folder, 'blobs'), clock: systemClock });
  const compute = await openProcessCompute({ root: join(folder, 'compute'), clock: systemClock, log: silentLog });
  const tracking = trackingLedger({
    options: {
      artifactRoot: 'artifacts:',
      folderRoot: undefined,
      nameTag: 'name',
      contextTag: 'context',
      originTags: { parent: 'parent', commit: 'commit', repository: 'repository', entryPoint: 'entry' },
    },
    clock: systemClock,
    random: randomBytes,
  });
  const outbound = await openOutbound({ allowHosts: ['127.0.0.1'] }, '0');
  let ledger: ExecutionsLedger | undefined;
  const http = await startHttpFixture({
    kinds: [project, pipeline, target({ clock: systemClock })],
    ...options,
    slices: [lineageSlice, trackingSlice, executionsSlice],
    entries: ({ database }) => {
      const content = new Content({ database, blobs, clock: systemClock, ...CONTENT_DEFAULTS });
      const executions = executionsLedger({
        database,
        content,
        clock: systemClock,
        log: silentLog,
        holder: randomUUID(),
        place: () => 'this machine',
        compute: async () => await Promise.resolve(compute),
        environments: async () => await Promise.resolve(withoutImages),
        secretValue: async () => await Promise.resolve(undefined),
        compilers: new Map([[KFP_FORMAT, kfpCompiler({ now: () => systemClock.now() })]]),
        dialects: new Map([[kfpDialect.name, kfpDialect]]),
        solo: true,
        concurrency: 8,
        limits: { runningSteps: 8, queuedSteps: 100_000 },
        stepDefaults: { cpu: 1, memory: 2 ** 30, disk: 10 * 2 ** 30 },
        capacity: async () => await Promise.resolve({ cpu: 64, memory: 2 ** 40 }),
        nodeName: 'this machine',
        readAddress: async (url, io) => await readAddress(outbound, url, io),
        days: 0,
      });
      ledger = executions;
      return [...tracking.entries, ...executions.entries];
    },
    doors: (calls) => [kfpProbe(), kfpAdapter({ calls, log: silentLog })],
  });
  const mapped = {
    apiVersion: 'dais.dev/v1',
    kind: 'Target',
    metadata: { name: 'local' },
    spec: { images: [{ image: SYSTEM_IMAGE, environment: { type: 'system' } }] },
  };
  const applied = await fetch(`${http.url}/api/v1/apply`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ sources: [{ file: 'target.json', text: JSON.stringify(mapped) }] }),
  });
  if (!applied.ok) throw new Error(await applied.text());
  await ledger?.start({ controller: true, steps: true });
  const send: KfpWorld['send'] = async (method, path, body, headers = {}) => {
    const isForm = body instanceof FormData;
    const response = await fetch(`${http.url}${path}`, {
      method,
      headers: { ...(body !== undefined && !isForm && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: isForm || typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      json = undefined;
    }
    return { status: response.status, headers: response.headers, json };
  };
  return {
    http,
    send,
    get: async (path, query = {}) => {
      const parameters = new URLSearchParams(query);
      return await send('GET', `${API}${path}${parameters.size === 0 ? '' : `?${parameters.toString()}`}`);
    },
    post: async (path, body) => await send('POST', `${API}${path}`, body as object | undefined),
    delete: async (path) => await send('DELETE', `${API}${path}`),
    upload: async (path, { name, bytes }) => {
      const form = new FormData();
      form.append('uploadfile', new Blob([bytes]), name);
      return await send('POST', `${API}${path}`, form);
    },
    stop: async () => {
      await outbound.close();
      await ledger?.stop();
      await http.stop();
      for await (const attempt of compute.attempts()) await compute.forget(attempt);
      await compute.close();
      await blobs.close();
      await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    },
  };
}
