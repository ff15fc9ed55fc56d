import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openFsNamedObjects } from '#engines/blobs/fs/fs-named-objects.ts';
import { systemClock } from '#lib/clock.ts';
import { EnvironmentStore, sweepEnvironments } from './environment-store.ts';
import { openTaskObjects } from './task-objects.ts';

const DIGEST = 'd'.repeat(64);
const DAY_MS = 86_400_000;

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'dais-environments-'))));
afterEach(async () => await rm(folder, { recursive: true, force: true }));

test('an environment is packed once, and deleted when nobody used it for two weeks', async () => {
  const files = join(folder, 'environment');
  await mkdir(join(files, 'bin'), { recursive: true });
  await writeFile(join(files, 'bin/tool'), 'tool');
  const environment = { digest: DIGEST, folders: [files], path: [join(files, 'bin')], variables: {} };
  const named = openFsNamedObjects(join(folder, 'objects'));
  const objects = openTaskObjects(named);
  const store = new EnvironmentStore(objects, 'one', systemClock);
  const [first, second] = await Promise.all([store.store(environment), store.store(environment)]);
  expect(first).toBe(second);
  expect(first.path).toEqual([`/opt/dais/env/${DIGEST.slice(0, 16)}/0/bin`]);
  expect((await buffer(await objects.getBytes(first.locator))).length).toBe(first.size);
  // Of another process, after the folder was evicted.
  await rm(files, { recursive: true });
  const other = await new EnvironmentStore(objects, 'one', systemClock).store(environment);
  expect(other.locator).toBe(first.locator);

  const names: string[] = [];
  for await (const { name } of named.list('environments/one/')) names.push(name);
  const sweep = async () => await sweepEnvironments({ objects: named, installation: 'one', clock: systemClock });
  expect(await sweep()).toBe(0);
  const age = async (path: string, days: number) => {
    const at = new Date(Date.now() - days * DAY_MS);
    await utimes(join(folder, 'objects', path), at, at);
  };
  for (const name of names) await age(name, 20);
  const record = names.find((name) => name.endsWith('.json')) ?? '';
  await age(record, 1);
  expect(await sweep()).toBe(0);
  await age(record, 15);
  expect(await sweep()).toBe(1);
  expect(await objects.get(record)).toBe(undefined);
});
