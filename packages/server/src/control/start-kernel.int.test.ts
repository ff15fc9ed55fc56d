import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TestDatabase } from '#engines/database/testing.ts';
import { claimJobs, heartbeatJob, insertJobs } from '#kernel/jobs.ts';
import { acquireLease, guardedWrite, LeaseLost } from '#kernel/leases.ts';
import { claimDue, extendClaim } from '#kernel/reconcile-queue.ts';
import { manifest, startKernelDatabase, startTestKernel, type TestKernel } from '#kernel/testing/test-kernel.ts';
import { endEarlierLeases } from './start-kernel.ts';

let database: TestDatabase;
let dais: TestKernel;

beforeAll(async () => {
  database = await startKernelDatabase();
  dais = await startTestKernel(database, { start: 'none' });
});
afterAll(async () => {
  await dais.stop();
  await database.stop();
});

const LEASE_MS = 3_600_000;
const ONE = { leaseMs: LEASE_MS, limit: 1, perProject: 1 };

test('leases of an earlier process are free immediately, and its writes are rejected', async () => {
  const held = await acquireLease(database.database, 'sequencer', 'earlier', LEASE_MS);
  const queue = 'work';
  const projectId = 'aaaaaaaa-0000-7000-8000-000000000000';
  await dais.write(async (tx) => insertJobs(tx.sql, [{ queue, projectId, payload: {}, maxAttempts: 3 }]));
  const job = async (holder: string) => (await dais.write((tx) => claimJobs(tx.sql, queue, holder, ONE)))[0];
  const jobBefore = await job('earlier');
  await dais.apply([manifest('Machine', 'm')]);
  const pass = async (holder: string) =>
    (await dais.write((tx) => claimDue(tx.sql, ['Machine'], holder, LEASE_MS, 1)))[0];
  const passBefore = await pass('earlier');
  const lease = async () => await acquireLease(database.database, 'sequencer', 'later', LEASE_MS);
  expect([await lease(), await job('later'), await pass('later')]).toEqual([undefined, undefined, undefined]);

  await endEarlierLeases(database.database);
  const later = await lease();
  expect(later?.epoch).toBe(held!.epoch + 1n);
  expect(await job('later')).toMatchObject({ id: jobBefore!.id, attempt: 2, epoch: jobBefore!.epoch + 1n });
  expect(await pass('later')).toMatchObject({ uid: passBefore!.uid, epoch: passBefore!.epoch + 1n });

  await expect(guardedWrite(database.database, held!, async () => await Promise.resolve())).rejects.toThrow(LeaseLost);
  expect(await dais.write((tx) => heartbeatJob(tx.sql, jobBefore!, LEASE_MS, undefined))).toBe('lost');
  expect(await dais.write((tx) => extendClaim(tx.sql, passBefore!, LEASE_MS))).toBe(false);
});
