import type { KeyStore } from '#engines/keys/contract.ts';
import type { AdmitResult, AdmittedChange } from '#kernel/kind.ts';
import { seal } from './sealing.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { Printer, Fingerprints } from './secret-fingerprints.ts';
import { contextOf, deleteAllValues, deleteValues, putValue, readValues, type StoredValue } from './secret-store.ts';

/**
 * Applies a change of a Secret to its values, in the transaction of the change. `data` is the complete set: omitted
 * keys are deleted. Without `data` (as in a rollback) all values stay. Only changed values are sealed.
 * @throws DaisError `keys_unavailable`.
 */
export async function admitSecret(
  tx: Transaction,
  change: AdmittedChange,
  keys: KeyStore,
  prints: Fingerprints,
): Promise<AdmitResult> {
  const { uid, projectId } = change;
  if (change.action === 'delete') {
    await deleteAllValues(tx.sql, projectId, uid);
    return {};
  }
  const data = change.rollback ? undefined : (change.spec?.['data'] as Readonly<Record<string, string>> | undefined);
  if (data === undefined) return change.action === 'create' ? { status: statusOf([]) } : {};

  const stored = change.action === 'create' ? [] : await readValues(tx.sql, projectId, uid);
  const printer = change.dryRun ? await prints.find(tx.sql) : await prints.ensure(tx.sql);
  const changed = Object.entries(data).filter(([key, value]) => !isUnchanged(printer, uid, key, value, stored));
  const removed = stored.filter(({ key }) => !Object.hasOwn(data, key)).map(({ key }) => key);
  const changedPaths = [...changed.map(([key]) => key), ...removed].map((key) => `spec.data.${key}`);
  if (change.dryRun || printer === undefined) return { changedPaths };

  const sealed = await Promise.all(
    changed.map(async ([key, value]): Promise<StoredValue> => {
      const location = { projectId, secretUid: uid, key };
      const text = Buffer.from(value, 'utf8');
      return {
        ...location,
        print: printer.print(uid, key, value),
        sealed: await seal(keys, text, contextOf(location)),
      };
    }),
  );
  for (const value of sealed) await putValue(tx.sql, value);
  if (removed.length > 0) await deleteValues(tx.sql, projectId, uid, removed);
  const kept = stored.filter(({ key }) => Object.hasOwn(data, key) && !sealed.some((value) => value.key === key));
  return { changedPaths, status: statusOf([...kept, ...sealed]) };
}

function isUnchanged(
  printer: Printer | undefined,
  uid: string,
  key: string,
  value: string,
  stored: readonly StoredValue[],
): boolean {
  const known = stored.find((one) => one.key === key);
  return known !== undefined && printer?.matches(uid, key, value, known.print) === true;
}

/** What everybody may know: which keys hold a value, and which key-encryption keys are needed to use them. */
export function statusOf(values: readonly StoredValue[]): Readonly<Record<string, unknown>> {
  return {
    keys: values.map(({ key }) => key).toSorted(),
    sealedWith: [...new Set(values.map(({ sealed }) => sealed.fingerprint))].toSorted().join(', '),
  };
}
