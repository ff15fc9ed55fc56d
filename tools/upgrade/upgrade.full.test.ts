/** The promises of docs/guide/upgrade.md, with the previous release and the current build as processes of their own. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestDatabase, type TestDatabase } from '../../packages/server/src/engines/database/testing.ts';
import { root } from '../command.mjs';
import { environment } from '../environment.mjs';
import { runWith, startUp, type StartedCommand } from '../release/started.testing.ts';
import {
  buildRelease,
  currentCommand,
  migrationsIn,
  previousRelease,
  type DaisCommand,
} from './built-release.testing.ts';
import { addRun, artifactText, fill, read, type Installation, type Stored } from './filled-dais.testing.ts';

let folder: string;
let data: string;
let variables: Readonly<Record<string, string>>;
let previous: DaisCommand;
let current: DaisCommand;
const running = new Set<StartedCommand>();
let stored: Stored;
let before: Readonly<Record<string, unknown>>;
let later: Stored;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'up-'));
  data = join(folder, 'data');
  for (const name of ['home', 'files']) mkdirSync(join(folder, name));
  const { DAIS_ISOLATION_FOLDER } = environment;
  variables = {
    PATH: environment.PATH ?? '',
    HOME: join(folder, 'home'),
    NO_COLOR: '1',
    DAIS_KEYS_FOLDER: join(folder, 'keys'),
    ...(DAIS_ISOLATION_FOLDER !== undefined && { DAIS_ISOLATION_FOLDER }),
  };
  current = currentCommand();
  previous = await buildRelease(previousRelease(), join(folder, 'previous'));
}, 1_200_000);
afterAll(async () => {
  await Promise.all([...running].map(async (one) => await one.stop()));
  rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
});

/** Starts a version on a data folder; `stop` of the result ends it. */
async function start(command: DaisCommand, at = data, words: readonly string[] = [], more = {}) {
  const started = await startUp({ ...variables, ...more }, command, at, ...words);
  running.add(started);
  const installation: Installation = { url: started.url, command, variables, folder: join(folder, 'files') };
  const stop = async () => {
    running.delete(started);
    expect(await started.stop()).toBe(0);
  };
  return { installation, stop };
}

test('no migration of the previous release has been edited or removed', () => {
  expect(migrationsIn(root)).toEqual(expect.arrayContaining([...migrationsIn(join(folder, 'previous'))]));
});

test('the new version starts on the data of the previous one, after a copy of the database', async () => {
  const old = await start(previous);
  stored = await fill(old.installation);
  before = await read(old.installation, stored);
  expect(before['artifact']).toBe('weights of the model');
  await old.stop();
  const upgraded = await start(current);
  expect(await read(upgraded.installation, stored)).toMatchObject(before);
  later = await addRun(upgraded.installation, 'after the upgrade');
  await upgraded.stop();
  expect(copies()).toHaveLength(hasNewMigrations() ? 1 : 0);
});

test('the previous version runs on the new schema, with what the new version stored, and the new one runs after it', async () => {
  const old = await start(previous);
  expect(await read(old.installation, stored)).toMatchObject(before);
  expect(await artifactText(old.installation, later.artifact)).toBe('weights of the model');
  const added = await addRun(old.installation, 'after the downgrade');
  await old.stop();
  const upgraded = await start(current);
  expect(await artifactText(upgraded.installation, added.artifact)).toBe('weights of the model');
  await upgraded.stop();
  // Only migrations cause a copy.
  expect(copies()).toHaveLength(hasNewMigrations() ? 1 : 0);
});

test('the copy from before the migration starts with the version that wrote the data', async () => {
  const [copy] = copies();
  // Without a migration there is no copy, and nothing to return from.
  if (copy === undefined && !hasNewMigrations()) return;
  const [program, ...args] = previous;
  const restored = join(folder, 'restored');
  const imported = await runWith(variables, program, ...args, 'admin', 'import', copy ?? '', '--data', restored);
  expect(imported).toMatchObject({ code: 0 });
  cpSync(join(data, 'blobs'), join(restored, 'blobs'), { recursive: true });
  const old = await start(previous, restored);
  expect(await read(old.installation, stored)).toMatchObject(before);
  const runs = await fetch(`${old.installation.url}/api/2.0/mlflow/runs/get?run_id=${later.runId}`);
  expect(runs.status).toBe(404);
  await old.stop();
});

test('both versions work on one database at the same time, while one after the other is upgraded', async () => {
  const server = await startTestDatabase([]);
  try {
    await expectRollingUpgrade(server);
  } finally {
    await Promise.all([...running].map(async (one) => await one.stop()));
    running.clear();
    await server.stop();
  }
});

async function expectRollingUpgrade(server: TestDatabase): Promise<void> {
  const { user, host, database } = await server.emptyDatabase();
  const url = `postgres://${user}@/${database}?host=${encodeURIComponent(host)}`;
  const tree = async (command: DaisCommand, name: string) =>
    await start(command, join(folder, name), ['--database-url', url], { DAIS_BLOBS_FOLDER: join(folder, 'blobs') });
  const oldLeft = await tree(previous, 'left');
  const oldRight = await tree(previous, 'right');
  const shared = await fill(oldLeft.installation);
  const state = await read(oldRight.installation, shared);

  await oldRight.stop();
  const newRight = await tree(current, 'right');
  expect(await read(newRight.installation, shared)).toMatchObject(state);
  expect(await read(oldLeft.installation, shared)).toMatchObject(state);
  const fromOld = await addRun(oldLeft.installation, 'from the previous version');
  const fromNew = await addRun(newRight.installation, 'from the new version');
  expect(await artifactText(newRight.installation, fromOld.artifact)).toBe('weights of the model');
  expect(await artifactText(oldLeft.installation, fromNew.artifact)).toBe('weights of the model');

  await oldLeft.stop();
  const newLeft = await tree(current, 'left');
  expect(await read(newLeft.installation, shared)).toMatchObject(state);
  await newLeft.stop();
  await newRight.stop();
}

function copies(): string[] {
  const backups = join(data, 'backups');
  return readdirSync(data).includes('backups') ? readdirSync(backups).map((name) => join(backups, name)) : [];
}

function hasNewMigrations(): boolean {
  return migrationsIn(root).length > migrationsIn(join(folder, 'previous')).length;
}
