/** Operations of the audit ledger. */
import { DaisError, eventTypes } from '@dais/api';
import {
  exportAuditOperation,
  forgetPersonOperation,
  holdAuditOperation,
  listAuditCheckpointsOperation,
  listAuditOperation,
  listOrganizationAuditOperation,
  proveAuditConsistencyOperation,
  proveAuditEntryOperation,
  readAuditBodiesOperation,
  readAuditKeyOperation,
  readAuditStatusOperation,
} from '@dais/api/audit';
import { rangeRoot, toBase64, verifierKeyText } from '@dais/api/tlog';
import type { Sql } from '#engines/database/contract.ts';
import { entry, type CallOf, type OperationEntry } from '#kernel/entry.ts';
import { ORGANIZATION } from '#kernel/tenants.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { archivedSize, type ArchiveStore, readBodies } from './archive-store.ts';
import type { AuditKeyring } from './audit-keys.ts';
import { listCheckpoints, newestCheckpoint, originOf } from './checkpoints.ts';
import { treeHasher } from './hashing.ts';
import type { Persons } from './persons.ts';
import { proveConsistency, proveEntry } from './proofs.ts';
import { readable, searchEntries } from './search.ts';
import type { Finding } from './self-check.ts';
import { readState } from './tree-store.ts';

export interface AuditDependencies {
  readonly ring: AuditKeyring;
  readonly persons: Persons;
  readonly archives: ArchiveStore;
}

export function auditEntries({ ring, persons, archives }: AuditDependencies): readonly OperationEntry[] {
  const search = async (
    tx: Transaction,
    call: CallOf<typeof listAuditOperation | typeof listOrganizationAuditOperation>,
  ) => await searchEntries(tx, call, { persons, archives });
  return [
    entry(listAuditOperation, search),
    entry(listOrganizationAuditOperation, search),
    entry(readAuditBodiesOperation, async (tx, { input }) => {
      const { size, rows } = await readFrom(tx, archives, input);
      return {
        items: rows.map(({ seq, body, leaf }) => ({
          seq,
          body: body.toString('utf8'),
          ...(leaf !== undefined && { leaf: leaf.toString('base64') }),
        })),
        size,
      };
    }),
    entry(exportAuditOperation, async (tx, { input }) => {
      const { size, rows } = await readFrom(tx, archives, input);
      const items = await readable(
        tx.sql,
        rows.map((row) => row.body),
        persons,
      );
      const [first, last] = [rows[0], rows.at(-1)];
      if (first !== undefined && last !== undefined) {
        const data = { from: first.seq, to: last.seq + 1 };
        tx.emit({ type: eventTypes.auditExported, projectId: ORGANIZATION, data });
      }
      return { items, size };
    }),
    entry(readAuditStatusOperation, async ({ sql }) => await readStatus(sql, ring)),
    entry(readAuditKeyOperation, async ({ sql }) => {
      const keys = await ring.open();
      const { branch } = await readState(sql);
      return { origin: originOf(keys, branch), verifierKey: verifierKeyText(keys.verifier) };
    }),
    entry(listAuditCheckpointsOperation, async ({ sql }, { input }) => {
      const found = await listCheckpoints(sql, input.after ?? 0, input.limit);
      return { items: found.map(({ size, at, note }) => ({ size, at: at.toISOString(), note })) };
    }),
    entry(proveAuditEntryOperation, async (tx, { input }) => {
      await tx.enter('all');
      return await proveEntry(tx.sql, archives, input.seq, input.size);
    }),
    entry(proveAuditConsistencyOperation, async (tx, { input }) => {
      await tx.enter('all');
      return await proveConsistency(tx.sql, archives, input.from, input.size);
    }),
    entry(forgetPersonOperation, async (tx, { input }) => await forget(tx, input.user, persons)),
    entry(holdAuditOperation, async (tx, { input }) => {
      const { reason } = input;
      await tx.sql.query('update audit.state set hold_reason = $1', [reason ?? null]);
      const data = reason === undefined ? {} : { reason };
      tx.emit({ type: eventTypes.auditHold, projectId: ORGANIZATION, data });
      return reason === undefined ? {} : { hold: reason };
    }),
  ];
}

async function readFrom(
  tx: Transaction,
  archives: ArchiveStore,
  { after, limit }: { readonly after?: number; readonly limit: number },
) {
  await tx.enter('all');
  const { range } = await readState(tx.sql);
  return { size: range.size, rows: await readBodies(tx.sql, archives, after === undefined ? 0 : after + 1, limit) };
}

async function readStatus(sql: Sql, ring: AuditKeyring) {
  const keys = await ring.open();
  const { range, branch, hold } = await readState(sql);
  const newest = await newestCheckpoint(sql, branch);
  const [check] = await sql.query<{
    size: bigint;
    checked_at: Date | null;
    complete_at: Date | null;
    complete_size: bigint | null;
    findings: Finding[];
  }>('select size, checked_at, complete_at, complete_size, findings from audit.self_check');
  return {
    size: range.size,
    root: toBase64(rangeRoot(treeHasher, range)),
    origin: originOf(keys, branch),
    ...(newest !== undefined && {
      checkpoint: { size: newest.size, at: newest.at.toISOString(), note: newest.note },
    }),
    archived: await archivedSize(sql),
    ...(hold !== undefined && { hold }),
    check: {
      size: Number(check?.size ?? 0n),
      ...(check?.checked_at && { checkedAt: check.checked_at.toISOString() }),
      ...(check?.complete_at && { completeAt: check.complete_at.toISOString() }),
      ...(check?.complete_size && { completeSize: Number(check.complete_size) }),
      findings: check?.findings ?? [],
    },
  };
}

/** Requires that a user can be forgotten. @throws DaisError `not_found`, `invalid_state` during a legal hold */
async function forget(tx: Transaction, user: string, persons: Persons) {
  const { hold } = await readState(tx.sql);
  if (hold !== undefined) {
    throw new DaisError(
      'invalid_state',
      `The audit log is under legal hold (${hold}). No user can be forgotten until the hold ends.`,
    );
  }
  const person = await persons.forget(tx.sql, user);
  if (person === undefined) throw new DaisError('not_found', `No entry of the audit log refers to "${user}".`);
  tx.emit({ type: eventTypes.auditForgotten, projectId: ORGANIZATION, data: { person } });
  return { person };
}
