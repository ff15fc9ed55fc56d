/** The queue of a project: its waiting steps and why they wait. */
import { readExecutionQueueOperation, type ExecutionQueue, type ExecutionWait } from '@dais/api/executions';
import type { Sql } from '#engines/database/contract.ts';
import { entry, type CallOf, type OperationEntry } from '#kernel/entry.ts';
import { cutPage, decodeNumberCursor } from '#kernel/page-cursor.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';
import { admitSteps, type ProjectQueue, type QueuedStep, type Shortage } from '../admission/admission.ts';
import { MOST_CONSIDERED } from '../admission/claims.ts';
import { presentLimits, presentUse, readComputeLoad, type ComputeLoad } from '../admission/compute-use.ts';
import { readLimits } from '../admission/quota-rows.ts';
import { countedRequests, type Amounts, type ProjectLimits } from '../admission/requests.ts';
import type { ExecutionDependencies } from '../execution-dependencies.ts';

type QueueDependencies = Pick<ExecutionDependencies, 'database' | 'limits' | 'stepDefaults'>;

export function executionQueue(dependencies: QueueDependencies): readonly OperationEntry[] {
  return [entry(readExecutionQueueOperation, { perform: async (call) => await readQueue(dependencies, call) })];
}

interface WaitRow {
  readonly id: string;
  readonly run: string;
  readonly name: string;
  readonly path: string;
  readonly requests: Amounts;
  readonly priority: number;
  readonly state: 'running' | 'ready' | 'delayed';
  readonly since: Date;
  readonly until: Date | null;
  readonly n: number | null;
  readonly target: string;
  readonly note: string | null;
  /** Position in the queue, from 0. */
  readonly turn: bigint;
}

async function readQueue(
  { database, limits: defaults, stepDefaults }: QueueDependencies,
  call: CallOf<typeof readExecutionQueueOperation>,
) {
  const { input, tenant } = call;
  const filter = [tenant.id, 'execution queue'];
  const from = decodeNumberCursor(filter, input.cursor) ?? 0n;
  // The response includes the total usage of other projects, but never their steps.
  const { load, elsewhere } = await transact(database, { mode: 'read', projectId: 'all' }, async ({ sql }) => ({
    load: await readComputeLoad(sql),
    elsewhere: await countQueued(sql, { except: tenant.id }),
  }));
  return await transact(database, { mode: 'read', projectId: tenant.id }, async (tx): Promise<ExecutionQueue> => {
    const limits = await readLimits(tx.sql, tenant.id, defaults);
    const counted = (own: Amounts) => countedRequests(own, limits.resources, stepDefaults);
    const queue = await firstQueued(tx, counted);
    const shortages = explainWaits({ id: tenant.id, limits, queue }, load);
    const rows = await listWaits(tx, from, input.limit);
    const { page, next } = cutPage(rows, input.limit, filter, ({ turn }) => String(turn + 1n));
    const starting = await countStarting(tx);
    return {
      items: page.map((row) => presentWait(row, { starting, counted, shortage: shortages.get(row.id) })),
      ...next,
      use: presentUse(load.ofProject(tenant.id), await countQueued(tx.sql, { of: tenant.id })),
      limits: presentLimits(limits),
      others: presentUse(load.ofOthers(tenant.id), elsewhere),
      nodes: load.presentNodes(),
    };
  });
}

/** Returns the resource that each of the first steps lacks, assuming that the steps before it start now. */
function explainWaits(
  { id, limits, queue }: { readonly id: string; readonly limits: ProjectLimits; readonly queue: readonly PlacedStep[] },
  load: ComputeLoad,
): ReadonlyMap<string, Shortage> {
  const targets = [...new Set(queue.map(({ target }) => target))];
  const of = (target: string) => ({ id, limits, queue: queue.filter((step) => step.target === target), target });
  return new Map(targets.flatMap((target) => [...explainTarget(of(target), load)]));
}

function explainTarget(
  {
    id,
    limits,
    queue,
    target,
  }: {
    readonly id: string;
    readonly limits: ProjectLimits;
    readonly queue: readonly QueuedStep[];
    readonly target: string;
  },
  load: ComputeLoad,
): ReadonlyMap<string, Shortage> {
  const { running, used } = load.ofProject(id);
  const project: ProjectQueue = { id, limits, running, used: Object.fromEntries(used), recent: 0, queue, isCut: false };
  const unknown = { capacity: {}, used: {}, others: [], total: {}, concurrency: 0 };
  const machines =
    target === ''
      ? load.nodes.map((node) => load.machines(node))
      : load.targets.flatMap((place) => (place.name === target ? [load.target(place)] : []));
  const found = (machines.length === 0 ? [unknown] : machines).map(
    (machine) => admitSteps([project], machine, queue.length).shortages,
  );
  const [first = new Map<string, Shortage>(), ...others] = found;
  // A step lacks capacity if it lacks it on every machine. Quotas are the same on all machines.
  return new Map([...first].filter(([step]) => others.every((shortages) => shortages.has(step))));
}

