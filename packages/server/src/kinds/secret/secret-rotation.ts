/** Rewraps values with the current key-encryption key: one secret on request, all of them in a job. */
import { DaisError, eventTypes, refusedByState } from '@dais/api';
import type { secretKind } from '@dais/api/access';
import type { KeyInfo, KeyStore } from '#engines/keys/contract.ts';
import type { ActionCall } from '#kernel/entry.ts';
import type { JobHandler, JobIo } from '#kernel/job-runner.ts';
import type { NewJob } from '#kernel/jobs.ts';
import { writeStatus } from '#kernel/reconciler.ts';
import { rewrap, type Sealed } from './sealing.ts';
import { readByUid, readResource, type ResourceRow } from '#kernel/store.ts';
import { ORGANIZATION } from '#kernel/tenants.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { statusOf } from './secret-admission.ts';
import { isLost, type Fingerprints } from './secret-fingerprints.ts';
import {
  contextOf,
  deleteFingerprint,
  readValues,
  replaceWrapped,
  valuesUnderOtherKeys,
  type StoredValue,
} from './secret-store.ts';

export const SECRET_KEYS_QUEUE = 'secret-rewrap';
/** Values for each transaction: short locks, and the most that a crash repeats. */
const BATCH = 100;
/** Concurrent calls to the key store. */
const PARALLEL = 8;

/** The action `rotate`. @throws DaisError `not_found`, `being_deleted`, `key_missing`, `key_mismatch`, `keys_unavailable`. */
export async function rotateOne(
  tx: Transaction,
  call: ActionCall<typeof secretKind, 'rotate'>,
  keys: KeyStore,
): Promise<{ sealedWith: string; rewrapped: number }> {
  const row = await readResource(tx.sql, call.tenant.id, 'Secret', call.input.name);
  if (row === undefined) throw new DaisError('not_found', `There is no Secret "${call.input.name}".`);
  const refused = refusedByState('rotate', { ...row, deleting: row.deletion_at !== null });
  if (refused !== undefined) throw refused;
  const values = await readValues(tx.sql, row.project_id, row.uid);
  const renewed = await rewrapAll(keys, values);
  const lost = renewed.find(({ outcome }) => outcome instanceof DaisError)?.outcome;
  if (lost instanceof DaisError) throw lost;
  const done = await writeRewrapped(tx, renewed);
  if (done.length > 0) await publish(tx, row, done.length);
  return { sealedWith: (await keys.current()).fingerprint, rewrapped: done.length };
}

/** The job that wraps values under the current key. For each key, at most one job of a queue waits or runs. */
export function rewrapJob(queue: string, fingerprint: string): NewJob {
  // Waiting for a key store that is away must not end it: 1000 attempts of at most 10 minutes are a week.
  return {
    queue,
    projectId: ORGANIZATION,
    payload: { fingerprint },
    uniqueKey: fingerprint,
    maxAttempts: 1000,
  };
}

/**
 * Every value of every project that another key wraps. What is done stays done: after a crash, the values that still have
 * another key are the ones that are left. Values that do not open are passed over and counted.
 */
export function rewrapHandler(keys: KeyStore, prints: Fingerprints): JobHandler {
  return {
    queue: SECRET_KEYS_QUEUE,
    concurrency: 1,
    perProject: 1,
    retry: { baseMs: 1000, capMs: 600_000 },
    async run(_job, io) {
      let rewrapped = 0;
      let lost = 0;
      const printsKept = await io.write((tx) => prints.rewrap(tx.sql));
      for (let after: StoredValue | undefined; ;) {
        io.signal.throwIfAborted();
        const current = await keys.current();
        const position = after;
        const batch = await readBatch(io, current, position);
        after = batch.at(-1);
        if (after === undefined) break;
        const renewed = await rewrapAll(keys, batch);
        rewrapped += await io.write((tx) => writeBatch(tx, renewed));
        lost += renewed.filter(({ outcome }) => outcome instanceof DaisError).length;
        io.progress({ rewrapped, lost });
      }
      return { rewrapped, lost, printsKept };
    },
  };
}

async function readBatch(io: JobIo, current: KeyInfo, after: StoredValue | undefined): Promise<StoredValue[]> {
  return await io.read(async (tx) => {
    await tx.enter('all');
    return await valuesUnderOtherKeys(tx.sql, current, after, BATCH);
  });
}

interface Renewed {
  readonly value: StoredValue;
  /** An error for a value that does not open. */
  readonly outcome: Sealed | DaisError;
}

/** @throws DaisError `keys_unavailable`. */
async function rewrapAll(keys: KeyStore, values: readonly StoredValue[]): Promise<Renewed[]> {
  const renewed: Renewed[] = [];
  for (let from = 0; from < values.length; from += PARALLEL) {
    const some = values.slice(from, from + PARALLEL).map(async (value): Promise<Renewed> => {
      try {
        return { value, outcome: await rewrap(keys, value.sealed, contextOf(value)) };
      } catch (error) {
        if (isLost(error)) return { value, outcome: error as DaisError };
        throw error;
      }
    });
    renewed.push(...(await Promise.all(some)));
  }
  return renewed;
}

/** Returns the values with the new wrapping; concurrently changed values were sealed with the current key anyway. */
async function writeRewrapped(tx: Transaction, renewed: readonly Renewed[]): Promise<StoredValue[]> {
  const done: StoredValue[] = [];
  for (const { value, outcome } of renewed) {
    if (outcome instanceof DaisError) await deleteFingerprint(tx.sql, value);
    else if (outcome !== value.sealed && (await replaceWrapped(tx.sql, value, outcome))) done.push(value);
  }
  return done;
}

async function writeBatch(tx: Transaction, renewed: readonly Renewed[]): Promise<number> {
  await tx.enter('all');
  const done = await writeRewrapped(tx, renewed);
  const uids = [...new Set(done.map(({ secretUid }) => secretUid))];
  const rows = await readByUid(tx.sql, uids);
  for (const row of rows.toSorted((a, b) => (a.uid < b.uid ? -1 : 1))) {
    await publish(tx, row, done.filter(({ secretUid }) => secretUid === row.uid).length);
  }
  return done.length;
}

async function publish(tx: Transaction, row: ResourceRow, rewrapped: number): Promise<void> {
  const status = statusOf(await readValues(tx.sql, row.project_id, row.uid));
  await writeStatus(tx, row.uid, Number(row.generation), [], { sealedWith: status['sealedWith'] });
  tx.emit({
    type: eventTypes.secretRotated,
    projectId: row.project_id,
    subject: { kind: row.kind, name: row.name, uid: row.uid },
    data: { sealedWith: String(status['sealedWith']), rewrapped },
  });
}
