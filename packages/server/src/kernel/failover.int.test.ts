import type { Condition } from '@dais/api';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { TestDatabase } from '#engines/database/testing.ts';
import { crashEverywhere } from './testing/crash-points.ts';
import { startReplica, type Replica, type ReplicaSetup } from './testing/replica.ts';
import { manifest, startKernelDatabase, startTestKernel, type TestKernel } from './testing/test-kernel.ts';
import { freshProject } from './testing/test-project.ts';
import { listAndWatch } from './testing/test-watcher.ts';

let test_: TestDatabase;
let dais: TestKernel;
let replicas: Replica[] = [];

beforeAll(async () => {
  test_ = await startKernelDatabase();
  // Answers requests only: everything in the background is the replicas' work.
  dais = await startTestKernel(test_, { start: 'api' });
});
afterEach(async () => {
  for (const replica of replicas) replica.kill('SIGKILL');
  await Promise.all(replicas.map((replica) => replica.ended));
  replicas = [];
});
afterAll(async () => {
  await dais.stop();
  await test_.stop();
});

/**
 * A replica that is paused inside a transaction keeps its locks until PostgreSQL ends the transaction, after a minute
 * (`IDLE_IN_TRANSACTION_MS`).
 */
const SOON = { timeout: 120_000, interval: 20 };

async function launch(setup: Partial<ReplicaSetup> & { name: string }): Promise<Replica> {
  const replica = await startReplica({ connection: test_.connection, leaseMs: 1500, effectMs: 0, ...setup });
  replicas.push(replica);
  await expect.poll(() => replica.reported('ready'), SOON).toHaveLength(1);
  return replica;
}

test('a replica that was paused past its lease is fenced, the other finishes its work, and both continue', async () => {
  const p = await freshProject(dais);
  const watcher = await listAndWatch(dais, 'machine', {}, p.context);
  const ready = async (name: string) => {
    const { status, metadata } = await dais.call('machine.get', { name }, p.context);
    const [condition] = (status['conditions'] ?? []) as Condition[];
    return [condition?.status, status['cells'], status['observedGeneration'] === metadata.generation];
  };
  const paused = await launch({ name: 'paused', effectMs: 150 });
  await dais.apply([manifest('Machine', 'm', { cells: 6 })], {}, p.context);
  await expect.poll(() => paused.reported('effect'), SOON).toContain('m 2');
  paused.kill('SIGSTOP');
  const other = await launch({ name: 'other' });
  await expect.poll(() => ready('m'), SOON).toEqual(['True', 6, true]);
  const finished = await dais.call('machine.get', { name: 'm' }, p.context);
  const builders = async (name: string) => {
    const { uid } = (await dais.call('machine.get', { name }, p.context)).metadata;
    return (await test_.asAdmin(`select by from workshop.cell where uid = '${uid}' order by n`)).map(
      (row) => row['by'] as string,
    );
  };
  expect(await builders('m')).toEqual(['paused', 'paused', 'other', 'other', 'other', 'other']);

  paused.kill('SIGCONT');
  await expect.poll(() => paused.reported('refused'), SOON).toHaveLength(1);
  expect(paused.reported('effect').at(-1)).toBe('m 2');
  expect(await dais.call('machine.get', { name: 'm' }, p.context)).toEqual(finished);

  // Both take new work: enough of it that neither does all alone.
  const names = Array.from({ length: 30 }, (_, n) => `n${n}`);
  await dais.apply(
    names.map((name) => manifest('Machine', name, { cells: 2 })),
    {},
    p.context,
  );
  for (const name of names) await expect.poll(() => ready(name), SOON).toEqual(['True', 2, true]);
  const all: string[] = (await Promise.all(names.map(builders))).flat();
  expect([...new Set(all)].toSorted()).toEqual(['other', 'paused']);

  // Watchers saw it all, in one order that no replica broke.
  await expect.poll(() => watcher.known.size, SOON).toBe(31);
  await expect.poll(async () => (await dais.kernel.health()).unsequenced, SOON).toBe(0);
  expect(watcher.problems).toEqual([]);
  await watcher.stop();
  const [order] = await test_.asAdmin(
    'select count(*)::int as n, count(distinct seq)::int as numbered, max(seq)::int as last from kernel.event',
  );
  expect([order!['numbered'], order!['last']]).toEqual([order!['n'], order!['n']]);
  expect(other.reported('log').filter((line) => line.includes('error'))).toEqual([]);
});

test('a process that dies before or after an effect: the next one ends with the same status', async () => {
  const points = [
    { when: 'before', effect: 0 },
    { when: 'after', effect: 1 },
  ] as const;
  const results = await crashEverywhere(dais, launch, points);
  expect(results).toEqual(points.map(() => ({ died: 'SIGKILL', cells: [0, 1, 2], status: 'True Built 3', left: 0 })));
});
