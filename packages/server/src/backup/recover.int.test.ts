/** The drill: a project is deleted by mistake, and the database is recovered to just before. */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { killTree, startDaisProcess, type DaisProcess } from '#testing/dais-process.ts';
import { listArchives, recoverInstallation } from './recover.ts';

const PATIENCE = { timeout: 120_000, interval: 100 };

let base: string;
let dais: DaisProcess | undefined;
let url: string;
const flagsFor = (data: string) => ({
  data: join(base, data),
  'keys.type': 'file',
  'keys.folder': join(base, 'keys'),
  'blobs.type': 'fs',
  'blobs.folder': join(base, 'blobs'),
  'database.archive.store.type': 'fs',
  'database.archive.store.folder': join(base, 'archive'),
  'database.archive.everySeconds': 5,
});

async function start(data: string): Promise<void> {
  dais = startDaisProcess(flagsFor(data));
  url = await dais.ready;
}

async function call(path: string, init: RequestInit = {}): Promise<{ status: number; json: Record<string, unknown> }> {
  const response = await fetch(`${url}${path}`, init);
  return { status: response.status, json: (await response.json().catch(() => ({}))) as Record<string, unknown> };
}

async function createProject(name: string): Promise<void> {
  const body = `{ apiVersion: dais.dev/v1, kind: Project, metadata: { name: ${name} }, spec: {} }`;
  const { status } = await call('/api/v1/apply', {
    method: 'POST',
    headers: { 'content-type': 'application/yaml' },
    body,
  });
  expect(status).toBe(200);
}

async function projects(): Promise<string[]> {
  const { json } = await call('/api/v1/projects');
  return (json['items'] as { metadata: { name: string } }[]).map(({ metadata }) => metadata.name);
}

async function archiveCheck(): Promise<{ detail: string; remedy?: string } | undefined> {
  const { json } = await call('/readyz');
  return (json['checks'] as { name: string; detail: string }[]).find(({ name }) => name === 'archive');
}

/** Until everything that is committed now is archived. */
async function archived(): Promise<void> {
  const since = new Date().toISOString();
  const covered = async () => /changes until (\S+) are archived/.exec((await archiveCheck())?.detail ?? '')?.[1] ?? '';
  await expect.poll(async () => (await covered()) > since, PATIENCE).toBe(true);
}

beforeAll(async () => {
  base = await mkdtemp(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'dais-drill-'));
  await start('first');
});

afterAll(async () => {
  dais?.process.kill('SIGTERM');
  await dais?.ended;
  await rm(base, { recursive: true, force: true });
});

test('a drill: what was acknowledged before the moment is there, and nothing that followed', async () => {
  await expect.poll(async () => (await archiveCheck())?.detail ?? '', PATIENCE).toContain('base backup of');
  const acknowledged: string[] = [];
  for (let n = 0; n < 10; n += 1) {
    await createProject(`before-${n}`);
    acknowledged.push(`before-${n}`);
  }
  // kill -9 of everything: what PostgreSQL has committed is archived after the restart.
  await killTree(dais!);
  await start('first');
  await createProject('before-the-accident');
  acknowledged.push('before-the-accident');
  const until = Date.now() + 1;
  await delay(50);
  const deleted = await call('/api/v1/projects/before-0', { method: 'DELETE' });
  expect(deleted.status).toBeLessThan(300);
  await createProject('after-the-accident');
  await archived();
  const metrics = await (await fetch(`${url}/metrics`)).text();
  expect(Number(/^dais_database_archive_age_seconds\{store="fs"\} (\S+)$/m.exec(metrics)?.[1])).toBeLessThan(30);
  const before = await readFile(join(base, 'first', 'postgres', 'cluster', 'PG_VERSION'), 'utf8');
  await expect(recoverInstallation({ flags: flagsFor('first') })).rejects.toMatchObject({ code: 'data_locked' });

  const [archive] = await listArchives({ flags: flagsFor('second') });
  expect(archive).toMatchObject({ baseBackups: 1 });
  expect(Date.parse(archive!.from!)).toBeLessThan(until);
  expect(Date.parse(archive!.to!)).toBeGreaterThan(until);
  // The original runs on.
  const recovered = await recoverInstallation({ flags: flagsFor('second'), until });
  expect(recovered).toMatchObject({ installation: archive!.installation, content: { missing: 0 } });
  dais!.process.kill('SIGTERM');
  await dais!.ended;
  await expect(recoverInstallation({ flags: flagsFor('first') })).rejects.toMatchObject({ code: 'invalid_state' });
  expect(await readFile(join(base, 'first', 'postgres', 'cluster', 'PG_VERSION'), 'utf8')).toBe(before);

  await start('second');
  const found = await projects();
  expect(acknowledged.filter((name) => !found.includes(name))).toEqual([]);
  expect(found).not.toContain('after-the-accident');
  await createProject('after-the-recovery');
  // It archives as an installation of its own.
  await expect.poll(async () => (await listArchives({ flags: flagsFor('second') })).length, PATIENCE).toBe(2);
  await expect(recoverInstallation({ flags: flagsFor('third') })).rejects.toThrow(/several installations/);
});

test('keys that are missing are an error before anything is written', async () => {
  const archives = await listArchives({ flags: flagsFor('third') });
  const archive = archives.find(({ baseBackups }) => baseBackups > 0);
  const flags = { ...flagsFor('third'), 'keys.folder': join(base, 'other-keys') };
  await expect(recoverInstallation({ flags, installation: archive!.installation })).rejects.toMatchObject({
    code: 'key_missing',
  });
  expect(existsSync(join(base, 'third', 'postgres', 'cluster'))).toBe(false);
  const {
    'database.archive.store.type': _,
    'database.archive.store.folder': __,
    'database.archive.everySeconds': ___,
    ...none
  } = flags;
  await expect(recoverInstallation({ flags: none })).rejects.toMatchObject({ code: 'invalid_config' });
});
