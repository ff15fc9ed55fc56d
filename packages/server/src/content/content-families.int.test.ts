/**
 * Every family of stored content with a damaged object: the read fails with an error that names what is damaged, the damage is
 * listed with its owner, and an upload of the same bytes repairs it.
 */
import { createHash, randomBytes } from 'node:crypto';
import { chmod, mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DamagedContent } from '@dais/api';
import type { Execution } from '@dais/api/executions';
import type { Ingest } from '@dais/api/data';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startDaisProcess, type DaisProcess } from '#testing/dais-process.ts';
import { batchClient, type BatchClient } from '#testing/batch-client.ts';
import { executionClient } from '#testing/execution-client.ts';
import { servingClient, type SeenStatus, type ServingClient } from '#testing/serving-client.ts';

let folder: string;
let dais: DaisProcess;
let url: string;
let models: ServingClient;
let batch: BatchClient;
const executions = executionClient(() => url);

async function launch(): Promise<void> {
  dais = startDaisProcess({ data: join(folder, 'data'), 'keys.folder': join(folder, 'keys') });
  url = (await dais.ready).replace(/\/$/, '');
  models = servingClient(url);
  batch = batchClient(call);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-content-families-'));
  await launch();
});
afterAll(async () => {
  dais.process.kill('SIGTERM');
  await dais.ended;
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

async function call<Output>(method: string, path: string, body?: object | Buffer): Promise<Output> {
  const { status, body: reported } = await models.call(method, `/api/v1${path}`, body);
  if (status >= 300) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(reported)}`);
  return reported as Output;
}

/** What a client receives: of an error its status, code and detail. */
async function read(path: string, body?: object): Promise<{ status: number; code?: unknown; detail?: unknown }> {
  const { status, body: reported } = await models.call(body === undefined ? 'GET' : 'POST', `/api/v1${path}`, body);
  return { status, ...(status >= 300 && { code: reported['code'], detail: reported.detail }) };
}

const SOON = { timeout: 60_000, interval: 50 };
const blobs = () => join(folder, 'data', 'blobs', 'sha256');

async function digests(): Promise<ReadonlySet<string>> {
  const names = await readdir(blobs(), { recursive: true });
  return new Set(names.map((name) => name.split('/').at(-1) ?? '').filter((name) => name.length === 64));
}

const pathOf = (sha256: string) => join(blobs(), sha256.slice(0, 2), sha256.slice(2, 4), sha256);

/** The bytes of damaged objects as they were. */
const whole = new Map<string, Buffer>();

/** Changes one byte. */
async function damage(sha256: string): Promise<void> {
  whole.set(sha256, await readFile(pathOf(sha256)));
  const file = await open(pathOf(sha256), 'r+');
  const at = Math.floor((whole.get(sha256)?.length ?? 0) / 2);
  const { buffer: one } = await file.read(Buffer.alloc(1), 0, 1, at);
  await file.write(Buffer.from([(one[0] ?? 0) ^ 1]), 0, 1, at);
  await file.close();
}

const digestOf = (bytes: string | Buffer) => createHash('sha256').update(bytes).digest('hex');

async function damaged(): Promise<readonly DamagedContent[]> {
  return (await call<{ items: DamagedContent[] }>('GET', '/content/damaged?limit=100')).items;
}

/** Uploads the right bytes of everything damaged as artifacts: the same bytes are the same object. */
async function repair(): Promise<void> {
  for (const [sha256, bytes] of whole) await call('PUT', `/tracking/artifacts/content?path=repair/${sha256}`, bytes);
  whole.clear();
  expect(await damaged()).toEqual([]);
}

const ownersOf = (items: readonly DamagedContent[]) =>
  items.flatMap(({ owners }) => owners.map(({ kind, name }) => `${kind} ${name}`)).toSorted();

/** The error of every reader: what is damaged by its name, why, and what to do. */
const error = (label: string) =>
  expect.stringMatching(
    new RegExp(
      `${label} is damaged: the object sha256:[0-9a-f]{64} does not match its digest\\. Upload the same bytes again`,
    ),
  ) as string;
const refused = (label: string) => ({ status: 409, code: 'content_damaged', detail: error(label) });

test('code, outputs and logs of a run', async () => {
  const go = join(folder, 'go');
  const code = randomBytes(300).toString('hex');
  const { upload } = await call<{ upload: string }>('PUT', '/executions/uploads', Buffer.from(code));
  const step = { command: ['true'] as [string, ...string[]], isolation: 'none' as const };
  const run = await call<Execution>('POST', '/executions', {
    name: 'train',
    code: { files: [{ path: 'code.txt', upload }] },
    steps: {
      make: { ...step, command: ['sh', '-c', 'echo logged; echo output >out'], outputs: { out: { path: 'out' } } },
      gate: { ...step, command: ['sh', '-c', `until [ -e ${go} ]; do sleep 0.05; done`], needs: ['make'] },
      use: { ...step, needs: ['gate'], inputs: { in: { step: 'make', output: 'out' } } },
    },
  });
  const { id } = run;
  await expect.poll(async () => (await executions.nodes(id)).get('gate')?.state, SOON).toBe('running');
  const { items } = await call<{ items: { name: string }[] }>('GET', `/executions/${id}/files`);
  const file = (name: string) => `/executions/${id}/files/content?name=${encodeURIComponent(name)}`;
  await damage(digestOf('output\n'));
  await damage(digestOf('logged\n'));
  await writeFile(go, '');
  expect(await executions.ended(id)).toMatchObject({ state: 'failed' });
  expect((await executions.nodes(id)).get('use')?.error).toEqual(error(`File steps/.*/out of run ${id}`));
  expect(await read(`/executions/${id}/logs?node=make`)).toEqual(refused(`File logs/.* of run ${id}`));
  await damage(digestOf(code));
  for (const { name } of items) expect(await read(file(name))).toEqual(refused(`File ${name} of run ${id}`));
  expect(ownersOf(await damaged())).toEqual([0, 1, 2].map(() => `run train (${id})`));
  const again = await call<Execution>('POST', `/executions/${id}/retry`, { again: ['make'] });
  expect(await executions.ended(again.id)).toMatchObject({ state: 'failed' });
  expect((await executions.nodes(again.id)).get('make')?.error).toEqual(error('File code/code.txt of run .*'));
  await repair();
  for (const { name } of items) expect(await read(file(name))).toEqual({ status: 200 });
});

test('pushed files of an ingest', async () => {
  const csv = 'id,late\n1,2\n3,4\n';
  const pushes = '/data/datasets/pushed/pushes';
  const files = [{ name: 'a.csv', bytes: csv.length, sha256: digestOf(csv) }];
  const push = await call<Ingest>('POST', pushes, { files });
  await call('PUT', `${pushes}/${push.id}/files?file=a.csv`, Buffer.from(csv));
  await damage(digestOf(csv));
  await call('POST', `${pushes}/${push.id}/commit`, {});
  const ingest = async () => await call<Ingest>('GET', `/data/datasets/pushed/ingests/${push.id}`);
  await expect.poll(async () => (await ingest()).state, SOON).toBe('failed');
  expect(await ingest()).toMatchObject({ problems: [{ message: error('The pushed file a.csv') }] });
  // What a failed ingest was given is removed: nothing refers to the object any more.
  expect(await damaged()).toEqual([]);
  whole.clear();
  expect(await batch.push('pushed', csv)).toBe(1);
});

test('parts of an upload', async () => {
  const parts = [randomBytes(1000), randomBytes(500)];
  const begun = await call<{ id: string; ticket: string; url: string }>('POST', '/tracking/artifact-uploads', {
    path: 'large.bin',
    parts: parts.length,
  });
  const put = async (number: number, bytes: Buffer) => {
    const headers = { 'dais-ticket': begun.ticket };
    const answer = await fetch(`${url}${begun.url}/${number}`, { method: 'PUT', headers, body: new Uint8Array(bytes) });
    return { number, etag: answer.headers.get('etag') ?? '' };
  };
  const reported = [await put(1, parts[0]!), await put(2, parts[1]!)];
  await damage(digestOf(parts[1]!));
  const complete = async () => await read(`/tracking/artifact-uploads/${begun.id}/complete`, { parts: reported });
  expect(await complete()).toEqual(refused('File 2 of upload .*'));
  expect(ownersOf(await damaged())).toEqual(['artifact upload large.bin']);
  await put(2, parts[1]!);
  whole.clear();
  expect(await damaged()).toEqual([]);
  expect(await complete()).toEqual({ status: 200 });
  const link = await call<{ url: string; headers?: Record<string, string> }>(
    'GET',
    '/tracking/artifacts/link?path=large.bin',
  );
  await damage(digestOf(Buffer.concat(parts)));
  const answer = await fetch(`${url}${link.url}`, { headers: { ...link.headers, range: 'bytes=0-9' } });
  expect([answer.status, await answer.text()]).toEqual([409, expect.stringContaining('content_damaged')]);
  await repair();
});

test('files of a dataset', async () => {
  await batch.push('trips', `id,x\n${Array.from({ length: 100 }, (_, id) => `${id},${id / 4}\n`).join('')}`);
  const version = '/data/datasets/trips/versions/1';
  const { files } = await call<{ files: { name: string; digest: string }[] }>('GET', version);
  await damage(files[0]!.digest);
  const sql = 'select count(*) from "trips@1"';
  expect(await read('/data/query', { sql })).toEqual(refused('File part-00000.parquet of dataset trips'));
  const reads = ['/rows?limit=5', `/files/${files[0]!.name}`, '/export?format=csv', '/diff?from=1'];
  const label = '(A file|File part-00000.parquet) of dataset trips';
  for (const path of reads) expect(await read(`${version}${path}`)).toEqual(refused(label));
  const inputs = { rows: { dataset: 'trips@1', format: 'csv' } };
  const { id } = await call<Execution>('POST', '/executions', {
    name: 'reads',
    steps: { main: { command: ['true'], isolation: 'none', inputs } },
  });
  expect(await executions.ended(id)).toMatchObject({ state: 'failed' });
  expect((await executions.nodes(id)).get('main')?.error).toEqual(error(label));
  expect(ownersOf(await damaged())).toEqual(['Dataset trips']);
  await repair();
  expect(await read('/data/query', { sql })).toEqual({ status: 200 });
});

test('files of a model version: scan, deployment, conversion and batch prediction', { timeout: 60_000 }, async () => {
  const before = await digests();
  await models.register('m', 2, { example: { inputs: [[1]] } });
  const scan = async () => (await models.call('GET', '/api/v1/registry/models/m/versions/1/scan')).body;
  await expect.poll(async () => (await scan())['state'], SOON).toBe('succeeded');
  for (const digest of await digests()) if (!before.has(digest)) await damage(digest);
  const label = 'Artifact .*/model/MLmodel';
  expect(await read('/model-jobs/conversions', { model: 'models:/m/1' })).toEqual(refused(label));
  const job = { model: 'models:/m/1', data: 'trips@1', out: 'scored' };
  expect(await read('/model-jobs/batch-predictions', job)).toEqual(refused(label));
  expect(await read('/registry/models/m/versions/1/scan', {})).toEqual({ status: 202 });
  await expect.poll(async () => await scan(), SOON).toMatchObject({ state: 'failed', error: error(label) });
  await models.call('POST', '/api/v1/serving/endpoints/e/deploy', { model: 'models:/m/1' });
  const ready = async () => {
    const { conditions } = (await models.call('GET', '/api/v1/endpoints/e')).body['status'] as SeenStatus;
    return conditions?.find(({ type }) => type === 'Ready');
  };
  const message = error(`models:/m/1 cannot be loaded\\. ${label}`);
  await expect.poll(ready, SOON).toMatchObject({ status: 'False', reason: 'NotLoaded', message });
  expect(ownersOf(await damaged())).toEqual(expect.arrayContaining(['Model m/1']));
  await repair();
  expect(await read('/registry/models/m/versions/1/scan', {})).toEqual({ status: 202 });
  await expect.poll(async () => (await scan())['state'], SOON).toBe('succeeded');
  // Its files are read again without a request.
  await expect.poll(ready, SOON).toMatchObject({ status: 'True' });
});

test('files of predictions', async () => {
  const before = await digests();
  const answer = await models.call('POST', '/endpoints/e/invocations', { inputs: [[3]] });
  expect(answer.status).toBe(200);
  const query = async () => await read('/predictions/endpoints/e/query', { sql: 'select count(*) from predictions' });
  expect(await query()).toEqual({ status: 200 });
  const stored = [...(await digests())].filter((one) => !before.has(one));
  expect(stored).not.toEqual([]);
  for (const digest of stored) await damage(digest);
  expect(await query()).toEqual(refused('Prediction file .*'));
  expect(await read('/predictions/endpoints/e/events')).toMatchObject({ status: 409, code: 'content_damaged' });
  expect((await damaged())[0]?.owners).toMatchObject([{ project: 'default' }]);
  await repair();
  expect(await query()).toEqual({ status: 200 });
});

test('the copy of a model on the machine of its gateway', async () => {
  const serving = join(folder, 'data', 'serving');
  const copies = (await readdir(serving, { recursive: true })).filter((name) => name.endsWith('model.onnx'));
  expect(copies).toHaveLength(1);
  const copy = join(serving, copies[0]!);
  const right = await readFile(copy);
  dais.process.kill('SIGTERM');
  await dais.ended;
  await chmod(copy, 0o644);
  await writeFile(copy, Buffer.alloc(right.length, 1));
  await launch();
  await expect.poll(async () => (await readFile(copy).catch(() => Buffer.alloc(0))).equals(right), SOON).toBe(true);
});
