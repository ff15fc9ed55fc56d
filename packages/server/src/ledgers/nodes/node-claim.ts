/** Claims the node of a data folder for a control process at its start. */
import { randomUUID } from 'node:crypto';
import { DaisError, eventTypes } from '@dais/api';
import type { Database, Sql } from '#engines/database/contract.ts';
import { ORGANIZATION } from '#kernel/tenants.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';
import { readNodeFile, writeNodeFile, type NodeFile } from './node-file.ts';
import { REACHABLE_SECONDS, type OwnNode } from './node-rows.ts';

/** A node without contact for this long is removed. Its gateway stopped serving long before (`gatewayOfflineMinutes`). */
const EXPIRY_DAYS = 30;

export interface NodeStart {
  /** Identifies the control process in leases. */
  readonly holder: string;
  readonly host: string;
  readonly role: string;
  readonly version: string;
}

/**
 * Registers the control process `holder` as the one of its node. A data folder without a node gets a new one, with the lowest
 * number that no gateway has. So does the copy of a data folder whose node still runs: its file contains another claim than the
 * database. The file contains each claim before the database does, so that a process that is killed at any moment keeps its node.
 * @throws DaisError `quota_exceeded` when 4,096 nodes exist.
 */
export async function claimNode(database: Database, data: string, start: NodeStart): Promise<OwnNode> {
  const before = await readNodeFile(data);
  if (before !== undefined) {
    const [current = '', pending = randomUUID()] = before.claims;
    const file = { ...before, claims: [current, pending] };
    await writeNodeFile(data, file);
    const gateway = await write(database, async ({ sql }) => await resumeNode(sql, file, pending, start));
    if (gateway !== undefined) return await keep(data, { ...file, claims: [pending], gateway }, start);
  }
  const file = { id: randomUUID(), claims: [randomUUID()] };
  await writeNodeFile(data, file);
  const gateway = await write(database, async (tx) => await insertNode(tx, file, start));
  return await keep(data, { ...file, gateway }, start);
}

async function keep(
  data: string,
  file: NodeFile & { readonly gateway: number },
  { holder }: NodeStart,
): Promise<OwnNode> {
  await writeNodeFile(data, file);
  return { id: file.id, holder, gateway: file.gateway };
}

async function write<T>(database: Database, work: (tx: Transaction) => Promise<T>): Promise<T> {
  return await transact(database, { mode: 'write', projectId: 'all' }, async (tx) => {
    await tx.sql.query(`select pg_advisory_xact_lock(hashtext('dais.nodes')) is null as locked`, [], 'lock_nodes');
    return await work(tx);
  });
}

/** Returns the number of the gateway; undefined when the node was removed, or another process runs on it. */
async function resumeNode(
  sql: Sql,
  { id, claims }: NodeFile,
  claim: string,
  { holder, host, role, version }: NodeStart,
): Promise<number | undefined> {
  const [known] = await sql.query<{ gateway: number }>(
    `update nodes.node
     set holder = $2, host = $3, role = $4, version = $5, started_at = clock_timestamp(), contacted_at = clock_timestamp(),
       stopped = false, cores = null, busy_cores = null, memory_bytes = null, running_jobs = null, running_steps = null,
       internal_host = null, internal_port = null, authority = null, claim = $8
     where id = $1 and (claim = any($6::uuid[]) or stopped or contacted_at < clock_timestamp() - make_interval(secs => $7))
     returning gateway`,
    [id, holder, host, role, version, claims, REACHABLE_SECONDS, claim],
    'resume_node',
  );
  return known?.gateway;
}

async function insertNode(tx: Transaction, { id, claims: [claim] }: NodeFile, start: NodeStart): Promise<number> {
  const { holder, host, role, version } = start;
  await removeExpiredNodes(tx);
  const [made] = await tx.sql.query<{ gateway: number }>(
    `insert into nodes.node (id, holder, host, role, version, gateway, started_at, contacted_at, claim)
     select $1, $2, $3, $4, $5, n, clock_timestamp(), clock_timestamp(), $6
     from generate_series(0, 4095) as n
     where not exists (select from nodes.node where gateway = n)
     order by n limit 1
     returning gateway`,
    [id, holder, host, role, version, claim],
    'insert_node',
  );
  if (made === undefined) {
    throw new DaisError(
      'quota_exceeded',
      'An installation has at most 4,096 nodes. Remove those that no longer run: dais admin remove-node ID',
    );
  }
  tx.emit({ type: eventTypes.nodeJoined, projectId: ORGANIZATION, data: { node: id, host, gateway: made.gateway } });
  return made.gateway;
}

async function removeExpiredNodes(tx: Transaction): Promise<void> {
  const gone = await tx.sql.query<{ id: string; host: string }>(
    `delete from nodes.node where contacted_at < clock_timestamp() - make_interval(days => $1) returning id, host`,
    [EXPIRY_DAYS],
    'remove_expired_nodes',
  );
  for (const { id, host } of gone) {
    tx.emit({ type: eventTypes.nodeRemoved, projectId: ORGANIZATION, data: { node: id, host, reason: 'expired' } });
  }
}
