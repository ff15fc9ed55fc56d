/** What clients of the whole platform receive of stored objects that are damaged, and how these are found and repaired. */
import { createHash, randomBytes } from 'node:crypto';
import { copyFile, mkdtemp, open, rm, truncate } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ContentStatus, DamagedContent } from '@dais/api';
import type { DatasetVersion, Ingest } from '@dais/api/data';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { seededRandom } from '#kernel/testing/test-kernel.ts';
import { pushRows } from '#testing/feature-kill-rounds.ts';
import { KillableDais } from '#testing/killable-dais.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-content-damage-'));
});
afterAll(async () => await rm(folder, { recursive: true, force: true }));

const SOON = { timeout: 60_000, interval: 100 };
const ARTIFACTS = '/api/2.0/mlflow-artifacts/artifacts';
const digestOf = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const fileOf = (data: string, sha256: string) =>
  join(data, 'data', 'blobs', 'sha256', sha256.slice(0, 2), sha256.slice(2, 4), sha256);

async function flip(path: string, at: number): Promise<void> {
  const file = await open(path, 'r+');
  const { buffer: one } = await file.read(Buffer.alloc(1), 0, 1, at);
  await file.write(Buffer.from([one[0]! ^ 1]), 0, 1, at);
  await file.close();
}

interface Received {
  readonly status: number;
  readonly bytes: number;
  /** The whole body that was announced has arrived. */
  readonly complete: boolean;
  readonly text: string;
  readonly ms: number;
}

async function read(url: string, headers: Record<string, string> = {}): Promise<Received> {
  const started = Date.now();
  return await new Promise((resolve, reject) => {
    request(url, { headers }, (response) => {
      let bytes = 0;
      let text = '';
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes < 10_000) text += chunk.toString('utf8');
      });
      response.on('error', () => {});
      response.on('close', () =>
        resolve({
          status: response.statusCode ?? 0,
          bytes,
          complete: response.complete,
          text,
          ms: Date.now() - started,
        }),
      );
    })
      .on('error', reject)
      .end();
  });
}

async function put(url: string, bytes: Buffer): Promise<number> {
  return (await fetch(url, { method: 'PUT', body: new Uint8Array(bytes) })).status;
}

test('damaged artifacts are not served, are listed with their owners, and are repaired by an upload', async () => {
  const at = join(folder, 'artifacts');
  const dais = await KillableDais.start(at, seededRandom(1));
  const base = `${dais.url}${ARTIFACTS}`;
  const files = { altered: randomBytes(3_000_000), small: randomBytes(2000), truncated: randomBytes(3_000_000) };
  for (const [name, bytes] of Object.entries(files)) expect(await put(`${base}/${name}`, bytes)).toBe(200);
  const pathOf = (name: keyof typeof files) => fileOf(at, digestOf(files[name]));
  await flip(pathOf('altered'), 2_999_999);
  await flip(pathOf('small'), 7);
  await truncate(pathOf('truncated'), 1_000_000);

  for (const name of ['altered', 'truncated'] as const) {
    const first = await read(`${base}/${name}`);
    expect(first).toMatchObject({ status: 200, complete: false });
    expect(first.bytes).toBeLessThan(files[name].length);
    expect(first.ms).toBeLessThan(10_000);
  }
  // Of one chunk nothing has left yet: an error like any other.
  expect(await read(`${base}/small`)).toMatchObject({ status: 409, complete: true });
  for (const name of ['altered', 'small', 'truncated']) {
    const again = await read(`${base}/${name}`);
    expect(again).toMatchObject({ status: 409, complete: true });
    expect(again.text).toContain('is ');
    expect(await read(`${base}/${name}`, { range: 'bytes=5-20' })).toMatchObject({ status: 409 });
    const native = await read(`${dais.url}/p/default/api/v1/tracking/artifacts/content?path=${name}`);
    expect([native.status, native.text]).toEqual([409, expect.stringContaining('content_damaged')]);
  }

  const { items } = await dais.call<{ items: DamagedContent[] }>('GET', '/content/damaged');
  expect(items.map(({ sha256, kind, owners }) => ({ sha256, kind, owners }))).toEqual(
    Object.entries({ altered: 'altered', small: 'altered', truncated: 'truncated' })
      .map(([name, kind]) => ({
        sha256: digestOf(files[name as keyof typeof files]),
        kind,
        owners: [{ project: 'default', kind: 'artifact', name, file: name }],
      }))
      .toSorted((one, other) => (one.sha256 < other.sha256 ? -1 : 1)),
  );
  expect((await read(`${dais.url}/metrics`)).text).toBeDefined();
  expect(await (await fetch(`${dais.url}/metrics`)).text()).toContain('dais_content_damaged_objects 3');

  for (const [name, bytes] of Object.entries(files)) {
    expect(await put(`${base}/copy-of-${name}`, bytes)).toBe(200);
    expect(await read(`${base}/${name}`)).toMatchObject({ status: 200, complete: true, bytes: bytes.length });
  }
  expect(await dais.call('GET', '/content/damaged')).toEqual({ items: [] });
  await dais.stop();
});

