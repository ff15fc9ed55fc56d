/** Nodes in the database. */
import { randomUUID } from 'node:crypto';
import { DaisError, eventTypes } from '@dais/api';
import type { ServerNode } from '@dais/api/access';
import type { Sql } from '#engines/database/contract.ts';
import { leasesOf } from '#kernel/leases.ts';
import { cutPage, decodePageCursor } from '#kernel/page-cursor.ts';
import { ORGANIZATION } from '#kernel/tenants.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { NodeFile } from './node-file.ts';

/** A node without contact for this long is unreachable: six contacts. */
const REACHABLE_SECONDS = 30;
/** A node without contact for this long is removed. Its gateway stopped serving long before (`gatewayOfflineMinutes`). */
const EXPIRY_DAYS = 30;

export interface NodeStart {
  /** What the data folder contains from an earlier start. */
  readonly before: NodeFile | undefined;
  readonly holder: string;
  readonly host: string;
  readonly role: string;
  readonly version: string;
}

/**
 * Registers the control process `holder` as the one of its node. A data folder without a node gets a new one, with the lowest
 * number that no gateway has. So does the copy of a data folder whose node still runs: its file names another control
 * process than the database.
 * @throws DaisError `quota_exceeded` when 4,096 nodes exist.
 */
export async function claimNode(tx: Transaction, start: NodeStart): Promise<NodeFile> {
  const { sql } = tx;
  const { before, holder, host, role, version } = start;
  await sql.query(`select pg_advisory_xact_lock(hashtext('dais.nodes')) is null as locked`, [], 'lock_nodes');
  if (before !== undefined) {
    const [known] = await sql.query<{ gateway: number }>(
      `update nodes.node
       set holder = $2, host = $3, role = $4, version = $5, started_at = clock_timestamp(), contacted_at = clock_timestamp(),
         stopped = false, cores = null, busy_cores = null, memory_bytes = null
       where id = $1 and (holder = $6 or stopped or contacted_at < clock_timestamp() - make_interval(secs => $7))
       returning gateway`,
      [before.id, holder, host, role, version, before.holder, REACHABLE_SECONDS],
      'resume_node',
    );
    if (known !== undefined) return { id: before.id, holder, gateway: known.gateway };
  }
  await removeExpiredNodes(tx);
  const id = randomUUID();
  const [made] = await sql.query<{ gateway: number }>(
    `insert into nodes.node (id, holder, host, role, version, gateway, started_at, contacted_at)
     select $1, $2, $3, $4, $5, n, clock_timestamp(), clock_timestamp()
     from generate_series(0, 4095) as n
     where not exists (select from nodes.node where gateway = n)
     order by n limit 1
     returning gateway`,
    [id, holder, host, role, version],
    'insert_node',
  );
  if (made === undefined) {
    throw new DaisError(
      'quota_exceeded',
      'An installation has at most 4,096 nodes. Remove those that no longer run: dais admin remove-node ID',
    );
  }
  tx.emit({ type: eventTypes.nodeJoined, projectId: ORGANIZATION, data: { node: id, host, gateway: made.gateway } });
  return { id, holder, gateway: made.gateway };
}

export interface NodeLoad {
  readonly cores: number;
  readonly busyCores: number | undefined;
  readonly memoryBytes: number;
}

/** Numbers of live nodes; `gateways`: those with a gateway. */
export interface LiveCounts {
  readonly nodes: number;
  readonly gateways: number;
}

/** Returns the numbers of live nodes; undefined when the node was removed, or another process runs on it. */
export async function recordContact(
  sql: Sql,
  { id, holder }: NodeFile,
  load: NodeLoad,
): Promise<LiveCounts | undefined> {
  const [row] = await sql.query<{ live: LiveCounts }>(
    `update nodes.node set contacted_at = clock_timestamp(), cores = $3, busy_cores = $4, memory_bytes = $5
     where id = $1 and holder = $2
     returning (select json_build_object('nodes', count(*), 'gateways', count(*) filter (where n.role <> 'controller'))
       from nodes.node as n where n.id = $1
       or not n.stopped and n.contacted_at >= clock_timestamp() - make_interval(secs => $6)) as live`,
    [id, holder, load.cores, load.busyCores ?? null, load.memoryBytes, REACHABLE_SECONDS],
    'node_contact',
  );
  return row?.live;
}

/** A node with a gateway, live or not. */
export interface RegisteredGateway {
  readonly id: string;
  readonly host: string;
  readonly isLive: boolean;
  readonly lastContactAt: Date;
}

