import type { KeyStore } from '#engines/keys/contract.ts';
import { open } from './sealing.ts';
import { readResource } from '#kernel/store.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { contextOf, readValues, type StoredValue } from './secret-store.ts';

/** How a spec names a value: `{ secret: chat-webhook, key: url }`. */
export interface SecretValueRef {
  readonly secret: string;
  readonly key: string;
}

/** A sealed value: opening it can call a remote key store, outside of a transaction. */
export type SealedValue = StoredValue;

/** Undefined if there is no such Secret or it has no such key. */
export async function findSecretValue(
  tx: Transaction,
  projectId: string,
  ref: SecretValueRef,
): Promise<SealedValue | undefined> {
  const row = await readResource(tx.sql, projectId, 'Secret', ref.secret);
  if (row === undefined) return undefined;
  const values = await readValues(tx.sql, projectId, row.uid);
  return values.find(({ key }) => key === ref.key);
}

/**
 * Returns the value. The caller keeps it in memory only, and only while it is used.
 * @throws DaisError `key_missing`, `key_mismatch`, `keys_unavailable`.
 */
export async function openSecretValue(keys: KeyStore, value: SealedValue): Promise<string> {
  const bytes = await open(keys, value.sealed, contextOf(value));
  const text = bytes.toString('utf8');
  bytes.fill(0);
  return text;
}