test('the scrub finds every damaged object across kill -9, and withdraws what was repaired by hand', async () => {
  const at = join(folder, 'scrub');
  const flags = { 'content.scrubBytesPerSecond': 2_000_000 };
  const dais = await KillableDais.start(at, seededRandom(2), flags);
  const base = `${dais.url}${ARTIFACTS}`;
  const stored = Array.from({ length: 16 }, (_, n) => ({ name: `file-${n}`, bytes: randomBytes(600_000) }));
  for (const { name, bytes } of stored) expect(await put(`${base}/${name}`, bytes)).toBe(200);
  const damaged = stored.filter((_, n) => n % 4 === 1);
  const saved = join(folder, 'saved');
  await copyFile(fileOf(at, digestOf(damaged[0]!.bytes)), saved);
  await flip(fileOf(at, digestOf(damaged[0]!.bytes)), 100);
  await truncate(fileOf(at, digestOf(damaged[1]!.bytes)), 100);
  await truncate(fileOf(at, digestOf(damaged[2]!.bytes)), 0);
  await rm(fileOf(at, digestOf(damaged[3]!.bytes)));

  const status = async () => await dais.call<ContentStatus>('GET', '/content');
  expect(await status()).toMatchObject({ state: 'never', damaged: 0 });
  expect(await dais.call('POST', '/content/actions/scrub', {})).toMatchObject({ isNew: true });
  expect(await dais.call('POST', '/content/actions/scrub', {})).toMatchObject({ isNew: false });
  const seen: number[] = [];
  await dais.killUntil(
    { most: 2, withinMs: 1500 },
    {
      ended: async () => (await status()).state === 'finished',
      verify: async () => void seen.push((await status()).bytes),
    },
  );
  // The progress survives a restart: it never decreases.
  expect(seen).toEqual(seen.toSorted((one, other) => one - other));
  expect(await status()).toMatchObject({ objects: 16, totalObjects: 16, bytes: 9_600_000, damaged: 4 });
  const kinds = async () => {
    const { items } = await dais.call<{ items: DamagedContent[] }>('GET', '/content/damaged');
    return Object.fromEntries(items.map(({ owners, kind }) => [owners[0]?.name, kind]));
  };
  expect(await kinds()).toEqual({
    'file-1': 'altered',
    'file-5': 'truncated',
    'file-9': 'truncated',
    'file-13': 'missing',
  });
  const page = await dais.call<{ items: unknown[]; nextCursor?: string }>('GET', '/content/damaged?limit=3');
  expect(page.items).toHaveLength(3);
  const rest = await dais.call<{ items: unknown[] }>('GET', `/content/damaged?limit=3&cursor=${page.nextCursor}`);
  expect(rest.items).toHaveLength(1);

  await copyFile(saved, fileOf(at, digestOf(damaged[0]!.bytes)));
  expect(await read(`${base}/file-1`)).toMatchObject({ status: 409 });
  expect(await dais.call('POST', '/content/actions/scrub', {})).toMatchObject({ isNew: true });
  await expect.poll(async () => (await status()).damaged, SOON).toBe(3);
  expect(await read(`${base}/file-1`)).toMatchObject({ status: 200, complete: true });
  await dais.stop();
}, 300_000);

test('a query over a damaged file of a dataset fails and names it; the right bytes make it work again', async () => {
  const at = join(folder, 'datasets');
  const dais = await KillableDais.start(at, seededRandom(3));
  const id = await pushRows(
    dais,
    'delays',
    `id,late\n${Array.from({ length: 5000 }, (_, n) => `${n},${n % 7}\n`).join('')}`,
  );
  const ended = async () => (await dais.call<Ingest>('GET', `/data/datasets/delays/ingests/${id}`)).state;
  await expect.poll(ended, SOON).toBe('succeeded');
  const query = async () => {
    const body = JSON.stringify({ sql: 'select sum(late) from "delays@1"' });
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${dais.url}/api/v1/data/query`, { method: 'POST', headers, body });
    return { status: response.status, json: (await response.json()) as Record<string, unknown> };
  };
  expect((await query()).status).toBe(200);
  const version = await dais.call<DatasetVersion>('GET', '/data/datasets/delays/versions/1');
  const path = fileOf(at, version.files[0]!.digest);
  const whole = join(folder, 'whole.parquet');
  await copyFile(path, whole);
  await flip(path, 40);
  expect(await query()).toMatchObject({ status: 409, json: { code: 'content_damaged' } });
  const { items } = await dais.call<{ items: DamagedContent[] }>('GET', '/content/damaged');
  expect(items).toMatchObject([{ kind: 'altered', owners: [{ project: 'default', kind: 'Dataset', name: 'delays' }] }]);
  await copyFile(whole, path);
  await dais.call('POST', '/content/actions/scrub', {});
  await expect.poll(async () => (await query()).status, SOON).toBe(200);
  await dais.stop();
});
