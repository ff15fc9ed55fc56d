/** Keys that the processes of an installation share. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DaisError } from '@dais/api';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { startTestDatabase, type TestDatabase } from '#engines/database/testing.ts';
import type { KeyStore } from '#engines/keys/contract.ts';
import { kernelSlice } from '#kernel/slice.ts';
import { startTestKernel, type TestKernel } from '#kernel/testing/test-kernel.ts';
import { rewrapJob } from '#kinds/secret/secret-rotation.ts';
import { systemClock } from '#lib/clock.ts';
import { WorkGate } from '#lib/concurrency/work-gate.ts';
import { silentLog } from '#lib/log.ts';
import { openTestKeys, sealerOf } from './certificates/node-sealer.testing.ts';
import { ledger, type NodesLedger } from './index.ts';

let db: TestDatabase;
let dais: TestKernel;
let folder: string;
let keys: KeyStore;
let isAway = false;
const sealer = sealerOf(() => {
  if (isAway) throw new DaisError('keys_unavailable', 'The key store does not respond.');
  return keys;
});

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-shared-keys-'));
  keys = await openTestKeys(folder);
  db = await startTestDatabase([kernelSlice, ledger.slice]);
  dais = await startTestKernel(db, { jobs: openProcess().jobs ?? [] });
});
afterEach(async () => {
  isAway = false;
  await db.asAdmin('delete from nodes.shared_key');
});
afterAll(async () => {
  await dais.stop();
  await db.stop();
  await rm(folder, { recursive: true, force: true });
});

/** What a process opens; nothing of it is started. */
function openProcess(): NodesLedger {
  return ledger.open({
    role: 'all',
    version: '0.1.0',
    host: 'host',
    hosts: ['127.0.0.1'],
    holder: randomUUID(),
    rules: { join: 'open', token: undefined },
    database: db.database,
    gate: new WorkGate(),
    log: silentLog,
    data: join(folder, 'node'),
    clock: systemClock,
    load: () => ({ cores: 2, busyCores: 0.5, memoryBytes: 1000 }),
    sealer,
  });
}

test('all processes get the same key, also those that ask at the same time or later', async () => {
  const processes = Array.from({ length: 4 }, openProcess);
  const found = await Promise.all(processes.map(async ({ sharedKey }) => await sharedKey('agents')));
  found.push(await openProcess().sharedKey('agents'));
  expect(found[0]).toHaveLength(32);
  expect(new Set(found.map((key) => key.toString('hex'))).size).toBe(1);
  expect(await openProcess().sharedKey('others')).not.toEqual(found[0]);
});

test('a key is encrypted, counted, and follows the rotation of keys', async () => {
  const key = await openProcess().sharedKey('agents');
  const rows = async () => await db.asAdmin('select key_fingerprint, wrapped, ciphertext from nodes.shared_key');
  for (const { wrapped, ciphertext } of await rows()) {
    expect(Buffer.concat([wrapped as Buffer, ciphertext as Buffer]).includes(key)).toBe(false);
  }
  const current = await keys.rotate();
  const job = rewrapJob(ledger.keyRotation?.queue ?? '', current.fingerprint);
  await dais.write(async (tx) => await Promise.resolve(tx.enqueue(job)));
  await expect.poll(async () => (await rows())[0]?.['key_fingerprint'], { interval: 20 }).toBe(current.fingerprint);
  expect(await openProcess().sharedKey('agents')).toEqual(key);
  const counts = await dais.write(async (tx) => await ledger.keyRotation?.countByKey(tx.sql));
  expect(counts).toEqual([{ keyId: current.keyId, fingerprint: current.fingerprint, values: 1 }]);
});

test('a call after the outage of the key store succeeds, and an opened key does not need it', async () => {
  isAway = true;
  const waiting = openProcess();
  await expect(waiting.sharedKey('agents')).rejects.toMatchObject({ code: 'keys_unavailable' });
  isAway = false;
  const key = await waiting.sharedKey('agents');
  isAway = true;
  expect(await waiting.sharedKey('agents')).toBe(key);
  await expect(openProcess().sharedKey('agents')).rejects.toMatchObject({ code: 'keys_unavailable' });
});

test('a key of another name cannot be opened in its place', async () => {
  await openProcess().sharedKey('agents');
  await db.asAdmin(`update nodes.shared_key set name = 'others'`);
  await expect(openProcess().sharedKey('others')).rejects.toMatchObject({ code: 'key_mismatch' });
});
