/** Submits a plan: writes the first rows of a run. */
import { createHash } from 'node:crypto';
import { DaisError, eventTypes } from '@dais/api';
import type { Transaction } from '#kernel/transaction.ts';
import { canonicalJson } from '#lib/formats/canonical-json.ts';
import type { DefaultLimits } from '../admission/quota-rows.ts';
import { checkSubmission } from '../admission/submission-check.ts';
import { notifyWorkers, emitExecutionEvent } from '../executions-events.ts';
import type { Graph, Values } from '../machine/plan.ts';
import { planIssues } from '../machine/plan-check.ts';
import type { RunHead, RunMachines } from './run-machine.ts';

/** Origin of a run, and the metadata of its submitter. */
export interface RunOrigin {
  readonly description?: string | undefined;
  /** Uid of the Pipeline, and id of the version. */
  readonly pipeline?: string | undefined;
  readonly pipelineVersion?: string | undefined;
  readonly schedule?: string | undefined;
  readonly experimentId?: string | undefined;
  readonly about?: object | undefined;
  readonly warnings?: readonly string[];
}

export interface NewExecution extends RunOrigin {
  readonly id: string;
  readonly name: string;
  readonly plan: Graph;
  readonly inputs: Values;
  readonly priority: number;
  readonly code?: object | undefined;
  /** The run that this one retries, and paths of the plan that run again although they succeeded there. */
  readonly retryOf?: string | undefined;
  readonly again?: readonly string[];
}

/** Most bytes of a plan, as canonical JSON. */
const LARGEST_PLAN = 16 * 1024 * 1024;

export interface SubmitParts {
  readonly machines: RunMachines;
  readonly limits: DefaultLimits;
}

/**
 * Submits a run that the caller has authorized. @throws DaisError `invalid_request` with all errors of the plan,
 * `quota_exceeded` when the project may not queue its steps.
 */
export async function submitRun(tx: Transaction, { machines, limits }: SubmitParts, run: NewExecution): Promise<void> {
  const issues = planIssues(run.plan, new Set(Object.keys(run.inputs)));
  if (issues.length > 0) throw new DaisError('invalid_request', 'The plan is not valid.', { issues });
  const plan = canonicalJson(run.plan);
  if (plan.length > LARGEST_PLAN) {
    throw new DaisError(
      'too_large',
      `The plan has ${plan.length} bytes, and the limit is ${LARGEST_PLAN}. Use fewer steps, or pass large values as files.`,
    );
  }
  await checkSubmission(tx, run.plan, limits);
  const digest = createHash('sha256').update(plan).digest('hex');
  const { principal } = tx.by;
  await tx.sql.query(
    `insert into executions.run (id, project_id, name, plan, plan_digest, inputs, priority, code, retry_of, rerun_tasks,
       actor_type, actor_id, description, pipeline, pipeline_version, schedule, experiment_id, client_metadata, warnings)
     values ($1, $2, $3, $4, $5, $6::jsonb, $7, $8::jsonb, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18::jsonb, $19)`,
    [
      run.id,
      tx.projectId,
      run.name,
      plan,
      digest,
      JSON.stringify(run.inputs),
      run.priority,
      run.code === undefined ? null : JSON.stringify(run.code),
      run.retryOf ?? null,
      run.again ?? [],
      principal.type,
      principal.id,
      run.description ?? null,
      run.pipeline ?? null,
      run.pipelineVersion ?? null,
      run.schedule ?? null,
      run.experimentId ?? null,
      run.about === undefined ? null : JSON.stringify(run.about),
      run.warnings ?? [],
    ],
    'execution_submit',
  );
  const head: RunHead = {
    id: run.id,
    projectId: tx.projectId,
    name: run.name,
    planDigest: digest,
    state: 'pending',
    priority: run.priority,
    canceling: false,
  };
  emitExecutionEvent(tx, eventTypes.executionSubmitted, head, {
    tasks: Object.keys(run.plan.tasks).length,
    ...(run.retryOf !== undefined && { retryOf: run.retryOf }),
  });
  notifyWorkers(tx);
  await machines.over(tx, head, run.plan).machine.begin(run.inputs);
}
