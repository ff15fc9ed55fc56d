/** What clients of the whole platform see while the disk of its data folder is full, and after. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, open, rm, statfs, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { SUPERUSER } from '#engines/database/embedded/cluster.ts';
import { run } from '#lib/process.ts';
import { readServerFile } from '#supervisor/server-file.ts';
import { startDaisProcess, type DaisProcess } from '#testing/dais-process.ts';

const PROGRAMS = { env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } };
const MIB = 2 ** 20;
/**
 * A new installation uses 53 MiB, or 69 MiB with a second segment of the write-ahead log. Dais is ready while at least
 * 64 MiB are free.
 */
const DISK = 192 * MIB;
const PATIENCE = { timeout: 90_000, interval: 50 };

let base: string;
let disk: string;
let data: string;
let dais: DaisProcess | undefined;
let url: string;

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'dais-disk-'));
  disk = join(base, 'disk');
  data = join(disk, 'data');
  await mkdir(disk);
  const mounted = await run('mount', ['-t', 'tmpfs', '-o', `size=${DISK},mode=755`, 'dais-test', disk], PROGRAMS);
  if (mounted.code !== 0) {
    await rm(base, { recursive: true });
    throw new Error(
      `mount: ${mounted.stderr.trim()}\nThis test fills a disk of its own, for which it must be allowed to mount one: run it as ` +
        'root (`sudo -E npx vitest run --project int …`), or in a container as root with the capability SYS_ADMIN.',
    );
  }
  dais = startDaisProcess({ data, 'keys.folder': join(base, 'keys') });
  url = await dais.ready;
});
afterAll(async () => {
  dais?.process.kill('SIGTERM');
  await dais?.ended;
  // Lazily: a failed test may leave a database that is still ending.
  await run('umount', ['--lazy', disk], PROGRAMS);
  await rm(base, { recursive: true, force: true });
});

const freeBytes = async (): Promise<number> => {
  const { bavail, bsize } = await statfs(disk);
  return bavail * bsize;
};

/** Fills the disk except for the given space. */
async function fill(leave: number): Promise<void> {
  const file = await open(join(disk, 'filler'), 'a');
  try {
    for (let take = 1; take > 0;) {
      take = Math.min((await freeBytes()) - leave, MIB);
      if (take > 0) await file.write(Buffer.alloc(take));
    }
  } finally {
    await file.close();
  }
}

interface Answer {
  readonly name: string;
  readonly status: number;
  readonly code: string;
  readonly retryAfter: number;
}

let answers: Answer[] = [];
/** The names and manifests of applied resources. */
const acknowledged = new Map<string, string>();
beforeEach(() => {
  answers = [];
});

async function apply(size: number): Promise<Answer> {
  const name = `s-${randomBytes(6).toString('hex')}`;
  const value = randomBytes(size).toString('hex');
  const body = `{ apiVersion: dais.dev/v1, kind: Secret, metadata: { name: ${name} }, spec: { data: { value: "${value}" } } }`;
  const headers = { 'content-type': 'application/yaml' };
  const response = await fetch(`${url}/api/v1/apply`, { method: 'POST', headers, body });
  const { code = '' } = (await response.json()) as { code?: string };
  const answer = { name, status: response.status, code, retryAfter: Number(response.headers.get('retry-after')) };
  answers.push(answer);
  if (response.status === 200) acknowledged.set(name, body);
  return answer;
}

/** Four clients apply, one after the other, until they were refused so often, all together. */
async function applyUntilRefused(times: number, size: number): Promise<void> {
  const refused = () => answers.filter(({ status }) => status !== 200).length;
  const client = async () => {
    while (refused() < times) await apply(size);
  };
  await Promise.all([client(), client(), client(), client()]);
}

const kindsOfAnswer = () =>
  [...new Set(answers.map(({ status, code, retryAfter }) => `${status} ${code} ${retryAfter > 0}`))].toSorted();

/** Nothing that was acknowledged is lost, and what was refused because of the disk is not there. */
async function checkTheBooks(): Promise<void> {
  const body = [...acknowledged.values()].join('\n---\n');
  const headers = { 'content-type': 'application/yaml' };
  const planned = await fetch(`${url}/api/v1/plan`, { method: 'POST', headers, body });
  const { changes } = (await planned.json()) as { changes: { name: string; action: string }[] };
  expect(changes.filter(({ action }) => action !== 'unchanged')).toEqual([]);
  expect(changes).toHaveLength(acknowledged.size);
  const there = await Promise.all(
    answers
      .filter(({ status }) => status === 507)
      .map(async ({ name }) => (await fetch(`${url}/p/default/api/v1/secrets/${name}`)).status),
  );
  expect(there.filter((status) => status !== 404)).toEqual([]);
}

