/** The rows of one run in PostgreSQL. The creator holds the lock on the row of the run until the transaction ends. */
import type { Transaction } from '#kernel/transaction.ts';
import { uuidv7 } from '#lib/ids.ts';
import { WriteRace } from '#lib/write-race.ts';
import { END_STATES } from '../machine/end-states.ts';
import type { Values } from '../machine/plan.ts';
import type {
  Change,
  NewNode,
  NodeEnd,
  NodeFacts,
  NodeKind,
  NodeState,
  RunStore,
  Settled,
  TimerKind,
} from '../machine/run-store.ts';
import type { Ended, EndState } from '../machine/values.ts';

export interface NodeRow {
  readonly id: string;
  readonly parent: string | null;
  readonly path: string;
  readonly task_path: string;
  readonly iteration: number | null;
  readonly kind: NodeKind;
  readonly state: NodeState;
  readonly unfinished_dependencies: number;
  readonly unsuccessful_dependencies: number;
  readonly skipped_dependencies: number;
  readonly unfinished_children: number;
  readonly failed_children: number;
  readonly canceled_children: number;
  readonly iterations: number;
  readonly created_iterations: number;
  readonly failed_attempts: number;
  readonly lost_attempts: number;
  readonly inputs: Values;
}

const NODE_COLUMNS = `n.id, n.parent, n.path, n.task_path, n.iteration, n.kind, n.state, n.unfinished_dependencies, n.unsuccessful_dependencies,
  n.skipped_dependencies, n.unfinished_children, n.failed_children, n.canceled_children, n.iterations, n.created_iterations,
  n.failed_attempts, n.lost_attempts, n.inputs`;

function factsOf(row: NodeRow): NodeFacts {
  const { id, path, kind, state, inputs } = row;
  return {
    id,
    path,
    kind,
    state,
    inputs,
    parent: row.parent ?? undefined,
    place: row.task_path,
    iteration: row.iteration ?? undefined,
    waits: row.unfinished_dependencies,
    bad: row.unsuccessful_dependencies,
    skipped: row.skipped_dependencies,
    open: row.unfinished_children,
    broken: row.failed_children,
    canceled: row.canceled_children,
    total: row.iterations,
    expanded: row.created_iterations,
    failures: row.failed_attempts,
    losses: row.lost_attempts,
  };
}

export interface LockedRun {
  readonly id: string;
  readonly projectId: string;
  readonly priority: number;
  readonly canceling: boolean;
}

/** Called once when the run has ended. */
export type OnFinish = (state: EndState, outputs: Values, error: string | undefined) => Promise<void>;

/** Returns the requests, by resource, and the target of the step at a path of the plan. '' is the machines of the server. */
export type PlacementOf = (place: string) => {
  readonly requests: Readonly<Record<string, number>>;
  readonly target: string;
};

const NO_PLACEMENT: ReturnType<PlacementOf> = { requests: {}, target: '' };

function lostRace(): WriteRace {
  return new WriteRace('a node changed its state concurrently');
}

const ENDED = END_STATES.map((state) => `'${state}'`).join(', ');

export class SqlRunStore implements RunStore {
  readonly #tx: Transaction;
  readonly #run: LockedRun;
  readonly #placementOf: PlacementOf;
  readonly #onFinish: OnFinish;
  #canceling: boolean;

  constructor(tx: Transaction, run: LockedRun, placementOf: PlacementOf, onFinish: OnFinish) {
    this.#placementOf = placementOf;
    this.#tx = tx;
    this.#run = run;
    this.#onFinish = onFinish;
    this.#canceling = run.canceling;
  }

  get canceling(): boolean {
    return this.#canceling;
  }

  startCanceling(): void {
    this.#canceling = true;
  }

  newId(): string {
    return uuidv7();
  }

  async node(id: string): Promise<NodeFacts> {
    const [row] = await this.#tx.sql.query<NodeRow>(
      `select ${NODE_COLUMNS} from executions.node n where n.run = $1 and n.id = $2`,
      [this.#run.id, id],
      'execution_node',
    );
    if (row === undefined) throw new Error(`node ${id} does not exist`);
    return factsOf(row);
  }

