/** The drain of a node: requests in the database, and its control process that carries them out. */
import { DaisError, eventTypes } from '@dais/api';
import { rolesWith, type NodeWork, type ServerNode } from '@dais/api/access';
import type { Database, Sql } from '#engines/database/contract.ts';
import { ORGANIZATION } from '#kernel/tenants.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';
import type { WorkGate } from '#lib/concurrency/work-gate.ts';
import { readNode, REACHABLE_SECONDS, type DrainState, type OwnNode, type RunningWork } from './node-rows.ts';

/** PostgreSQL channel for changes of drains. Only a hint. */
export const NODES_CHANNEL = 'dais_nodes';

export interface DrainRequest {
  readonly id: string;
  readonly timeLimitSeconds: number;
  readonly force: boolean;
}

/**
 * A repeated request changes the time limit. @throws DaisError `not_found`; `invalid_state` if no other ready node does the work
 * of the node, unless forced.
 */
export async function drainNode(tx: Transaction, { id, timeLimitSeconds, force }: DrainRequest): Promise<ServerNode> {
  const { sql } = tx;
  // Two drains at the same time must not count on each other.
  await sql.query(`select pg_advisory_xact_lock(hashtext('dais.nodes')) is null as locked`, [], 'lock_nodes');
  const node = await readNode(tx, id);
  if (!force && node.state === 'ready') {
    const missing = await missingRoles(sql, node);
    if (missing.length > 0) {
      throw new DaisError(
        'invalid_state',
        `The node on ${node.host} cannot be drained: no other ready node ${ANY_OF.format(missing)}. Start another node first, ` +
          'or force the drain: then nothing does this work until a node is ready.',
      );
    }
  }
  const [row] = await sql.query<{ until: Date | null }>(
    `update nodes.node set drain_requested_at = coalesce(drain_requested_at, clock_timestamp()),
       drain_until = clock_timestamp() + make_interval(secs => $2)
     where id = $1 returning drain_until as until`,
    [id, timeLimitSeconds],
    'drain_node',
  );
  notify(sql);
  const until = row?.until ?? null;
  if (node.drain === undefined && until !== null) {
    const data = { node: id, host: node.host, deadline: until.toISOString() };
    tx.emit({ type: eventTypes.nodeDraining, projectId: ORGANIZATION, data });
  }
  return await readNode(tx, id);
}

const ANY_OF = new Intl.ListFormat('en', { type: 'disjunction' });

const WORK_TEXTS: readonly (readonly [keyof NodeWork, string])[] = [
  ['controller', 'runs background work'],
  ['steps', 'runs steps'],
  ['api', 'serves the API'],
  ['gateway', 'serves predictions'],
];

/** Returns which parts of the work of a node no other ready node does. */
async function missingRoles(sql: Sql, { id, role }: ServerNode): Promise<string[]> {
  const others = await sql.query<{ role: string }>(
    `select distinct role from nodes.node
     where id <> $1 and not stopped and drain_requested_at is null
       and contacted_at >= clock_timestamp() - make_interval(secs => $2)`,
    [id, REACHABLE_SECONDS],
    'other_nodes',
  );
  return WORK_TEXTS.flatMap(([work, text]) => {
    // A newer version can have other roles.
    const roles = new Set<string>(rolesWith(work));
    return roles.has(role) && !others.some((other) => roles.has(other.role)) ? [text] : [];
  });
}

/** Has no effect on a node that does not drain. @throws DaisError `not_found`. */
export async function resumeNode(tx: Transaction, id: string): Promise<ServerNode> {
  const node = await readNode(tx, id);
  if (node.drain === undefined) return node;
  await tx.sql.query(
    `update nodes.node set drain_requested_at = null, drain_until = null, drained_at = null where id = $1`,
    [id],
    'end_drain',
  );
  notify(tx.sql);
  tx.emit({ type: eventTypes.nodeResumed, projectId: ORGANIZATION, data: { node: id, host: node.host } });
  return await readNode(tx, id);
}

function notify(sql: Sql): void {
  sql.defer(`select pg_notify('${NODES_CHANNEL}', '')`, [], 'notify_nodes');
}

/** Carries out the drain in the control process of the node. */
export class Drain {
  readonly #database: Database;
  readonly #gate: WorkGate;
  #isInterrupted = false;

  constructor(database: Database, gate: WorkGate) {
    this.#database = database;
    this.#gate = gate;
  }

  running(): RunningWork {
    return { jobs: this.#gate.running('jobs'), steps: this.#gate.running('steps') };
  }

  /** Follows what the database contains. `settled`: the steps of an earlier process are counted. Returns whether to look again soon. */
  async follow(node: OwnNode, { drains, isDrained, isLate, isOver }: DrainState, settled: boolean): Promise<boolean> {
    this.#gate.isOpen = !drains;
    if (!drains || isDrained) {
      this.#isInterrupted = false;
      return false;
    }
    if (isLate && !this.#isInterrupted) {
      this.#isInterrupted = true;
      this.#gate.interrupt();
    }
    const { jobs, steps } = this.running();
    if (!isOver && (!settled || jobs > 0 || (steps > 0 && !isLate))) return true;
    await transact(this.#database, { mode: 'write', projectId: ORGANIZATION }, async (tx) => {
      const [row] = await tx.sql.query<{ host: string }>(
        `update nodes.node set drained_at = clock_timestamp(), running_jobs = $3, running_steps = $4
         where id = $1 and holder = $2 and drain_requested_at is not null and drained_at is null returning host`,
        [node.id, node.holder, jobs, steps],
        'node_drained',
      );
      if (row === undefined) return;
      const data = { node: node.id, host: row.host, steps };
      tx.emit({ type: eventTypes.nodeDrained, projectId: ORGANIZATION, data });
    });
    return false;
  }
}
