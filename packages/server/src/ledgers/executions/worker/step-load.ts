/** Loads the step of a claimed attempt. */
import type { Actor } from '@dais/api';
import type { Execution } from '@dais/api/executions';
import { LeaseLost } from '#kernel/leases.ts';
import { transact } from '#kernel/transaction.ts';
import type { ExecutionDependencies } from '../execution-dependencies.ts';
import { taskAt, type Step, type Values } from '../machine/plan.ts';
import type { RunMachines } from '../runs/run-machine.ts';
import type { AttemptClaim } from './attempts.ts';

export interface LoadedStep {
  readonly step: Step;
  readonly path: string;
  readonly place: string;
  readonly inputs: Values;
  /** The starter of the run. */
  readonly actor: Actor;
  /** Name of the run. */
  readonly name: string;
  readonly createdAt: Date;
  readonly code: Execution['code'] | undefined;
  readonly retryOf: string | undefined;
  readonly again: readonly string[];
  /** Name of the pipeline, unless the run is a job or the pipeline was deleted. */
  readonly pipeline: string | undefined;
  /** Name of the machine or the target of the attempt. */
  readonly machine: string | undefined;
}

/** @throws LeaseLost when the run was deleted. */
export async function loadStep(
  { database }: Pick<ExecutionDependencies, 'database'>,
  machines: RunMachines,
  claim: AttemptClaim,
): Promise<LoadedStep> {
  const { run, node, projectId, place: computeNode } = claim;
  return await transact(database, { mode: 'read', projectId }, async (tx) => {
    const [row] = await tx.sql.query<{
      path: string;
      task_path: string;
      inputs: Values;
      plan_digest: string;
      retry_of: string | null;
      rerun_tasks: readonly string[];
      actor_type: Actor['type'];
      actor_id: string;
      name: string;
      created_at: Date;
      code: Execution['code'] | null;
      pipeline: string | null;
      machine: string | null;
    }>(
      `select n.path, n.task_path, n.inputs, r.plan_digest, r.retry_of, r.rerun_tasks, r.actor_type, r.actor_id, r.name, r.code,
         r.created_at, p.name as pipeline, coalesce(c.name, t.name) as machine
       from executions.node n join executions.run r on r.id = n.run left join executions.pipeline p on p.uid = r.pipeline
         left join executions.compute_node c on c.id = $3 left join executions.target t on 'target/' || t.uid = $3
       where n.id = $1 and r.id = $2`,
      [node, run, computeNode],
      'execution_step',
    );
    if (row === undefined) throw new LeaseLost(claim.id);
    const plan = await machines.plan(tx, { id: run, planDigest: row.plan_digest });
    const { body } = taskAt(plan, row.task_path);
    if (!('step' in body)) throw new Error(`${row.task_path} is not a step`);
    const { path, task_path: place, inputs, rerun_tasks: again, name, retry_of: retryOf } = row;
    return {
      step: body.step,
      path,
      place,
      inputs,
      name,
      createdAt: row.created_at,
      again,
      actor: { type: row.actor_type, id: row.actor_id },
      code: row.code ?? undefined,
      retryOf: retryOf ?? undefined,
      pipeline: row.pipeline ?? undefined,
      machine: row.machine ?? undefined,
    };
  });
}
