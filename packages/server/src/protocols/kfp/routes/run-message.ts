/** Encodes runs and their tasks. */
import type { Execution, ExecutionNode } from '@dais/api/executions';
import { showTime } from '../wire/time.ts';
import { rpcNumber } from '../wire/rpc-status.ts';
import { sourceMessage } from './pipeline-source.ts';

/** Returns the id of a run: a resumed run keeps the id of the first. */
export function runId({ id, thread }: Execution): string {
  return thread ?? id;
}

/** Run states. Waiting clients do not treat CANCELED as an end, so a canceled run is FAILED. */
const STATES = {
  pending: 'PENDING',
  running: 'RUNNING',
  succeeded: 'SUCCEEDED',
  failed: 'FAILED',
  canceled: 'FAILED',
} as const satisfies Readonly<Record<Execution['state'], string>>;

const TASK_STATES = {
  pending: 'PENDING',
  ready: 'PENDING',
  delayed: 'PENDING',
  running: 'RUNNING',
  succeeded: 'SUCCEEDED',
  failed: 'FAILED',
  skipped: 'SKIPPED',
  blocked: 'SKIPPED',
  canceled: 'CANCELED',
} as const satisfies Readonly<Record<ExecutionNode['state'], string>>;

const TERMINATED = 'terminated';

export function runMessage(run: Execution, { withSpec }: { readonly withSpec: boolean }) {
  const state = run.cancelRequested && run.endedAt === undefined ? 'CANCELING' : STATES[run.state];
  const why = run.state === 'canceled' ? TERMINATED : run.state === 'failed' ? (run.error ?? 'failed') : undefined;
  const error = why === undefined ? {} : { error: { code: rpcNumber('ABORTED'), message: why } };
  const { createdAt, startedAt, endedAt, description, schedule } = run;
  return {
    experiment_id: run.experimentId ?? '0',
    run_id: runId(run),
    display_name: run.name,
    storage_state: run.archivedAt === undefined ? 'AVAILABLE' : 'ARCHIVED',
    ...(description !== undefined && { description }),
    ...sourceMessage(run, { withSpec }),
    created_at: showTime(createdAt),
    scheduled_at: showTime(createdAt),
    ...(endedAt !== undefined && { finished_at: showTime(endedAt) }),
    state,
    ...error,
    ...(schedule !== undefined && { recurring_run_id: schedule }),
    state_history: [
      { update_time: showTime(createdAt), state: 'PENDING' },
      ...(startedAt === undefined ? [] : [{ update_time: showTime(startedAt), state: 'RUNNING' }]),
      ...(endedAt === undefined ? [] : [{ update_time: showTime(endedAt), state, ...error }]),
    ],
  };
}

/** Encodes tasks. The id of a task is its path, which identifies the node of its artifacts. */
export function taskMessages(run: Execution, nodes: readonly ExecutionNode[]) {
  const shown = nodes.filter(({ path }) => path !== '');
  const known = new Set(shown.map(({ path }) => path));
  const children = new Map<string, string[]>();
  for (const { path } of shown) {
    const parent = parentOf(path, known);
    children.set(parent, [...(children.get(parent) ?? []), path]);
  }
  return shown.map((node) => taskMessage(run, node, parentOf(node.path, known), children.get(node.path) ?? []));
}

function parentOf(path: string, known: ReadonlySet<string>): string {
  for (let cut = path.lastIndexOf('/'); cut > 0; cut = path.lastIndexOf('/', cut - 1)) {
    if (known.has(path.slice(0, cut))) return path.slice(0, cut);
  }
  return '';
}

function taskMessage(run: Execution, node: ExecutionNode, parent: string, children: readonly string[]) {
  const { path, startedAt, endedAt, error } = node;
  const state = node.source === 'cache' ? 'SKIPPED' : TASK_STATES[node.state];
  return {
    run_id: runId(run),
    task_id: path,
    display_name: path.slice(path.lastIndexOf('/') + 1),
    create_time: showTime(run.createdAt),
    ...(startedAt !== undefined && { start_time: showTime(startedAt) }),
    ...(endedAt !== undefined && { end_time: showTime(endedAt) }),
    state,
    ...(error !== undefined && { error: { code: rpcNumber('ABORTED'), message: error } }),
    ...(parent !== '' && { parent_task_id: parent }),
    state_history: [
      ...(startedAt === undefined ? [] : [{ update_time: showTime(startedAt), state: 'RUNNING' }]),
      ...(endedAt === undefined ? [] : [{ update_time: showTime(endedAt), state }]),
    ],
    ...(children.length > 0 && { child_tasks: children.map((task_id) => ({ task_id })) }),
  };
}
