import { DaisError } from '@dais/api';
import { listKeysOperation, rotateKeysOperation } from '@dais/api/access';
import type { KeyInfo, KeyStore } from '#engines/keys/contract.ts';
import { entry, type OperationEntry } from '#kernel/entry.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { KeyRotation } from '#ledgers/ledger.ts';
import { rewrapJob, SECRET_KEYS_QUEUE } from './secret-rotation.ts';
import { countByKey } from './secret-store.ts';

/** The operations on key-encryption keys; they answer `keys_unavailable` when the key engine does not. */
export function keyEntries(keys: KeyStore, others: readonly KeyRotation[]): readonly OperationEntry[] {
  return [
    entry(listKeysOperation, async (tx) => ({ items: await listKeys(tx, keys, others) })),
    entry(rotateKeysOperation, async (tx) => await rotateKeys(tx, keys, others)),
  ];
}

async function listKeys(tx: Transaction, keys: KeyStore, others: readonly KeyRotation[]) {
  const held = await keys.list();
  await tx.enter('all');
  const counts = [...(await countByKey(tx.sql))];
  for (const other of others) counts.push(...(await other.countByKey(tx.sql)));
  // By fingerprint: a key that was given another label is still the same key.
  const sameKey = (a: KeyInfo) => (b: KeyInfo) => a.fingerprint === b.fingerprint;
  const valuesOf = (key: KeyInfo) => counts.filter(sameKey(key)).reduce((sum, { values }) => sum + values, 0);
  const needed = counts.filter((key, index) => counts.findIndex(sameKey(key)) === index);
  const missing = needed.filter((key) => !held.some(sameKey(key)));
  return [
    ...held.map((key, index) => ({ ...key, current: index === 0, held: true, values: valuesOf(key) })),
    ...missing.map((key) => ({ ...key, current: false, held: false, values: valuesOf(key) })),
  ];
}

/** A transaction that does not commit leaves a key that nothing uses yet: harmless. */
async function rotateKeys(tx: Transaction, keys: KeyStore, others: readonly KeyRotation[]) {
  const made = await keys.rotate().catch((error: unknown) => {
    if (error instanceof DaisError && error.code === 'keys_read_only') return undefined;
    throw error;
  });
  const { keyId, fingerprint } = made ?? (await keys.current());
  for (const queue of [SECRET_KEYS_QUEUE, ...others.map((other) => other.queue)])
    tx.enqueue(rewrapJob(queue, fingerprint));
  return { keyId, fingerprint, made: made !== undefined };
}
