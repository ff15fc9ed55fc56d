/** Operations that submit, cancel, retry and delete jobs and pipeline runs. */
import { DaisError, eventTypes } from '@dais/api';
import {
  cancelExecutionOperation,
  deleteExecutionOperation,
  retryExecutionOperation,
  submitExecutionOperation,
  uploadForExecutionOperation,
} from '@dais/api/executions';
import { entry, type CallOf, type OperationEntry } from '#kernel/entry.ts';
import { byteQuota } from '#kernel/tenants.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';
import { uuidv7 } from '#lib/ids.ts';
import { endAttempt } from '../worker/attempts.ts';
import type { ExecutionDependencies } from '../execution-dependencies.ts';
import { presentWhole, requireRun, runNoun, type RunRow } from '../views/execution-rows.ts';
import { notifyWorkers, emitExecutionEvent } from '../executions-events.ts';
import type { Artifact, Graph, Values } from '../machine/plan.ts';
import { storeCode } from './run-code.ts';
import { CODE_INPUT, dataKey, nativePlan, type FoundData, type NativeSteps } from './native-plan.ts';
import { removeRun } from './removal.ts';
import { cancelRun, type OpenRun, type RunMachines } from './run-machine.ts';
import { copyPackageLocks } from '../worker/environment-locks.ts';
import { chooseTargets } from '../targets/step-targets.ts';
import { submitRun, type RunOrigin } from './submit.ts';
import { datasetArtifact, type FoundVersion } from '../worker/step-data.ts';
import { attemptUsage, lockOpenAttempts } from '../worker/step-usage.ts';
import { authorizePlan, findVersion, datasetAccessOf } from './plan-permissions.ts';
import { linkValues } from '../worker/step-cache.ts';

type EntryDependencies = Pick<ExecutionDependencies, 'database' | 'content' | 'solo' | 'data' | 'calls' | 'limits'>;

export function executionEntries(dependencies: EntryDependencies, machines: RunMachines): readonly OperationEntry[] {
  return [
    entry(uploadForExecutionOperation, { perform: async (call) => await upload(dependencies, call) }),
    entry(submitExecutionOperation, async (tx, call) => await submit(tx, call, dependencies, machines)),
    entry(cancelExecutionOperation, async (tx, { input }) => {
      const { id } = await requireRun(tx.sql, tx.projectId, input.id);
      const open = await machines.open(tx, id);
      if (open !== undefined) await cancelRun(open, tx);
      return await presentWhole(tx.sql, tx.projectId, id);
    }),
    entry(retryExecutionOperation, async (tx, call) => await retry(tx, call, machines, dependencies)),
    entry(deleteExecutionOperation, async (tx, call) => await remove(tx, call, machines, dependencies)),
  ];
}

async function upload(
  { database, content }: EntryDependencies,
  { input, tenant, context }: CallOf<typeof uploadForExecutionOperation>,
) {
  if (context.content === undefined)
    throw new DaisError('unreadable_body', 'The request has no body. Send the bytes of the file.');
  const request = { mode: 'read', projectId: tenant.id } as const;
  const quota = await transact(database, request, async (tx) => await byteQuota(tx, tenant.id));
  const { sha256 } = input;
  const expected = sha256 === undefined ? {} : { sha256 };
  const lease = await content.upload(context.content, { projectId: tenant.id, quota, ...expected });
  return { upload: lease.id, size: lease.size, sha256: lease.sha256 };
}

async function submit(
  tx: Transaction,
  call: CallOf<typeof submitExecutionOperation>,
  dependencies: EntryDependencies,
  machines: RunMachines,
) {
  const { name, steps, priority, code } = call.input;
  const id = uuidv7();
  const mayRead = async () => await call.authorize({ kind: 'Execution' }, call.tenant, 'execution:read');
  const artifact = code === undefined || code.files.length === 0 ? undefined : await storeCode(tx, id, code, mayRead);
  const { files: _, ...about } = code ?? { files: [] };
  const inputs: Values = artifact === undefined ? {} : { [CODE_INPUT]: { artifact } };
  const data = await findData(
    steps,
    async (reference) => await findVersion(tx, dependencies, reference, datasetAccessOf(call)),
  );
  const plan = await chooseTargets(tx, nativePlan(steps, { code: artifact, solo: dependencies.solo, data }));
  await authorizePlan(call, plan, { tx, data: dependencies.data });
  const run = { id, name, plan, inputs, priority, code: code === undefined ? undefined : about };
  await submitRun(tx, { machines, limits: dependencies.limits }, run);
  return await presentWhole(tx.sql, tx.projectId, id);
}

