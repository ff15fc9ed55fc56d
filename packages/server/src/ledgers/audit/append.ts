/** Appends every event as an entry: in commit order, exactly once. The Merkle tree grows in the same transaction. */
import { GrowingTree, RESTORED_ENTRY, type TreeNode } from '@dais/api/tlog';
import type { Sql } from '#engines/database/contract.ts';
import type { SequencedEvent } from '#kernel/events.ts';
import type { Subscriber } from '#kernel/subscriptions.ts';
import { ORGANIZATION, tenantNames } from '#kernel/tenants.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { makeEntry, personsOf } from './entry-body.ts';
import { treeHasher } from './hashing.ts';
import type { Persons } from './persons.ts';
import { lockState, NODE_LEVELS, writeState } from './tree-store.ts';

/** PostgreSQL notification channel of log growth; a hint only. */
export const APPENDED_CHANNEL = 'dais_audited';

/** 1,000 entries are one statement of about 1 MB. */
const BATCH = 1000;
/** Entries per partition; see the migration. */
const PARTITION = 1_048_576;

export function auditSubscriber(persons: Persons): Subscriber {
  return {
    name: 'audit',
    fromStart: true,
    batch: BATCH,
    handle: async (tx, events) => await appendEvents(tx, events, persons),
  };
}

async function appendEvents(tx: Transaction, events: readonly SequencedEvent[], persons: Persons): Promise<void> {
  await tx.enter('all');
  const state = await lockState(tx.sql);
  const tree = new GrowingTree(treeHasher, state.range);
  const known = await persons.ensure(tx.sql, [...new Set(events.flatMap(personsOf))]);
  const projects = [...new Set(events.map((event) => event.projectId))].filter((id) => id !== ORGANIZATION);
  const names = await tenantNames(tx.sql, projects);
  const nodes: TreeNode[] = [];
  const rows = events.map((event) => {
    const seq = tree.size;
    const { projectId } = event;
    const project = projectId === ORGANIZATION ? undefined : { id: projectId, name: names.get(projectId) };
    const entry = makeEntry(seq, event, project, known);
    const leaf = treeHasher.leaf(entry.body);
    tree.append(leaf, (node) => {
      if (NODE_LEVELS.includes(node.level)) nodes.push(node);
    });
    return { seq, event, entry, leaf };
  });
  await makePartitions(tx.sql, state.range.size, tree.size);
  tx.sql.defer(
    `insert into audit.entry (seq, at, project_id, type, actor, subject_kind, subject, outcome, request_id, body, leaf)
     select * from unnest($1::bigint[], $2::timestamptz[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[],
       $8::text[], $9::text[], $10::bytea[], $11::bytea[])`,
    [
      rows.map(({ seq }) => seq),
      rows.map(({ event }) => event.at),
      rows.map(({ event }) => event.projectId),
      rows.map(({ event }) => event.type),
      rows.map(({ entry }) => entry.actor),
      rows.map(({ entry }) => entry.subjectKind ?? null),
      rows.map(({ entry }) => entry.subject ?? null),
      rows.map(({ entry }) => entry.outcome),
      rows.map(({ event }) => event.requestId ?? null),
      rows.map(({ entry }) => Buffer.from(entry.body, 'utf8')),
      rows.map(({ leaf }) => leaf),
    ],
    'audit_append',
  );
  if (nodes.length > 0) {
    tx.sql.defer(
      'insert into audit.node (level, index, hash) select * from unnest($1::smallint[], $2::bigint[], $3::bytea[])',
      [nodes.map((node) => node.level), nodes.map((node) => node.index), nodes.map((node) => node.hash)],
    );
  }
  writeState(tx.sql, tree.range, announces(rows, state.forkedFrom));
  tx.sql.defer(`select pg_notify('${APPENDED_CHANNEL}', '')`, [], 'notify_audited');
}

async function makePartitions(sql: Sql, from: number, to: number): Promise<void> {
  const [first, last] = [from, to].map((seq) => Math.floor(seq / PARTITION));
  if (first === last) return;
  await sql.query('select audit.make_partition($1)', [to]);
}

/** Returns true if the entries contain the fork after a restore, which then needs no further record. */
function announces(rows: readonly { readonly event: SequencedEvent }[], forkedFrom: string | undefined): boolean {
  return (
    forkedFrom !== undefined &&
    rows.some(({ event }) => event.type === RESTORED_ENTRY && String(event.data['before']).endsWith(`/${forkedFrom}`))
  );
}
