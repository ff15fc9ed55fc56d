/** What could run and does not, and why. */
import { readExecutionQueueOperation, type ExecutionQueue, type ExecutionWait } from '@dais/api';
import type { Call, OperationEntry } from '#kernel/dispatch.ts';
import { cutPage, decodeNumberCursor } from '#kernel/page-cursor.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';
import type { ExecutionParts } from './execution-parts.ts';
import { taskAt, type Graph } from './machine/plan.ts';
import type { RunMachines } from './run-machine.ts';

type QueueParts = Pick<ExecutionParts, 'database' | 'slots' | 'perProject'>;

export function executionQueue(parts: QueueParts, machines: RunMachines): readonly OperationEntry[] {
  return [
    {
      operation: readExecutionQueueOperation,
      perform: async (call: Call<QueueInput>) => await readQueue(parts, call, machines),
    },
  ];
}

interface QueueInput {
  readonly limit: number;
  readonly cursor?: string;
}

interface WaitRow {
  readonly run: string;
  readonly name: string;
  readonly plan_digest: string;
  readonly path: string;
  readonly place: string;
  readonly priority: number;
  readonly state: 'running' | 'ready' | 'delayed';
  readonly since: Date;
  readonly until: Date | null;
  readonly n: number | null;
  /** From 0. */
  readonly turn: bigint;
}

async function readQueue({ database, slots, perProject }: QueueParts, call: Call<QueueInput>, machines: RunMachines) {
  const { input, tenant } = call;
  const filter = [tenant.id, 'execution queue'];
  const from = decodeNumberCursor(filter, input.cursor) ?? 0n;
  // Of other projects it is told how much they have, never what.
  const all = await transact(database, { mode: 'read', projectId: 'all' }, async ({ sql }) => {
    const [counted] = await sql.query<{ running: number; ready: number }>(
      `select (select count(*)::int from executions.attempt where state <> 'ended') as running,
         (select count(*)::int from executions.node where state = 'ready' and project_id <> $1) as ready`,
      [tenant.id],
      'execution_load',
    );
    return counted ?? { running: 0, ready: 0 };
  });
  return await transact(database, { mode: 'read', projectId: tenant.id }, async (tx): Promise<ExecutionQueue> => {
    const [own] = await tx.sql.query<{ running: number; starting: number }>(
      `select count(*)::int as running, count(*) filter (where state = 'claimed')::int as starting
       from executions.attempt where project_id = $1 and state <> 'ended'`,
      [tenant.id],
      'execution_own_load',
    );
    const { running, starting } = own ?? { running: 0, starting: 0 };
    const rows = await listWaits(tx, from, input.limit);
    const { page, next } = cutPage(rows, input.limit, filter, ({ turn }) => String(turn + 1n));
    const items: ExecutionWait[] = [];
    for (const row of page) {
      const plan = await machines.plan(tx, { id: row.run, planDigest: row.plan_digest });
      items.push(presentWait(row, plan, { running, starting, perProject }));
    }
    const load = { running, perProject, runningAll: all.running, slots, waitingElsewhere: all.ready };
    return { items, ...next, ...load };
  });
}

/** Those that start, then those that are ready in the order in which they are claimed, then those that are tried again later. */
async function listWaits({ sql, projectId }: Transaction, from: bigint, limit: number): Promise<readonly WaitRow[]> {
  return await sql.query<WaitRow>(
    `with waiting as (
       select n.id, n.run, n.path, n.place, n.priority, n.state, 0 as rank, a.claimed_at as since,
         null::timestamptz as until, a.n
       from executions.attempt a join executions.node n on n.id = a.node
       where a.project_id = $1 and a.state = 'claimed'
       union all
       select id, run, path, place, priority, state, 1, ready_at, null, null
       from executions.node where project_id = $1 and state = 'ready'
       union all
       select n.id, n.run, n.path, n.place, n.priority, n.state, 2, coalesce(n.ready_at, n.started_at), t.due_at, null
       from executions.timer t join executions.node n on n.id = t.node
       where t.project_id = $1 and t.kind = 'retry' and n.state = 'delayed'
     ), placed as (
       select *, row_number() over (order by rank, case rank when 1 then -priority else 0 end, coalesce(until, since), id)
         - 1 as turn from waiting
     )
     select p.run, r.name, r.plan_digest, p.path, p.place, p.priority, p.state, p.since, p.until, p.n, p.turn
     from placed p join executions.run r on r.id = p.run where p.turn >= $2 order by p.turn limit $3`,
    [projectId, from, limit + 1],
    'execution_queue',
  );
}

interface Load {
  readonly running: number;
  readonly starting: number;
  readonly perProject: number;
}

function presentWait(row: WaitRow, plan: Graph, { running, starting, perProject }: Load): ExecutionWait {
  const { body } = taskAt(plan, row.place);
  const before = row.state === 'ready' ? Number(row.turn) - starting : 0;
  return {
    run: row.run,
    name: row.name,
    node: row.path,
    priority: row.priority,
    since: row.since.getTime(),
    why: whyOf(row.state, running + before >= perProject),
    before,
    ...(row.until !== null && { until: row.until.getTime() }),
    resources: 'step' in body ? { ...body.step.resources } : {},
    ...(row.n !== null && { attempt: row.n }),
  };
}

function whyOf(state: WaitRow['state'], full: boolean): ExecutionWait['why'] {
  if (state === 'running') return 'starting';
  if (state === 'delayed') return 'retry';
  return full ? 'project' : 'slots';
}
