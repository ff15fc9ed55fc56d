/** Nodes in the database. */
import { DaisError, eventTypes } from '@dais/api';
import { rolesWith, type ServerNode } from '@dais/api/access';
import type { Sql } from '#engines/database/contract.ts';
import { leasesOf } from '#kernel/leases.ts';
import { cutPage, decodePageCursor } from '#kernel/page-cursor.ts';
import { ORGANIZATION } from '#kernel/tenants.ts';
import type { Transaction } from '#kernel/transaction.ts';

/** A node without contact for this long is unreachable: six contacts. */
export const REACHABLE_SECONDS = 30;
/** A job that has not ended this long after its interruption is not waited for. Its lease keeps it from others until it ends. */
const INTERRUPT_SECONDS = 30;

const GATEWAY_ROLES = rolesWith('gateway');
const WORKER_ROLES = rolesWith('steps');

/** The node of a control process that runs. */
export interface OwnNode {
  readonly id: string;
  readonly holder: string;
  readonly gateway: number;
}

export interface NodeLoad {
  readonly cores: number;
  readonly busyCores: number | undefined;
  readonly memoryBytes: number;
}

/** What runs in a control process. */
export interface RunningWork {
  readonly jobs: number;
  readonly steps: number;
}

/** Numbers of live nodes; `gateways` and `workers`: those with a gateway, and those that run steps, without draining ones. */
export interface LiveCounts {
  readonly nodes: number;
  readonly gateways: number;
  readonly workers: number;
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
     from nodes.node where role = any($2::text[]) order by host, id`,
    [REACHABLE_SECONDS, GATEWAY_ROLES],
    'registered_gateways',
  );
}

/** A node with a gateway that has reported within the last 30 seconds and takes part in the work. */
export interface LiveGateway {
  readonly id: string;
  readonly host: string;
}

/** Returns the live nodes with a gateway, by host and id. A drained one gets no traffic. */
export async function liveGateways(sql: Sql): Promise<readonly LiveGateway[]> {
  return await sql.query<LiveGateway>(
    `select id, host from nodes.node
     where role = any($2::text[]) and not stopped and drain_requested_at is null
       and contacted_at >= clock_timestamp() - make_interval(secs => $1)
     order by host, id`,
    [REACHABLE_SECONDS, GATEWAY_ROLES],
    'live_gateways',
  );
}

export interface NodeContact extends RunningWork {
  readonly load: NodeLoad | undefined;
}

/** What the database knows about the drain of a node. */
export interface DrainState {
  readonly drains: boolean;
  readonly isDrained: boolean;
  /** The time limit is over. */
  readonly isLate: boolean;
  /** So is the time for interrupted jobs to end. */
  readonly isOver: boolean;
}

/** What a contact returns. */
export interface ContactState extends DrainState {
  readonly live: LiveCounts;
}

/** Undefined when the node was removed, or another process runs on it. */
export async function recordContact(
  sql: Sql,
  { id, holder }: OwnNode,
  { load, jobs, steps }: NodeContact,
): Promise<ContactState | undefined> {
  const [row] = await sql.query<ContactState>(
    `update nodes.node set contacted_at = clock_timestamp(), cores = coalesce($3::int, cores),
       busy_cores = coalesce($4::float8, busy_cores), memory_bytes = coalesce($5::int8, memory_bytes), running_jobs = $6,
       running_steps = $7
     where id = $1 and holder = $2
     returning drain_requested_at is not null as drains, drained_at is not null as "isDrained",
       coalesce(drain_until <= clock_timestamp(), false) as "isLate",
       coalesce(drain_until <= clock_timestamp() - make_interval(secs => $8), false) as "isOver",
       (select json_build_object('nodes', count(*),
          'gateways', count(*) filter (where n.role = any($10::text[]) and n.drain_requested_at is null),
          'workers', count(*) filter (where n.role = any($11::text[]) and n.drain_requested_at is null))
        from nodes.node as n where n.id = $1
        or not n.stopped and n.contacted_at >= clock_timestamp() - make_interval(secs => $9)) as live`,
    [
      id,
      holder,
      load?.cores ?? null,
      load?.busyCores ?? null,
      load?.memoryBytes ?? null,
      jobs,
      steps,
      INTERRUPT_SECONDS,
      REACHABLE_SECONDS,
      GATEWAY_ROLES,
      WORKER_ROLES,
    ],
    'node_contact',
  );
  return row;
}

export async function recordStop(sql: Sql, { id, holder }: OwnNode): Promise<void> {
  await sql.query(
    `update nodes.node set stopped = true, contacted_at = clock_timestamp() where id = $1 and holder = $2`,
    [id, holder],
    'node_stop',
  );
}

/** @throws DaisError `not_found`; `invalid_state` while it takes work or drains. */
export async function removeNode(tx: Transaction, id: string): Promise<void> {
  const [node] = await tx.sql.query<{ host: string; isInUse: boolean }>(
    `select host, coalesce(not stopped and contacted_at >= clock_timestamp() - make_interval(secs => $2) and drained_at is null,
       false) as "isInUse"
     from nodes.node where id = $1 for update`,
    [id, REACHABLE_SECONDS],
    'lock_node',
  );
  if (node === undefined) throw new DaisError('not_found', `No node has the id ${id}.`);
  if (node.isInUse) {
    throw new DaisError(
      'invalid_state',
      `The node on ${node.host} takes part in the work. Drain it first (dais admin drain-node ${id}), or stop it.`,
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
  readonly drainRequestedAt: Date | null;
  readonly drainUntil: Date | null;
  readonly drainedAt: Date | null;
  readonly jobs: number | null;
  readonly steps: number | null;
  readonly state: string;
}

const COLUMNS = `id, holder::text as holder, host, role, version, gateway, cores, busy_cores as "busyCores",
       memory_bytes as "memoryBytes", started_at as "startedAt", contacted_at as "contactedAt",
       drain_requested_at as "drainRequestedAt", drain_until as "drainUntil", drained_at as "drainedAt",
       running_jobs as jobs, running_steps as steps,
       case when stopped then 'stopped'
         when contacted_at < clock_timestamp() - make_interval(secs => ${REACHABLE_SECONDS}) then 'unreachable'
         when drained_at is not null then 'drained'
         when drain_requested_at is not null then 'draining'
         else 'ready' end as state`;

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
    `select ${COLUMNS} from nodes.node where (host, id::text) > ($1, $2) order by host, id::text limit $3`,
    [host, id, limit + 1],
    'list_nodes',
  );
  const { page, next } = cutPage(rows, limit, LIST, (row) => `${row.host}${SEPARATOR}${row.id}`);
  return { items: await presentNodes(sql, page), ...next };
}

/** @throws DaisError `not_found`. */
export async function readNode({ sql }: Transaction, id: string): Promise<ServerNode> {
  const rows = await sql.query<NodeRow>(`select ${COLUMNS} from nodes.node where id = $1`, [id], 'read_node');
  const [node] = await presentNodes(sql, rows);
  if (node === undefined) throw new DaisError('not_found', `No node has the id ${id}.`);
  return node;
}

async function presentNodes(sql: Sql, rows: readonly NodeRow[]): Promise<ServerNode[]> {
  const leases = await leasesOf(
    sql,
    rows.map(({ holder }) => holder),
  );
  const namesOf = ({ holder }: NodeRow) => leases.filter(({ owner }) => owner === holder).map(({ name }) => name);
  return rows.map((row) => presentNode(row, namesOf(row)));
}

function presentNode(row: NodeRow, leases: string[]): ServerNode {
  const { id, host, version, gateway, cores, busyCores, memoryBytes, drainRequestedAt, drainUntil, drainedAt } = row;
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
    ...(drainRequestedAt !== null &&
      drainUntil !== null && {
        drain: {
          requestedAt: drainRequestedAt.toISOString(),
          deadline: drainUntil.toISOString(),
          ...(drainedAt !== null && { drainedAt: drainedAt.toISOString() }),
          jobs: row.jobs ?? 0,
          steps: row.steps ?? 0,
        },
      }),
    startedAt: row.startedAt.toISOString(),
    lastContactAt: row.contactedAt.toISOString(),
  };
}
