/** Starts attempts at queued steps: reads queues and running steps, decides, and writes, under an advisory lock. */
import type { Sql } from '#engines/database/contract.ts';
import type { ReadRecentSteps } from '#ledgers/usage/index.ts';
import { claimOf, COLUMNS, type AttemptClaim, type ClaimRow, type Holder } from '../worker/attempts.ts';
import { admitSteps, dominantShare, type ProjectQueue, type QueuedStep } from './admission.ts';
import { TARGETS, type TargetRow } from '../targets/target-rows.ts';
import { placeOfTarget } from '../targets/compute-targets.ts';
import { NODES, type ComputeNodeRow } from './compute-nodes.ts';
import { ComputeLoad, targetPlace, type RunningRow } from './compute-use.ts';
import { limitsOf, type DefaultLimits, type QuotaRow } from './quota-rows.ts';
import { HALF_LIFE_MS, type RecentShares } from './recent-shares.ts';
import { countedRequests, type Amounts, type StepDefaults } from './requests.ts';

/** Rules of admission. */
export interface AdmissionRules {
  /** Limits of projects without a quota. */
  readonly limits: DefaultLimits;
  /** Counted resources of a step that requests none. */
  readonly step: StepDefaults;
  /** Resources of the machine of this process. */
  readonly capacity: Amounts;
  /** Concurrency of steps in this process. */
  readonly concurrency: number;
  readonly recent: RecentShares;
  /** Reads what attempts held before this process started. Absent: it is unknown. */
  readonly recentSteps?: ReadRecentSteps;
}

/** Queued steps of one project that are considered when earlier steps lack a resource. */
export const MOST_CONSIDERED = 1000;

interface QueuedRow {
  readonly id: string;
  readonly project_id: string;
  readonly priority: number;
  readonly at: number;
  readonly requests: Amounts;
  /** Name of its target; '' is the machines of the server. */
  readonly target: string;
}

interface StateRow {
  readonly queued: readonly QueuedRow[];
  readonly running: readonly RunningRow[];
  readonly quotas: readonly QuotaRow[];
  readonly nodes: readonly ComputeNodeRow[];
  readonly targets: readonly TargetRow[];
}

/** Returns whether any step is queued or has an attempt, on any node. Writes nothing: on an idle server each turn ends here. */
export async function hasOpenSteps(sql: Sql): Promise<boolean> {
  const [row] = await sql.query<{ open: boolean }>(
    `select exists (select from executions.node where state = 'ready')
       or exists (select from executions.attempt where state <> 'ended') as open`,
    [],
    'execution_open_steps',
  );
  return row?.open === true;
}

/** How many attempts a claim may start. */
export interface ClaimLimits {
  /** On this machine. */
  readonly limit: number;
  /** On targets. */
  readonly remote: number;
  /** Milliseconds of any monotonic clock. */
  readonly now: number;
}

/** Place of attempts at steps whose target was deleted: they end at once, with the reason. */
const NO_TARGET = placeOfTarget('none');

/** Starts attempts by the rules of `admission.ts`, first on this machine, then on each target. */
export async function claimSteps(
  sql: Sql,
  holder: Holder,
  rules: AdmissionRules,
  { limit, remote, now }: ClaimLimits,
): Promise<AttemptClaim[]> {
  // Without the lock, two processes could both use the last part of a quota.
  sql.defer(`select pg_advisory_xact_lock(hashtextextended('execution claims', 0))`, [], 'execution_claim_lock');
  const most = Math.max(limit, remote);
  let state = await readState(sql, most);
  rules.recent.settle(now);
  const { load, own } = loadOf(state, holder, rules);
  if (!rules.recent.isSeeded) await seedShares(sql, load, rules);
  const machines = load.machines(own);
  let admitted = admitSteps(queuesOf(state, '', most, load, rules), machines, limit);
  if (admitted.needsMore && most < MOST_CONSIDERED) {
    state = await readState(sql, MOST_CONSIDERED);
    admitted = admitSteps(queuesOf(state, '', MOST_CONSIDERED, load, rules), machines, limit);
  }
  const started = [
    { place: holder.place, steps: admitted.steps },
    ...admitRemote(state, admitted.steps, holder, rules, remote),
  ];
  rules.recent.set(
    sharesOf(
      state,
      started.flatMap(({ steps }) => steps),
      load,
    ),
  );
  const claims: AttemptClaim[] = [];
  for (const { place, steps } of started) claims.push(...(await startAttempts(sql, { ...holder, place }, steps)));
  return claims;
}

