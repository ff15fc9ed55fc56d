import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { TestDatabase } from '#engines/database/testing.ts';
import { crashEverywhere } from './testing/crash-points.ts';
import { startReplica, type Replica, type ReplicaSetup } from './testing/replica.ts';
import { startKernelDatabase, startTestKernel, type TestKernel } from './testing/test-kernel.ts';

let test_: TestDatabase;
let dais: TestKernel;
let replicas: Replica[] = [];

beforeAll(async () => {
  test_ = await startKernelDatabase();
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

async function launch(setup: Partial<ReplicaSetup> & { name: string }): Promise<Replica> {
  const replica = await startReplica({ connection: test_.connection, leaseMs: 1500, effectMs: 0, ...setup });
  replicas.push(replica);
  await expect.poll(() => replica.reported('ready'), { timeout: 40_000, interval: 20 }).toHaveLength(1);
  return replica;
}

test('a process that ends before or after any effect, in creation and deletion: the next one ends with the same status', async () => {
  const points = [0, 1, 2].flatMap((effect) => (['before', 'after'] as const).map((when) => ({ when, effect })));
  const results = await crashEverywhere(dais, launch, points);
  expect(results).toEqual(points.map(() => ({ died: 'SIGKILL', cells: [0, 1, 2], status: 'True Built 3', left: 0 })));
});