  async change(changes: readonly Change[]): Promise<void> {
    const rows = changes.map(({ id, from, to, inputs, outputs, error, source, total, count }) => ({
      id,
      was: from,
      now: to,
      inputs,
      outputs,
      error,
      source,
      iterations: total,
      failed_attempts: count === 'failures' ? 1 : 0,
      lost_attempts: count === 'losses' ? 1 : 0,
    }));
    const changed = await this.#tx.sql.query<{ id: string }>(
      `with change as (
         select * from json_to_recordset($2::json) as c (id uuid, was text, now text, inputs jsonb, outputs jsonb,
           error text, source text, iterations int, failed_attempts int, lost_attempts int)
       ), changed as (
         update executions.node n set state = c.now, inputs = coalesce(c.inputs, n.inputs),
           outputs = coalesce(c.outputs, n.outputs), error = coalesce(c.error, n.error),
           source = coalesce(c.source, n.source), iterations = coalesce(c.iterations, n.iterations),
           failed_attempts = n.failed_attempts + c.failed_attempts, lost_attempts = n.lost_attempts + c.lost_attempts,
           ready_at = case when c.now = 'ready' then clock_timestamp() else n.ready_at end,
           started_at = case when c.now = 'running' then coalesce(n.started_at, clock_timestamp()) else n.started_at end,
           ended_at = case when c.now in (${ENDED}) then clock_timestamp() end
         from change c where n.id = c.id and n.run = $1 and n.state = c.was returning n.id, n.state
       ), recorded as (
         insert into executions.transition (run, project_id, node, state) select $1, $3, id, state from changed
       ) select id from changed`,
      [this.#run.id, JSON.stringify(rows), this.#run.projectId],
      'execution_change',
    );
    if (changed.length < changes.length) throw lostRace();
  }

  async insert(nodes: readonly NewNode[], edges: readonly (readonly [from: string, to: string])[]): Promise<void> {
    const rows = nodes.map(({ inputs = {}, path, place, waits, ...node }) => ({
      ...node,
      path,
      task_path: place,
      unfinished_dependencies: waits,
      name: path.slice(path.lastIndexOf('/') + 1),
      inputs,
      ...(node.kind === 'step' ? this.#placementOf(place) : NO_PLACEMENT),
    }));
    this.#tx.sql.defer(
      `with made as (
         insert into executions.node (id, run, project_id, parent, path, task_path, name, iteration, kind, state,
           unfinished_dependencies, inputs,
           requests, target, priority, ready_at)
         select id, $1, $3, parent, path, task_path, name, iteration, kind, state, unfinished_dependencies, inputs, requests, target, $4,
           case when state = 'ready' then clock_timestamp() end
         from json_to_recordset($2::json) as n (id uuid, parent uuid, path text, task_path text, name text, iteration int,
           kind text, state text, unfinished_dependencies int, inputs jsonb, requests jsonb, target text)
         returning id, parent, iteration, state
       ), counted as (
         update executions.node p set unfinished_children = p.unfinished_children + m.n,
           created_iterations = p.created_iterations + m.iterations
         from (select parent, count(*)::int as n, count(iteration)::int as iterations from made group by parent) m
         where p.id = m.parent
       ) insert into executions.transition (run, project_id, node, state)
         select $1, $3, id, state from made where state = 'ready'`,
      [this.#run.id, JSON.stringify(rows), this.#run.projectId, this.#run.priority],
      'execution_insert',
    );
    if (edges.length === 0) return;
    this.#tx.sql.defer(
      `insert into executions.edge (source, target, project_id)
       select e.source, e.target, $3 from unnest($1::uuid[], $2::uuid[]) as e (source, target)`,
      [edges.map(([from]) => from), edges.map(([, to]) => to), this.#run.projectId],
      'execution_edges',
    );
  }

  async end(ends: readonly NodeEnd[]): Promise<Settled> {
    const [one] = ends;
    // The most frequent case: one step has ended. No row is changed twice, so one statement is enough.
    if (ends.length === 1 && one?.parent !== undefined) return await this.#endOne(one);
    await this.change(ends);
    const released = await this.#release(ends.map(({ id, to }) => ({ id, state: to })));
    const parents = await this.#count(
      ends.flatMap(({ parent, to }) => (parent === undefined ? [] : [{ parent, state: to }])),
    );
    return { released, parents };
  }

