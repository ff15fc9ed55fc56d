/** Submits a plan: checks it and the quota of its project, and writes the first rows of the run. */
import { createHash } from 'node:crypto';
import { DaisError, eventTypes } from '@dais/api';
import { tenantNames } from '#kernel/tenants.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { byteText } from '#lib/formats/byte-text.ts';
import { canonicalJson } from '#lib/formats/canonical-json.ts';
import { limitsOf, type DefaultLimits, type QuotaRow } from '../admission/quota-rows.ts';
import { exceededResource, type Amounts } from '../admission/requests.ts';
import { emitExecutionEvent, notifyWorkers } from '../executions-events.ts';
import { planIssues } from '../machine/plan-check.ts';
import type { Graph, Values } from '../machine/plan.ts';
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

export interface SubmitDependencies {
  readonly machines: RunMachines;
  readonly limits: DefaultLimits;
}

/**
 * Submits a run that the caller has authorized. @throws DaisError `invalid_request` with all errors of the plan,
 * `quota_exceeded` when the project may not queue its steps.
 */
export async function submitRun(
  tx: Transaction,
  { machines, limits }: SubmitDependencies,
  run: NewExecution,
): Promise<void> {
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

/** The quota of a project, whose resources are null when the project has none, and the number of its queued steps. */
interface SubmissionRow extends Pick<QuotaRow, 'running_steps' | 'queued_steps' | 'weight'> {
  readonly resources: Amounts | null;
  readonly queued: number;
}

/**
 * Steps that the run adds are not counted: a project exceeds its limit by one run at most for each submission at the same
 * moment. @throws DaisError `quota_exceeded` when a step of the plan requests more than the whole quota, or the queue of
 * the project is full.
 */
async function checkSubmission(tx: Transaction, plan: Graph, defaults: DefaultLimits): Promise<void> {
  const [row] = await tx.sql.query<SubmissionRow>(
    `select q.resources, q.running_steps, q.queued_steps, coalesce(q.weight, 1) as weight,
       (select count(*)::int from (select 1 from executions.node where project_id = $1 and state = 'ready'
         limit m.most) r) +
       (select count(*)::int from (select 1 from executions.node where project_id = $1 and state = 'delayed'
         limit m.most) d) as queued
     from (select 1) one left join executions.quota q on q.project_id = $1
     cross join lateral (select coalesce(q.queued_steps, $2::int) as most) m`,
    [tx.projectId, defaults.queuedSteps],
    'quota_submission',
  );
  if (row === undefined) throw new Error('the quota query returned no row');
  const { resources } = row;
  const limits = limitsOf(resources === null ? undefined : { ...row, resources }, defaults);
  const large = findStep(plan, limits.resources);
  if (large !== undefined) throw await tooLarge(tx, large, limits.resources);
  if (row.queued < limits.queuedSteps) return;
  const name = await projectName(tx);
  throw new DaisError(
    'quota_exceeded',
    `Project "${name}" has ${row.queued.toLocaleString('en')} queued steps, and the limit is ` +
      `${limits.queuedSteps.toLocaleString('en')}. Wait until some steps start, cancel pipeline runs or jobs, or raise ` +
      '`spec.quotas.compute.queuedSteps` in the project.',
  );
}

interface LargeStep {
  readonly path: string;
  readonly resource: string;
  readonly amount: number;
}

function findStep(graph: Graph, quota: Amounts, below = ''): LargeStep | undefined {
  if (Object.keys(quota).length === 0) return undefined;
  for (const [name, { body }] of Object.entries(graph.tasks)) {
    const path = `${below}${name}`;
    if ('graph' in body) {
      const found = findStep(body.graph, quota, `${path}/`);
      if (found !== undefined) return found;
      continue;
    }
    const { resources } = body.step;
    const resource = exceededResource(resources, quota);
    if (resource !== undefined) return { path, resource, amount: resources[resource] ?? 0 };
  }
  return undefined;
}

async function tooLarge(tx: Transaction, { path, resource, amount }: LargeStep, quota: Amounts): Promise<DaisError> {
  const name = await projectName(tx);
  const limit = quota[resource] ?? 0;
  const [request, has] = [amountText(resource, amount), amountText(resource, limit)];
  return new DaisError(
    'quota_exceeded',
    `Step "${path}" requests ${request} of ${resource}, but the quota of project "${name}" is ${has}. Request less in ` +
      `\`resources\` of the step, or raise \`spec.quotas.compute.resources\` in the project.`,
  );
}

function amountText(resource: string, amount: number): string {
  return resource === 'memory' || resource === 'disk' ? byteText(amount) : amount.toLocaleString('en');
}

async function projectName({ sql, projectId }: Transaction): Promise<string> {
  return (await tenantNames(sql, [projectId])).get(projectId) ?? projectId;
}