/** Returns all nodes with a gateway, by host and id: at most 4,096. */
export async function registeredGateways(sql: Sql): Promise<readonly RegisteredGateway[]> {
  return await sql.query<RegisteredGateway>(
    `select id, host, contacted_at as "lastContactAt",
       not stopped and contacted_at >= clock_timestamp() - make_interval(secs => $1) as "isLive"
     from nodes.node where role <> 'controller' order by host, id`,
    [REACHABLE_SECONDS],
    'registered_gateways',
  );
}

/** A node with a gateway that has reported within the last 30 seconds. */
export interface LiveGateway {
  readonly id: string;
  readonly host: string;
}

/** Returns the live nodes with a gateway, by host and id. A node that only runs controllers has none. */
export async function liveGateways(sql: Sql): Promise<readonly LiveGateway[]> {
  return await sql.query<LiveGateway>(
    `select id, host from nodes.node
     where role <> 'controller' and not stopped and contacted_at >= clock_timestamp() - make_interval(secs => $1)
     order by host, id`,
    [REACHABLE_SECONDS],
    'live_gateways',
  );
}

export async function recordStop(sql: Sql, { id, holder }: NodeFile): Promise<void> {
  await sql.query(
    `update nodes.node set stopped = true, contacted_at = clock_timestamp() where id = $1 and holder = $2`,
    [id, holder],
    'node_stop',
  );
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

/** @throws DaisError `not_found`; `invalid_state` while it is ready. */
export async function removeNode(tx: Transaction, id: string): Promise<void> {
  const [node] = await tx.sql.query<{ host: string; isReady: boolean }>(
    `select host, coalesce(not stopped and contacted_at >= clock_timestamp() - make_interval(secs => $2), false) as "isReady"
     from nodes.node where id = $1 for update`,
    [id, REACHABLE_SECONDS],
    'lock_node',
  );
  if (node === undefined) throw new DaisError('not_found', `No node has the id ${id}.`);
  if (node.isReady) {
    throw new DaisError(
      'invalid_state',
      `The node on ${node.host} is ready. Stop it first, or wait until it is unreachable.`,
    );
  }
  await tx.sql.query('delete from nodes.node where id = $1', [id], 'remove_node');
  tx.emit({
    type: eventTypes.nodeRemoved,
    projectId: ORGANIZATION,
    data: { node: id, host: node.host, reason: 'requested' },
  });
}

interface NodeRow {
  readonly id: string;
  readonly holder: string;
  readonly host: string;
  readonly role: string;
  readonly version: string;
  readonly gateway: number;
  readonly cores: number | null;
  readonly busyCores: number | null;
  readonly memoryBytes: bigint | null;
  readonly startedAt: Date;
  readonly contactedAt: Date;
  readonly state: string;
}

const LIST = 'nodes';
/** Separates host and id in a cursor: no host name has it. */
const SEPARATOR = ' ';

/** Returns a page of nodes by host and id. @throws DaisError `invalid_cursor`. */
export async function listNodes(
  { sql }: Transaction,
  { limit, cursor }: { readonly limit: number; readonly cursor?: string | undefined },
): Promise<{ readonly items: readonly ServerNode[]; readonly nextCursor?: string }> {
  const [host = '', id = ''] = decodePageCursor(LIST, cursor)?.split(SEPARATOR) ?? [];
  const rows = await sql.query<NodeRow>(
    `select id, holder::text as holder, host, role, version, gateway, cores, busy_cores as "busyCores", memory_bytes as "memoryBytes",
       started_at as "startedAt", contacted_at as "contactedAt",
       case when stopped then 'stopped'
         when contacted_at >= clock_timestamp() - make_interval(secs => $4) then 'ready'
         else 'unreachable' end as state
     from nodes.node
     where (host, id::text) > ($1, $2)
     order by host, id::text limit $3`,
    [host, id, limit + 1, REACHABLE_SECONDS],
    'list_nodes',
  );
  const { page, next } = cutPage(rows, limit, LIST, (row) => `${row.host}${SEPARATOR}${row.id}`);
  const leases = await leasesOf(
    sql,
    page.map(({ holder }) => holder),
  );
  const namesOf = ({ holder }: NodeRow) => leases.filter(({ owner }) => owner === holder).map(({ name }) => name);
  return { items: page.map((row) => presentNode(row, namesOf(row))), ...next };
}

function presentNode(row: NodeRow, leases: string[]): ServerNode {
  const { id, host, version, gateway, cores, busyCores, memoryBytes } = row;
  return {
    id,
    host,
    role: row.role as ServerNode['role'],
    version,
    state: row.state as ServerNode['state'],
    gateway,
    leases,
    ...(cores !== null &&
      busyCores !== null &&
      memoryBytes !== null && { load: { cores, busyCores, memoryBytes: Number(memoryBytes) } }),
    startedAt: row.startedAt.toISOString(),
    lastContactAt: row.contactedAt.toISOString(),
  };
}