test('a disk that fills up, and is freed, shows in the next probe', async () => {
  const probe = async () => {
    const response = await fetch(`${url}/readyz`);
    const { checks } = (await response.json()) as { checks: { name: string; ok: boolean }[] };
    return { status: response.status, disk: checks.find(({ name }) => name === 'disk')?.ok };
  };
  // The result of the blob store from here is reused for 10 s.
  expect(await probe()).toEqual({ status: 200, disk: true });
  await fill(8 * MIB);
  const filledAt = Date.now();
  expect(await probe()).toEqual({ status: 503, disk: false });
  expect(Date.now() - filledAt).toBeLessThan(1000);
  await rm(join(disk, 'filler'));
  await expect.poll(probe, { timeout: 3000, interval: 50 }).toEqual({ status: 200, disk: true });
});

test('tables that cannot grow: writes fail with storage_full, reads continue, and writes too once there is space', async () => {
  const before = await apply(10);
  expect(before).toMatchObject({ status: 200 });
  await fill(3 * MIB);
  await applyUntilRefused(50, 20_000);
  expect(kindsOfAnswer()).toEqual(['200  false', '507 storage_full true']);
  expect((await fetch(`${url}/p/default/api/v1/secrets/${before.name}`)).status).toBe(200);
  const { checks } = (await (await fetch(`${url}/readyz`)).json()) as { checks: { name: string; ok: boolean }[] };
  expect(checks.filter(({ ok }) => !ok).map(({ name }) => name)).toEqual(['blobs', 'disk']);

  await rm(join(disk, 'filler'));
  await expect.poll(async () => (await apply(20_000)).status, PATIENCE).toBe(200);
  await checkTheBooks();
});

test('a damaged object is not served while its mark cannot be written, and is marked and repaired afterwards', async () => {
  const artifact = `${url}/api/2.0/mlflow-artifacts/artifacts/to-be-damaged`;
  const bytes = randomBytes(2 * MIB);
  const put = async () => (await fetch(artifact, { method: 'PUT', body: new Uint8Array(bytes) })).status;
  expect(await put()).toBe(200);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const path = join(data, 'blobs', 'sha256', sha256.slice(0, 2), sha256.slice(2, 4), sha256);
  await truncate(path, MIB);
  const read = async () => {
    const response = await fetch(artifact);
    const received = await response.arrayBuffer().catch(() => undefined);
    return { status: response.status, bytes: received?.byteLength };
  };
  await fill(0);
  // The upload that would repair it needs space: nothing is lost by its failure.
  expect([507, 503]).toContain(await put());
  for (let n = 0; n < 3; n += 1) expect((await read()).bytes === bytes.length).toBe(false);
  await rm(join(disk, 'filler'));
  await expect.poll(async () => (await read()).status, PATIENCE).toBe(409);
  const damaged = await (await fetch(`${url}/api/v1/content/damaged`)).json();
  expect(damaged).toMatchObject({ items: [{ sha256, kind: 'truncated', owners: [{ name: 'to-be-damaged' }] }] });
  await expect.poll(put, PATIENCE).toBe(200);
  expect(await read()).toEqual({ status: 200, bytes: bytes.length });
});

test('a write-ahead log that cannot grow stops the database; it recovers automatically once there is space', async () => {
  const { database } = (await readServerFile(data))!;
  const pid = dais!.process.pid;
  // While there is space: the first connection after a change of the catalog writes a file.
  const client = new Client({ ...database, user: SUPERUSER });
  client.on('error', () => {});
  await client.connect();
  await fill(0);
  // The log continues in its next segment, for which no space is left.
  const stopped = async (): Promise<boolean> => {
    await client.query('select pg_switch_wal()').catch(() => {});
    await apply(10);
    return answers.some(({ status }) => status === 503);
  };
  await expect.poll(stopped, PATIENCE).toBe(true);
  await client.end().catch(() => {});
  // Nor can it be started: recovery writes into the log too.
  const startFailed = async (): Promise<boolean> => {
    await apply(10);
    return /database could not be started.*No space left on device/.test(dais!.output());
  };
  await expect.poll(startFailed, PATIENCE).toBe(true);
  await applyUntilRefused(50, 10);
  expect((await fetch(`${url}/livez`)).status).toBe(200);

  await rm(join(disk, 'filler'));
  await expect.poll(async () => (await apply(10)).status, PATIENCE).toBe(200);
  await checkTheBooks();
  expect(dais!.process.pid).toBe(pid);
  const allowed = ['200  false', '503 database_unavailable true', '507 storage_full true'];
  expect(kindsOfAnswer().filter((kind) => !allowed.includes(kind))).toEqual([]);
});
