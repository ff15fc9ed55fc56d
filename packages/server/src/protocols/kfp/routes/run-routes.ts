import {
  archiveExecutionsOperation,
  cancelExecutionOperation,
  deleteExecutionOperation,
  listExecutionNodesOperation,
  readExecutionOperation,
  resumeExecutionOperation,
  searchExecutionsOperation,
  startExecutionOperation,
  type Execution,
  type ExecutionNode,
} from '@dais/api/executions';
import type { RecordCondition } from '@dais/api/tracking';
import { route, type CallOperation, type Route } from '../route.ts';
import { listFields, nextPage, readList } from '../wire/list-request.ts';
import { string, struct, outputOnly } from '../wire/message.ts';
import { invalid, RpcError } from '../wire/rpc-status.ts';
import { usableExperiment } from './experiment-routes.ts';
import { metadataOf, sourceFields, sourceOf } from './pipeline-source.ts';
import { recordSearch, type SearchFields } from './record-search.ts';
import { metricsMessage, runId, runMessage, taskMessages } from './run-message.ts';

const LONGEST_NAME = 256;
/** Limit of tasks in the response for a run, in order of their paths. */
const MOST_TASKS = 1000;

const runFields = {
  ...sourceFields,
  experiment_id: string,
  run_id: outputOnly,
  display_name: string,
  storage_state: outputOnly,
  description: string,
  created_at: outputOnly,
  scheduled_at: outputOnly,
  finished_at: outputOnly,
  state: outputOnly,
  error: outputOnly,
  run_details: outputOnly,
  recurring_run_id: outputOnly,
  state_history: outputOnly,
  plugins_input: struct,
  plugins_output: struct,
};

const states = (...names: string[]): readonly RecordCondition[] => [{ field: 'state', is: 'in', value: names }];
const not = (...names: string[]): readonly RecordCondition[] =>
  names.map((value) => ({ field: 'state', is: '!=', value }));
const archived = (value: boolean): readonly RecordCondition[] => [{ field: 'archived', is: '=', value }];

const storageWords = {
  words: { AVAILABLE: archived(false), ARCHIVED: archived(true) },
  others: { AVAILABLE: archived(true), ARCHIVED: archived(false) },
};

const FIELDS: SearchFields = {
  run_id: { field: 'thread', type: 'id' },
  id: { field: 'thread', type: 'id' },
  display_name: { field: 'name', type: 'text' },
  name: { field: 'name', type: 'text' },
  description: { field: 'description', type: 'text' },
  created_at: { field: 'createdAt', type: 'moment' },
  finished_at: { field: 'endedAt', type: 'moment' },
  scheduled_at: { field: 'createdAt', type: 'moment' },
  experiment_id: { field: 'experimentId', type: 'id' },
  recurring_run_id: { field: 'schedule', type: 'id' },
  storage_state: { field: 'id', type: 'words', ...storageWords },
  state: {
    field: 'state',
    type: 'words',
    words: {
      PENDING: states('pending'),
      RUNNING: states('running'),
      SUCCEEDED: states('succeeded'),
      FAILED: states('failed', 'canceled'),
    },
    others: {
      PENDING: not('pending'),
      RUNNING: not('running'),
      SUCCEEDED: not('succeeded'),
      FAILED: not('failed', 'canceled'),
    },
  },
};

/** Operations by the final verb of the path. */
const OPERATIONS = {
  terminate: cancelExecutionOperation,
  retry: resumeExecutionOperation,
  archive: archiveExecutionsOperation,
  unarchive: archiveExecutionsOperation,
} as const;