  async #endOne({ id, from, to, inputs, outputs, error, source }: NodeEnd): Promise<Settled> {
    const json = (values: Values | undefined) => (values === undefined ? null : JSON.stringify(values));
    const rows = await this.#tx.sql.query<NodeRow & { readonly is_parent: boolean }>(
      `with ended as (
         update executions.node n set state = $4, inputs = coalesce($5::jsonb, n.inputs),
           outputs = coalesce($6::jsonb, n.outputs), error = coalesce($7, n.error), source = coalesce($8, n.source),
           ended_at = clock_timestamp()
         where n.id = $2 and n.run = $1 and n.state = $3 returning n.id, n.parent, n.state
       ), recorded as (
         insert into executions.transition (run, project_id, node, state) select $1, $9, id, state from ended
       ), released as (
         update executions.node n set unfinished_dependencies = n.unfinished_dependencies - 1,
           unsuccessful_dependencies = n.unsuccessful_dependencies + (d.state not in ('succeeded', 'skipped'))::int,
           skipped_dependencies = n.skipped_dependencies + (d.state = 'skipped')::int
         from ended d join executions.edge e on e.source = d.id where n.id = e.target and n.run = $1
         returning ${NODE_COLUMNS}
       ), counted as (
         update executions.node n set unfinished_children = n.unfinished_children - 1,
           failed_children = n.failed_children + (d.state in ('failed', 'blocked'))::int,
           canceled_children = n.canceled_children + (d.state = 'canceled')::int
         from ended d where n.id = d.parent and n.run = $1 returning ${NODE_COLUMNS}
       )
       select n.*, true as is_parent from counted n
       union all select n.*, false from released n where n.state = 'pending' and n.unfinished_dependencies = 0`,
      [this.#run.id, id, from, to, json(inputs), json(outputs), error ?? null, source ?? null, this.#run.projectId],
      'execution_end_one',
    );
    const parents = rows.filter((row) => row.is_parent);
    if (parents.length === 0) throw lostRace();
    const released = rows.filter((row) => !row.is_parent);
    return { released: released.map(factsOf), parents: parents.map(factsOf) };
  }

  async #release(ended: readonly { readonly id: string; readonly state: EndState }[]): Promise<readonly NodeFacts[]> {
    const rows = await this.#tx.sql.query<NodeRow>(
      `update executions.node n set unfinished_dependencies = n.unfinished_dependencies - e.n,
         unsuccessful_dependencies = n.unsuccessful_dependencies + e.unsuccessful,
         skipped_dependencies = n.skipped_dependencies + e.skipped
       from (
         select target, count(*)::int as n, count(*) filter (where state not in ('succeeded', 'skipped'))::int as unsuccessful,
           count(*) filter (where state = 'skipped')::int as skipped
         from executions.edge join unnest($1::uuid[], $2::text[]) as t (source, state) using (source) group by target
       ) e where n.id = e.target and n.run = $3 returning ${NODE_COLUMNS}`,
      [ended.map(({ id }) => id), ended.map(({ state }) => state), this.#run.id],
      'execution_release',
    );
    return rows.map(factsOf).filter(({ state, waits }) => state === 'pending' && waits === 0);
  }

  async #count(ended: readonly { readonly parent: string; readonly state: EndState }[]): Promise<readonly NodeFacts[]> {
    if (ended.length === 0) return [];
    const rows = await this.#tx.sql.query<NodeRow>(
      `update executions.node n set unfinished_children = n.unfinished_children - e.n,
         failed_children = n.failed_children + e.failed, canceled_children = n.canceled_children + e.canceled
       from (
         select parent, count(*)::int as n, count(*) filter (where state in ('failed', 'blocked'))::int as failed,
           count(*) filter (where state = 'canceled')::int as canceled
         from unnest($1::uuid[], $2::text[]) as t (parent, state) group by parent
       ) e where n.id = e.parent and n.run = $3 returning ${NODE_COLUMNS}`,
      [ended.map(({ parent }) => parent), ended.map(({ state }) => state), this.#run.id],
      'execution_count',
    );
    return rows.map(factsOf);
  }

  async siblings(parent: string, tasks: readonly string[]): Promise<ReadonlyMap<string, Ended>> {
    const rows = await this.#tx.sql.query<{ name: string; state: EndState; outputs: Values; error: string | null }>(
      `select name, state, outputs, error from executions.node
       where parent = $1 and name = any($2) and iteration is null and state in (${ENDED})`,
      [parent, tasks],
      'execution_siblings',
    );
    return new Map(
      rows.map(({ name, state, outputs, error }) => [name, { state, outputs, error: error ?? undefined }]),
    );
  }

  async iterations(loop: string): Promise<readonly Values[]> {
    const rows = await this.#tx.sql.query<{ outputs: Values }>(
      'select outputs from executions.node where parent = $1 and iteration is not null order by iteration',
      [loop],
      'execution_iterations',
    );
    return rows.map(({ outputs }) => outputs);
  }

  async notStarted(): Promise<readonly NodeFacts[]> {
    const rows = await this.#tx.sql.query<NodeRow>(
      `select ${NODE_COLUMNS} from executions.node n where n.run = $1 and (n.state in ('pending', 'ready', 'delayed')
         or n.state = 'running' and n.kind = 'loop' and n.unfinished_children = 0)`,
      [this.#run.id],
      'execution_not_started',
    );
    return rows.map(factsOf);
  }

  async timer(node: string, kind: TimerKind, delayMs: number): Promise<void> {
    this.#tx.sql.defer(
      `insert into executions.timer (run, node, project_id, kind, due_at)
       values ($1, $2, $3, $4, clock_timestamp() + $5 * interval '1 millisecond')`,
      [this.#run.id, node, this.#run.projectId, kind, delayMs],
      'execution_timer',
    );
  }

  async finish(state: EndState, outputs: Values, error: string | undefined): Promise<void> {
    await this.#onFinish(state, outputs, error);
  }
}