interface Started {
  readonly place: string;
  readonly steps: readonly QueuedStep[];
}

/** Chooses the steps that start on targets, of which those on this machine use up the quotas first. */
function admitRemote(
  state: StateRow,
  local: readonly QueuedStep[],
  holder: Holder,
  rules: AdmissionRules,
  remote: number,
): Started[] {
  const names = new Set(state.queued.flatMap(({ target }) => (target === '' ? [] : [target])));
  const all: Started[] = [];
  let [running, left] = [addStarted(state, { place: holder.place, steps: local }), remote];
  for (const name of [...names].toSorted()) {
    if (left <= 0) break;
    const row = state.targets.find((target) => target.name === name);
    const { load } = loadOf({ ...state, running }, holder, rules);
    const place = row === undefined ? { id: NO_TARGET, concurrency: Infinity } : targetPlace(row);
    const target = load.target(place);
    const queues = queuesOf(state, name, MOST_CONSIDERED, load, rules);
    const { steps } = admitSteps(queues, target, Math.min(left, target.free));
    if (steps.length === 0) continue;
    const started = { place: place.id, steps };
    all.push(started);
    running = addStarted({ ...state, running }, started);
    left -= steps.length;
  }
  return all;
}

/** Adds the shares of the attempts that ended before this process started. */
async function seedShares(sql: Sql, { total }: ComputeLoad, { recent, recentSteps }: AdmissionRules): Promise<void> {
  for (const { projectId, requests, decayedMs } of (await recentSteps?.(sql, HALF_LIFE_MS)) ?? []) {
    recent.add(projectId, dominantShare(1, new Map(Object.entries(requests)), total) * decayedMs);
  }
  recent.isSeeded = true;
}

/** Reads everything in one row, because this runs at each end of a step. */
async function readState(sql: Sql, window: number): Promise<StateRow> {
  const [row] = await sql.query<StateRow>(
    `with recursive queue as (
       (select target, project_id from executions.node where state = 'ready' order by target, project_id limit 1)
       union all
       select n.target, n.project_id from queue q cross join lateral (
         select target, project_id from executions.node
         where state = 'ready' and (target, project_id) > (q.target, q.project_id) order by target, project_id limit 1) n
     ), queued as (
       select j.*, q.target from queue q cross join lateral (
         select id, project_id, priority, extract(epoch from ready_at)::float8 * 1000 as at, requests
         from executions.node where state = 'ready' and target = q.target and project_id = q.project_id
         order by priority desc, ready_at, id limit $1) j
     ), running as (
       select project_id, compute_node, requests, count(*)::int as n from executions.attempt where state <> 'ended'
       group by project_id, compute_node, requests
     ), quotas as (
       select q.project_id, q.resources, q.running_steps, q.queued_steps, q.weight
       from executions.quota q where q.project_id in (select project_id from queue)
     )
     select coalesce((select json_agg(q order by priority desc, at, id) from queued q), '[]') as queued,
       coalesce((select json_agg(r) from running r), '[]') as running,
       coalesce((select json_agg(q) from quotas q), '[]') as quotas,
       coalesce((select json_agg(c) from (${NODES}) c), '[]') as nodes,
       coalesce((select json_agg(t) from (${TARGETS}) t), '[]') as targets`,
    [window],
    'execution_claim_state',
  );
  return row ?? { queued: [], running: [], quotas: [], nodes: [], targets: [] };
}

