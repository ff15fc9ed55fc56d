/** Opens the state machine of a run on its rows, for one transaction. */
import { eventTypes } from '@dais/api';
import type { Transaction } from '#kernel/transaction.ts';
import { notifyWorkers, emitExecutionEvent } from '../executions-events.ts';
import { Machine } from '../machine/machine.ts';
import { taskAt, type Graph, type Values } from '../machine/plan.ts';
import type { EndState } from '../machine/values.ts';
import { SqlRunStore, type LockedRun, type PlacementOf } from './sql-run-store.ts';

export interface RunHead extends LockedRun {
  readonly name: string;
  readonly planDigest: string;
  readonly state: 'pending' | 'running' | EndState;
}

interface HeadRow {
  readonly id: string;
  readonly project_id: string;
  readonly name: string;
  readonly plan_digest: string;
  readonly state: RunHead['state'];
  readonly priority: number;
  readonly cancel_requested: boolean;
}

export interface OpenRun {
  readonly head: RunHead;
  readonly store: SqlRunStore;
  readonly machine: Machine;
}

/** Cached plans, by digest: every transition of a run reads the same plan. */
const KEPT_PLANS = 64;

/** Called in the same transaction when a run has ended. */
export type RunEnded = (tx: Transaction, run: RunHead, state: EndState) => Promise<void>;

export class RunMachines {
  readonly #plans = new Map<string, Graph>();
  readonly #ended: RunEnded;

  constructor(ended: RunEnded = async () => {}) {
    this.#ended = ended;
  }

  /** Locks the run until the transaction ends, so that its transitions are serialized. */
  async open(tx: Transaction, id: string): Promise<OpenRun | undefined> {
    const [row] = await tx.sql.query<HeadRow>(
      // Weaker than `for update`: a claim, which only refers to the run, does not wait for it.
      `select id, project_id, name, plan_digest, state, priority, cancel_requested from executions.run
       where id = $1 for no key update`,
      [id],
      'execution_lock',
    );
    if (row === undefined) return undefined;
    const head: RunHead = {
      id: row.id,
      projectId: row.project_id,
      name: row.name,
      planDigest: row.plan_digest,
      state: row.state,
      priority: row.priority,
      canceling: row.cancel_requested,
    };
    return this.over(tx, head, await this.plan(tx, head));
  }

  over(tx: Transaction, head: RunHead, plan: Graph): OpenRun {
    const store = new SqlRunStore(tx, head, placementsIn(plan), async (state, outputs, error) => {
      await this.#finish(tx, head, state, outputs, error);
    });
    return { head, store, machine: new Machine(plan, store) };
  }

  async plan({ sql }: Transaction, { id, planDigest }: Pick<RunHead, 'id' | 'planDigest'>): Promise<Graph> {
    const kept = this.#plans.get(planDigest);
    if (kept !== undefined) return kept;
    const [row] = await sql.query<{ plan: string }>(
      'select plan from executions.run where id = $1',
      [id],
      'execution_plan',
    );
    if (row === undefined) throw new Error(`run ${id} no longer exists`);
    const plan = JSON.parse(row.plan) as Graph;
    const oldest = this.#plans.keys().next().value;
    if (this.#plans.size >= KEPT_PLANS && oldest !== undefined) this.#plans.delete(oldest);
    this.#plans.set(planDigest, plan);
    return plan;
  }

  async #finish(
    tx: Transaction,
    head: RunHead,
    state: EndState,
    outputs: Values,
    error: string | undefined,
  ): Promise<void> {
    await tx.sql.query(
      `update executions.run set state = $2, outputs = $3::jsonb, error = $4, ended_at = clock_timestamp(),
         started_at = coalesce(started_at, clock_timestamp()) where id = $1`,
      [head.id, state, JSON.stringify(outputs), error ?? null],
      'execution_finish',
    );
    await tx.sql.query('delete from executions.timer where run = $1', [head.id], 'execution_timers_gone');
    emitExecutionEvent(tx, eventTypes.executionFinished, head, { state });
    await this.#ended(tx, head, state);
  }
}

function placementsIn(plan: Graph): PlacementOf {
  return (place) => {
    const { body } = taskAt(plan, place);
    return 'step' in body
      ? { requests: body.step.resources, target: body.step.target ?? '' }
      : { requests: {}, target: '' };
  };
}

/** Cancels a run: no further task starts, and the workers stop the running steps. */
export async function cancelRun({ head, store, machine }: OpenRun, tx: Transaction): Promise<void> {
  if (head.canceling || (head.state !== 'pending' && head.state !== 'running')) return;
  await tx.sql.query('update executions.run set cancel_requested = true where id = $1', [head.id], 'execution_cancel');
  store.startCanceling();
  emitExecutionEvent(tx, eventTypes.executionCancelRequested, head);
  notifyWorkers(tx);
  await machine.cancel();
}
