/** Claims the node of a data folder for a control process at its start. */
import { randomUUID } from 'node:crypto';
import { DaisError, eventTypes } from '@dais/api';
import type { NodeRole } from '@dais/api/access';
import type { Database, Sql } from '#engines/database/contract.ts';
import { readCursor } from '#kernel/events.ts';
import { ORGANIZATION } from '#kernel/tenants.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';
import { admitNode, type JoinRules } from './node-admission.ts';
import { readNodeFile, writeNodeFile, type NodeFile } from './node-file.ts';
import { REACHABLE_SECONDS, type OwnNode } from './node-rows.ts';
import type { UsedToken } from './node-tokens.ts';

/** A node without contact for this long is removed. Its gateway stopped serving long before (`gatewayOfflineMinutes`). */
const EXPIRY_DAYS = 30;

export interface NodeStart {
  /** Identifies the control process in leases. */
  readonly holder: string;
  readonly host: string;
  readonly role: NodeRole;
  readonly version: string;
  readonly rules: JoinRules;
}

interface Claimed {
  readonly gateway: number;
  readonly installation: string;
}

/**
 * Registers the control process `holder` as the one of its node. A data folder without a node gets a new one, with the lowest
 * number that no gateway has, if it is admitted. So does the copy of a data folder whose node still runs: its file contains another
 * claim than the database. A node that was removed keeps its id, which its steps refer to. The file contains each claim before the
 * database does, so that a process that is killed at any moment keeps its node.
 * @throws DaisError `join_refused`; `quota_exceeded` when 4,096 nodes exist.
 */
export async function claimNode(database: Database, data: string, start: NodeStart): Promise<OwnNode> {
  const before = await readNodeFile(data);
  if (before !== undefined) {
    const [current = '', pending = randomUUID()] = before.claims;
    const file = { ...before, claims: [current, pending] };
    await writeNodeFile(data, file);
    const claimed = await write(database, async (tx, installation) => {
      const gateway = await resumeNode(tx.sql, file, pending, start);
      if (gateway !== undefined) return { gateway, installation };
      if (before.installation !== installation || (await isRegistered(tx.sql, file.id))) return undefined;
      await admitNode(tx.sql, { ...start, isReturning: true }, start.rules);
      return { gateway: await insertNode(tx, { id: file.id, claims: [pending] }, start, undefined), installation };
    });
    if (claimed !== undefined) return await keep(data, { ...file, claims: [pending], ...claimed }, start);
  }
  const file = { id: randomUUID(), claims: [randomUUID()] };
  const claimed = await write(database, async (tx, installation) => {
    const token = await admitNode(tx.sql, { ...start, isReturning: false }, start.rules);
    // Not before: a folder that is refused may be the node of another installation.
    await writeNodeFile(data, file);
    return { gateway: await insertNode(tx, file, start, token), installation };
  });
  return await keep(data, { ...file, ...claimed }, start);
}

async function keep(data: string, file: NodeFile & Claimed, { holder }: NodeStart): Promise<OwnNode> {
  await writeNodeFile(data, file);
  return { id: file.id, holder, gateway: file.gateway };
}

async function write<T>(database: Database, work: (tx: Transaction, installation: string) => Promise<T>): Promise<T> {
  return await transact(database, { mode: 'write', projectId: 'all' }, async (tx) => {
    await tx.sql.query(`select pg_advisory_xact_lock(hashtext('dais.nodes')) is null as locked`, [], 'lock_nodes');
    return await work(tx, (await readCursor(tx.sql)).epoch);
  });
}

async function isRegistered(sql: Sql, id: string): Promise<boolean> {
  const rows = await sql.query<{ id: string }>('select id from nodes.node where id = $1', [id], 'is_node_registered');
  return rows.length > 0;
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
       claim = $8
     where id = $1 and (claim = any($6::uuid[]) or stopped or contacted_at < clock_timestamp() - make_interval(secs => $7))
     returning gateway`,
    [id, holder, host, role, version, claims, REACHABLE_SECONDS, claim],
    'resume_node',
  );
  return known?.gateway;
}

async function insertNode(
  tx: Transaction,
  { id, claims: [claim] }: NodeFile,
  start: NodeStart,
  token: UsedToken | undefined,
): Promise<number> {
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
  const by = token === undefined ? {} : { token: token.id, tokenBy: token.createdBy };
  const data = { node: id, host, role, gateway: made.gateway, ...by };
  tx.emit({ type: eventTypes.nodeJoined, projectId: ORGANIZATION, data });
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