/** Uses the current resources of this machine instead of those in its row. */
function loadOf({ running, nodes, targets }: StateRow, { place }: Holder, { capacity, concurrency }: AdmissionRules) {
  const own: ComputeNodeRow = { id: place, name: '', resources: capacity, concurrency };
  return { load: new ComputeLoad(running, [own, ...nodes.filter((node) => node.id !== place)], targets), own };
}

function queuesOf(
  { queued, quotas }: StateRow,
  target: string,
  window: number,
  load: ComputeLoad,
  { limits, step, recent }: AdmissionRules,
): ProjectQueue[] {
  const quotaOf = new Map(quotas.map((row) => [row.project_id, row]));
  const queues = new Map<string, QueuedStep[]>();
  const projects = new Map<string, ProjectQueue>();
  for (const row of queued) {
    if (row.target !== target) continue;
    const id = row.project_id;
    const queue = queues.get(id) ?? [];
    queues.set(id, queue);
    let project = projects.get(id);
    if (project === undefined) {
      const { running, used } = load.ofProject(id);
      const own = limitsOf(quotaOf.get(id), limits);
      project = {
        id,
        limits: own,
        running,
        used: Object.fromEntries(used),
        recent: recent.of(id),
        queue,
        isCut: false,
      };
      projects.set(id, project);
    }
    const requests = countedRequests(row.requests, project.limits.resources, step);
    queue.push({ id: row.id, priority: row.priority, readyAt: row.at, requests });
  }
  return [...projects.values()].map((project) => ({ ...project, isCut: project.queue.length >= window }));
}

/** Returns the shares of the projects after the steps have started. */
function sharesOf(state: StateRow, steps: readonly QueuedStep[], { nodes }: ComputeLoad) {
  const rows = addStarted(state, { place: '', steps });
  const load = new ComputeLoad(rows, nodes, state.targets);
  return new Map(rows.map(({ project_id: id }) => [id, load.shareOf(id)]));
}

/** Returns the running steps with the started ones. */
function addStarted({ queued, running }: StateRow, { place, steps }: Started): readonly RunningRow[] {
  if (steps.length === 0) return running;
  const projectOf = new Map(queued.map(({ id, project_id: project }) => [id, project]));
  const started = steps.map(({ id, requests }) => ({
    project_id: projectOf.get(id) ?? '',
    compute_node: place,
    requests,
    n: 1,
  }));
  return [...running, ...started];
}

/** Inserts attempts. A step that a concurrent cancellation has locked is skipped. */
async function startAttempts(
  sql: Sql,
  { place, holder, leaseMs }: Holder,
  steps: readonly QueuedStep[],
): Promise<AttemptClaim[]> {
  if (steps.length === 0) return [];
  const rows = await sql.query<ClaimRow>(
    `with chosen as (
       select n.id, c.requests from json_to_recordset($1::json) as c (id uuid, requests jsonb)
       join executions.node n using (id) where n.state = 'ready' for no key update of n skip locked
     ), claimed as (
       update executions.node n set state = 'running', started_at = coalesce(n.started_at, clock_timestamp())
       from chosen c where n.id = c.id returning n.id, n.run, n.project_id, c.requests
     ), recorded as (
       insert into executions.transition (run, project_id, node, state)
       select run, project_id, id, 'running' from claimed
     )
     insert into executions.attempt (id, node, run, project_id, n, compute_node, lease_owner, lease_until, requests)
     select gen_random_uuid(), c.id, c.run, c.project_id,
       1 + (select count(*)::int from executions.attempt a where a.node = c.id), $2, $3,
       clock_timestamp() + $4 * interval '1 millisecond', c.requests
     from claimed c returning ${COLUMNS}`,
    [JSON.stringify(steps.map(({ id, requests }) => ({ id, requests }))), place, holder, leaseMs],
    'execution_claim',
  );
  return rows.map((row) => claimOf(row, false));
}
