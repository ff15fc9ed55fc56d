/** Searches, archives and resumes pipeline runs. */
import { DaisError } from '@dais/api';
import {
  archiveExecutionsOperation,
  EXECUTIONS_COUNTED,
  resumeExecutionOperation,
  searchExecutionsOperation,
  type Execution,
} from '@dais/api/executions';
import { entry, type CallOf, type OperationEntry } from '#kernel/entry.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { retry } from '../runs/execution-entries.ts';
import type { ExecutionDependencies } from '../execution-dependencies.ts';
import { presentRun, presentWhole, requireRun, RUN_COLUMNS, type RunRow } from '../views/execution-rows.ts';
import type { RunMachines } from '../runs/run-machine.ts';
import { searchRecords, type RecordTable } from './record-query.ts';

const runs: RecordTable<RunRow, Execution> = {
  name: 'runs',
  from: 'executions.run r',
  id: 'r.id',
  columns: RUN_COLUMNS.split(', ')
    .map((column) => `r.${column}`)
    .join(', '),
  fields: {
    id: { sql: 'r.id', type: 'text' },
    thread: { sql: 'coalesce(r.thread, r.id)', type: 'text' },
    name: { sql: 'r.name', type: 'text' },
    description: { sql: 'r.description', type: 'text', missing: true },
    state: { sql: 'r.state', type: 'text' },
    archived: { sql: '(r.archived_at is not null)', type: 'flag' },
    superseded: { sql: 'r.superseded', type: 'flag' },
    pipeline: { sql: 'r.pipeline', type: 'text', missing: true },
    pipelineVersion: { sql: 'r.pipeline_version', type: 'text', missing: true },
    schedule: { sql: 'r.schedule', type: 'text', missing: true },
    experimentId: { sql: 'r.experiment_id', type: 'text', missing: true },
    createdAt: { sql: 'r.created_at', type: 'moment' },
    endedAt: { sql: 'r.ended_at', type: 'moment', missing: true },
  },
  unless: { superseded: 'not r.superseded' },
  counted: EXECUTIONS_COUNTED,
  present: presentRun,
};

export function runSearch(machines: RunMachines, dependencies: DataDependencies): readonly OperationEntry[] {
  return [
    entry(searchExecutionsOperation, async (tx, { input }) => await searchRecords(tx, runs, input)),
    entry(archiveExecutionsOperation, archive),
    entry(resumeExecutionOperation, async (tx, call) => await resume(tx, call, machines, dependencies)),
  ];
}

type DataDependencies = Pick<ExecutionDependencies, 'data' | 'limits'>;

async function archive({ sql, projectId }: Transaction, { input }: CallOf<typeof archiveExecutionsOperation>) {
  const { id, experimentId, archived } = input;
  if ((id === undefined) === (experimentId === undefined)) {
    const issues = [
      { path: 'id', message: 'exactly one of id and experimentId is required', expected: 'id or experimentId' },
    ];
    throw new DaisError('invalid_request', 'Specify either one pipeline run or one experiment.', { issues });
  }
  const run = id === undefined ? undefined : await requireRun(sql, projectId, id);
  const changed = await sql.query(
    `update executions.run set archived_at = case when $4 then clock_timestamp() end
     where project_id = $1 and ($2::uuid is null or id = $2) and ($3::text is null or experiment_id = $3)
       and (archived_at is null) = $4 returning id`,
    [projectId, run?.id ?? null, experimentId ?? null, archived],
    'archive_executions',
  );
  return { changed: changed.length };
}

/** @throws DaisError `invalid_state` for a run that succeeded, is in progress, or was resumed before. */
async function resume(
  tx: Transaction,
  call: CallOf<typeof resumeExecutionOperation>,
  machines: RunMachines,
  dependencies: DataDependencies,
): Promise<Execution> {
  const { sql, projectId } = tx;
  const { id, state, name } = await requireRun(sql, projectId, call.input.id);
  if (state !== 'failed' && state !== 'canceled') {
    throw new DaisError(
      'invalid_state',
      `Pipeline run "${name}" is ${state}. Only a failed or canceled run can be resumed.`,
    );
  }
  // The second of two concurrent calls waits here, and then finds that the run was already resumed.
  const [old] = await sql.query<{ thread: string | null }>(
    'update executions.run set superseded = true where id = $1 and not superseded returning thread',
    [id],
    'supersede_execution',
  );
  if (old === undefined)
    throw new DaisError('invalid_state', `Pipeline run "${name}" was already resumed. Resume its newest run instead.`);
  const made = await retry(tx, { ...call, input: { id, again: [] } }, machines, dependencies);
  await sql.query(
    'update executions.run set thread = $2 where id = $1',
    [made.id, old.thread ?? id],
    'thread_execution',
  );
  return await presentWhole(sql, projectId, made.id);
}