/** Resolves the dataset versions that the steps reference, each once. */
async function findData(steps: NativeSteps, find: (reference: string) => Promise<FoundVersion>): Promise<FoundData> {
  const found = new Map<string, Artifact>();
  for (const { inputs } of Object.values(steps)) {
    for (const input of Object.values(inputs)) {
      if (!('dataset' in input)) continue;
      const { dataset, format = 'parquet' } = input;
      const key = dataKey(dataset, format);
      if (!found.has(key)) found.set(key, datasetArtifact(await find(dataset), format));
    }
  }
  return found;
}

/** Submits a new run of the same plan with the same code. */
export async function retry(
  tx: Transaction,
  call: CallOf<typeof retryExecutionOperation>,
  machines: RunMachines,
  { data, limits }: Pick<ExecutionDependencies, 'data' | 'limits'>,
) {
  const { input } = call;
  const old = await requireRun(tx.sql, tx.projectId, input.id);
  if (old.ended_at === null) {
    throw new DaisError(
      'invalid_state',
      `The ${runNoun(old)} "${old.name}" has not ended. Cancel it, or wait until it ends.`,
    );
  }
  const [row] = await tx.sql.query<{ plan: string; inputs: Values }>(
    'select plan, inputs from executions.run where id = $1',
    [old.id],
    'execution_retry',
  );
  if (row === undefined) throw new Error(`run ${old.id} was deleted within the transaction that locked it`);
  const plan = await chooseTargets(tx, JSON.parse(row.plan) as Graph, { isPlaced: true });
  const unknown = input.again.findIndex((name) => plan.tasks[name] === undefined);
  if (unknown !== -1) {
    const expected = Object.keys(plan.tasks).slice(0, 20).join(', ');
    const issues = [{ path: `again[${unknown}]`, message: 'is not a step of this job or pipeline run', expected }];
    throw new DaisError('invalid_request', `The ${runNoun(old)} "${old.name}" has no step "${input.again[unknown]}".`, {
      issues,
    });
  }
  await authorizePlan(call, plan, { tx, data });
  const id = uuidv7();
  const { name, priority, code } = old;
  const inputs = await ownInputs(tx, id, row.inputs);
  const again = { retryOf: old.id, again: input.again, code: code ?? undefined, ...originOf(old) };
  await submitRun(tx, { machines, limits }, { id, name, plan, inputs, priority, ...again });
  await copyPackageLocks(tx, old.id, id);
  return await presentWhole(tx.sql, tx.projectId, id);
}

/** Returns the origin of the retried run: a retry has the same. */
function originOf(old: RunRow): RunOrigin {
  return {
    description: old.description ?? undefined,
    pipeline: old.pipeline ?? undefined,
    pipelineVersion: old.pipeline_version ?? undefined,
    schedule: old.schedule ?? undefined,
    experimentId: old.experiment_id ?? undefined,
    about: old.client_metadata ?? undefined,
    warnings: old.warnings,
  };
}

/** Links the input files to the new run. */
async function ownInputs(tx: Transaction, run: string, inputs: Values): Promise<Values> {
  return await linkValues(tx, run, inputs, (name) => name);
}

/**
 * Deletes a run. A canceled run need not have ended: its steps end as canceled here, and their workers stop them when the
 * lease is gone. @throws DaisError `invalid_state` for a run that has not ended and was not canceled.
 */
async function remove(
  tx: Transaction,
  { input }: CallOf<typeof deleteExecutionOperation>,
  machines: RunMachines,
  dependencies: Pick<ExecutionDependencies, 'calls' | 'usage'>,
): Promise<Record<string, never>> {
  const run = await requireRun(tx.sql, tx.projectId, input.id);
  if (run.ended_at === null) {
    const open = await machines.open(tx, run.id);
    if (open?.head.canceling !== true) {
      throw new DaisError(
        'invalid_state',
        `The ${runNoun(run)} "${run.name}" has not ended. Cancel it, or wait until it ends.`,
      );
    }
    await endCanceled(tx, open, dependencies);
  }
  await removeRun(tx, { id: run.id, projectId: tx.projectId });
  emitExecutionEvent(tx, eventTypes.executionDeleted, { id: run.id, projectId: tx.projectId, name: run.name });
  notifyWorkers(tx);
  return {};
}

async function endCanceled(
  tx: Transaction,
  { store, machine, head }: OpenRun,
  { calls, usage }: Pick<ExecutionDependencies, 'calls' | 'usage'>,
) {
  for (const { id, node, now, ...attempt } of await lockOpenAttempts(tx.sql, head.id)) {
    endAttempt(tx.sql, id, { ending: 'canceled' }, now);
    usage?.(tx, attemptUsage({ id, now, projectId: head.projectId, ...attempt }));
    calls?.end(tx, id);
    await machine.stepEnded(await store.node(node), { is: 'canceled' });
  }
}