interface PlacedStep extends QueuedStep {
  readonly target: string;
}

async function firstQueued({ sql, projectId }: Transaction, counted: (own: Amounts) => Amounts): Promise<PlacedStep[]> {
  const rows = await sql.query<{ id: string; priority: number; ready_at: Date; requests: Amounts; target: string }>(
    `select id, priority, ready_at, requests, target from executions.node where project_id = $1 and state = 'ready' and ready_at is not null
     order by priority desc, ready_at, id limit ${MOST_CONSIDERED}`,
    [projectId],
    'execution_first_queued',
  );
  return rows.map(({ id, priority, ready_at: readyAt, requests, target }) => ({
    id,
    target,
    priority,
    readyAt: readyAt.getTime(),
    requests: counted(requests),
  }));
}

/** Counts steps that are ready or wait for a retry. */
async function countQueued(sql: Sql, project: { readonly of: string } | { readonly except: string }): Promise<number> {
  const compare = 'of' in project ? '=' : '<>';
  const [row] = await sql.query<{ n: number }>(
    `select (select count(*)::int from executions.node where state = 'ready' and project_id ${compare} $1)
       + (select count(*)::int from executions.node where state = 'delayed' and project_id ${compare} $1) as n`,
    ['of' in project ? project.of : project.except],
    'of' in project ? 'execution_queued_own' : 'execution_queued_elsewhere',
  );
  return row?.n ?? 0;
}

async function countStarting({ sql, projectId }: Transaction): Promise<number> {
  const [row] = await sql.query<{ n: number }>(
    `select count(*)::int as n from executions.attempt where project_id = $1 and state = 'claimed'`,
    [projectId],
    'execution_starting',
  );
  return row?.n ?? 0;
}

/** Returns steps that are starting, then ready steps in start order, then steps that wait for a retry. */
async function listWaits({ sql, projectId }: Transaction, from: bigint, limit: number): Promise<readonly WaitRow[]> {
  return await sql.query<WaitRow>(
    `with waiting as (
       select n.id, n.run, n.path, a.requests, n.priority, n.state, 0 as rank, a.claimed_at as since,
         null::timestamptz as until, a.n, n.target, a.note
       from executions.attempt a join executions.node n on n.id = a.node
       where a.project_id = $1 and a.state = 'claimed'
       union all
       select id, run, path, requests, priority, state, 1, ready_at, null, null, target, null
       from executions.node where project_id = $1 and state = 'ready'
       union all
       select n.id, n.run, n.path, n.requests, n.priority, n.state, 2, coalesce(n.ready_at, n.started_at), t.due_at, null, n.target, null
       from executions.timer t join executions.node n on n.id = t.node
       where t.project_id = $1 and t.kind = 'retry' and n.state = 'delayed'
     ), placed as (
       select *, row_number() over (order by rank, case rank when 1 then -priority else 0 end, coalesce(until, since), id)
         - 1 as turn from waiting
     )
     select p.id, p.run, r.name, p.path, p.requests, p.priority, p.state, coalesce(p.since, r.created_at) as since, p.until, p.n, p.turn, p.target, p.note
     from placed p join executions.run r on r.id = p.run where p.turn >= $2 order by p.turn limit $3`,
    [projectId, from, limit + 1],
    'execution_queue',
  );
}

interface WaitContext {
  readonly starting: number;
  readonly counted: (own: Amounts) => Amounts;
  readonly shortage: Shortage | undefined;
}

function presentWait(row: WaitRow, { starting, counted, shortage }: WaitContext): ExecutionWait {
  return {
    run: row.run,
    name: row.name,
    node: row.path,
    priority: row.priority,
    since: row.since.getTime(),
    ...reasonOf(row.state, shortage),
    before: row.state === 'ready' ? Number(row.turn) - starting : 0,
    ...(row.until !== null && { until: row.until.getTime() }),
    resources: { ...counted(row.requests) },
    ...(row.target !== '' && { target: row.target }),
    ...(row.note !== null && { note: row.note }),
    ...(row.n !== null && { attempt: row.n }),
  };
}

function reasonOf(state: WaitRow['state'], shortage: Shortage | undefined): Pick<ExecutionWait, 'why' | 'resource'> {
  if (state === 'running') return { why: 'starting' };
  if (state === 'delayed') return { why: 'retry' };
  return shortage ?? { why: 'concurrency' };
}
