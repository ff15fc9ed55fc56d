/** Details of one step: its exact command, variables and environment. */
import { DaisError } from '@dais/api';
import { readExecutionStepOperation, type ExecutionStep } from '@dais/api/executions';
import type { Sql } from '#engines/database/contract.ts';
import { entry, type CallOf, type OperationEntry } from '#kernel/entry.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { presentNode, requireRun, runNoun, type NodeRecordRow } from './execution-rows.ts';
import { taskAt, type LateText, type Step, type StepEnvironment, type Task, type Values } from '../machine/plan.ts';
import type { RunMachines } from '../runs/run-machine.ts';
import { environmentDigest } from '../worker/environment-locks.ts';
import { pathOf, textOf } from '../worker/step-spec.ts';

export function executionStep(machines: RunMachines): readonly OperationEntry[] {
  return [entry(readExecutionStepOperation, async (tx, call) => await readStep(tx, call, machines))];
}

interface StepRow extends NodeRecordRow {
  readonly task_path: string;
  readonly plan_digest: string;
}

/** Limit of returned packages: more than any real environment has. */
const MOST_PACKAGES = 5000;

async function readStep(
  tx: Transaction,
  { input }: CallOf<typeof readExecutionStepOperation>,
  machines: RunMachines,
): Promise<ExecutionStep> {
  const { sql, projectId } = tx;
  const run = await requireRun(sql, projectId, input.id);
  const [row] = await sql.query<StepRow>(
    `select n.path, n.task_path, n.kind, n.state, n.source, n.error, n.inputs, n.outputs, n.started_at, n.ended_at,
       t.tracking_run, t.experiment, r.plan_digest,
       (select count(*)::int from executions.attempt a where a.node = n.id) as attempts
     from executions.node n join executions.run r on r.id = n.run left join executions.tracked t on t.node = n.id
     where n.run = $1 and n.path = $2`,
    [run.id, input.node],
    'execution_step_view',
  );
  if (row === undefined) {
    throw new DaisError(
      'not_found',
      `The ${runNoun(run)} "${run.name}" has no step "${input.node}", or the step has not been created yet.`,
    );
  }
  const node = presentNode(row);
  if (row.kind !== 'step') return node;
  const task = taskAt(await machines.plan(tx, { id: run.id, planDigest: row.plan_digest }), row.task_path);
  if (!('step' in task.body)) return node;
  const environment = await presentEnvironment(sql, run.id, task.body.step.environment);
  return { ...node, step: { ...presentStep(task.body.step, task, row.inputs), environment } };
}

function presentStep(step: Step, task: Task, inputs: Values): Omit<NonNullable<ExecutionStep['step']>, 'environment'> {
  const text = (late: LateText) => lateText(late, step, inputs);
  return {
    command: step.command.map(text),
    variables: Object.fromEntries(Object.entries(step.variables).map(([name, late]) => [name, text(late)])),
    secrets: { ...step.secrets },
    resources: { ...step.resources },
    ...(step.target !== undefined && { target: step.target }),
    ...(step.pool !== undefined && { pool: step.pool }),
    outputs: Object.fromEntries(Object.entries(step.outputs).map(([name, { path }]) => [name, path])),
    ...(step.timeoutMs !== undefined && { timeoutSeconds: step.timeoutMs / 1000 }),
    retries: task.retry?.count ?? 0,
    cache: step.cache,
    isolation: step.isolation,
    network: step.network,
  };
}

/** Renders text with its parameters. A parameter without a value is shown by name: `{{epochs}}`. */
function lateText(late: LateText, step: Step, inputs: Values): string {
  if (typeof late === 'string') return late;
  return late
    .map((part) => {
      if (typeof part === 'string') return part;
      if ('pathOfInput' in part) return pathOf(step, part.pathOfInput);
      if ('pathOfOutput' in part) return step.outputs[part.pathOfOutput]?.path ?? '';
      const value = inputs[part.parameter];
      return value !== undefined && 'parameter' in value ? textOf(value.parameter) : `{{${part.parameter}}}`;
    })
    .join('');
}

async function presentEnvironment(
  sql: Sql,
  run: string,
  environment: StepEnvironment,
): Promise<NonNullable<ExecutionStep['step']>['environment']> {
  if (environment.type === 'system') return { type: 'system' };
  if (environment.type === 'image') return { type: 'image', image: environment.image };
  const { type, version, requirements } = environment;
  const [found] = await sql.query<{ text: string | null }>(
    `select lock ->> 'text' as text from executions.environment where run = $1 and spec_digest = $2`,
    [run, environmentDigest(environment)],
    'execution_environment_view',
  );
  const packages = (found?.text ?? '').match(/^[A-Za-z0-9][A-Za-z0-9._-]*==[^\s\\;]+/gm);
  return {
    type,
    ...(version !== undefined && { version }),
    requirements: [...requirements],
    ...(packages !== null && { packages: packages.slice(0, MOST_PACKAGES) }),
  };
}