export const runRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/runs',
    operation: startExecutionOperation,
    body: 'run',
    request: runFields,
    answer: async (values, call) => {
      const { display_name: name = '', description, plugins_input: plugins, plugins_output: output } = values;
      requireName(name, 'run');
      if (output !== undefined) throw invalid('plugins_output is set by the server only');
      if (Object.keys(plugins ?? {}).length > 0) throw invalid('plugins_input: this server has no plugins');
      const experimentId = await usableExperiment(values.experiment_id ?? '', call);
      const run = await call(startExecutionOperation, {
        ...(await sourceOf(values, call)),
        name,
        ...(description !== undefined && description !== '' && { description }),
        parameters: { ...(values.runtime_config?.parameters as Record<string, never> | undefined) },
        experimentId,
        about: metadataOf(values),
      });
      return runMessage(run, { withSpec: true });
    },
  }),
  route({
    method: 'GET',
    path: '/runs',
    operation: searchExecutionsOperation,
    request: { ...listFields, namespace: string, experiment_id: string },
    answer: async (values, call) => {
      const { experiment_id: experiment = '' } = values;
      const of: RecordCondition[] = experiment === '' ? [] : [{ field: 'experimentId', is: '=', value: experiment }];
      const found = await call(searchExecutionsOperation, recordSearch(readList(values), FIELDS, of) as never);
      return {
        runs: found.items.map((run) => runMessage(run, { withSpec: false })),
        total_size: found.total ?? 0,
        ...nextPage(found.nextCursor, values),
      };
    },
  }),
  route({
    method: 'GET',
    path: '/runs/{run_id}',
    operation: searchExecutionsOperation,
    request: { experiment_id: string, run_id: string },
    answer: async ({ run_id: id = '' }, call) => {
      const run = await requireRun(id, call);
      const { items } = await call(listExecutionNodesOperation, { id: run.id, limit: MOST_TASKS });
      return {
        ...runMessage(run, { withSpec: true }),
        ...metricsMessage(items),
        run_details: { task_details: taskMessages(run, items) },
      };
    },
  }),
  verb('terminate', async (run, call) => {
    if (run.endedAt !== undefined) {
      throw new RpcError('FAILED_PRECONDITION', `Run ${run.id} has already ended with the state ${run.state}`);
    }
    await call(cancelExecutionOperation, { id: run.id });
  }),
  verb('retry', async (run, call) => {
    const refused = ({ message }: { readonly message: string }) => new RpcError('FAILED_PRECONDITION', message);
    await call(resumeExecutionOperation, { id: run.id }, { invalid_state: refused });
  }),
  verb('archive', async ({ id }, call) => {
    await call(archiveExecutionsOperation, { id });
  }),
  verb('unarchive', async ({ id }, call) => {
    await call(archiveExecutionsOperation, { id, archived: false });
  }),
  route({
    method: 'DELETE',
    path: '/runs/{run_id}',
    operation: deleteExecutionOperation,
    request: { experiment_id: string, run_id: string },
    answer: async ({ run_id: id = '' }, call) => {
      const run = await requireRun(id, call);
      // Delete the superseded runs first: if this fails, a second call still finds them through the run.
      for (const one of await supersededRuns(runId(run), call)) await call(deleteExecutionOperation, { id: one.id });
      await call(deleteExecutionOperation, { id: run.id });
      return {};
    },
  }),
];

function verb(name: keyof typeof OPERATIONS, act: (run: Execution, call: CallOperation) => Promise<void>): Route {
  return route({
    method: 'POST',
    path: `/runs/{run_id}:${name}`,
    operation: OPERATIONS[name],
    request: {},
    answer: async (values, call) => {
      await act(await requireRun((values as { readonly run_id?: string }).run_id ?? '', call), call);
      return {};
    },
  });
}

export function requireName(name: string, what: string): void {
  if (name === '') throw invalid(`The ${what} has no display_name. Specify one.`);
  if (name.length > LONGEST_NAME) throw invalid(`display_name is longer than ${LONGEST_NAME} characters.`);
}

/** Returns the newest run with this id. @throws RpcError `NOT_FOUND` */
export async function requireRun(id: string, call: CallOperation): Promise<Execution> {
  const missing = () => new RpcError('NOT_FOUND', `Run ${id.slice(0, 100)} not found`);
  if (id === '' || id.length > 64) throw missing();
  const run = await call(readExecutionOperation, { id }, { not_found: missing });
  if (run.superseded !== true) return run;
  const where = [{ field: 'thread' as const, is: '=' as const, value: runId(run) }];
  const { items } = await call(searchExecutionsOperation, { where, limit: 1 });
  return items[0] ?? run;
}

async function supersededRuns(id: string, call: CallOperation): Promise<readonly Execution[]> {
  const where = [
    { field: 'thread' as const, is: '=' as const, value: id },
    { field: 'superseded' as const, is: '=' as const, value: true },
  ];
  return (await call(searchExecutionsOperation, { where, limit: 1000 })).items;
}

/** @throws RpcError `NOT_FOUND` */
export async function requireNode(run: Execution, path: string, call: CallOperation): Promise<ExecutionNode> {
  for (let cursor: string | undefined; ;) {
    const page = await call(listExecutionNodesOperation, {
      id: run.id,
      limit: MOST_TASKS,
      ...(cursor !== undefined && { cursor }),
    });
    const found = page.items.find((one) => one.path === path);
    if (found !== undefined) return found;
    cursor = page.nextCursor;
    if (cursor === undefined) throw new RpcError('NOT_FOUND', `Node ${path.slice(0, 100)} not found`);
  }
}
