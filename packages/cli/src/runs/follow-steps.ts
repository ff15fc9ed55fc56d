/**
 * Follows a run of many steps to its end: prints a line for each step that starts or ends, and returns the exit code.
 */
import type { DaisClient } from '@dais/api';
import {
  cancelExecutionOperation,
  listExecutionNodesOperation,
  readExecutionLogOperation,
  readExecutionOperation,
  type Execution,
  type ExecutionNode,
} from '@dais/api/executions';
import { setTimeout as delay } from 'node:timers/promises';
import type { Context } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { remark } from '#output/result.ts';

const POLL_MS = 400;
/** With more steps, only failed steps are printed individually. */
const MAX_REPORTED = 1000;
/** Lines of the log of a failed step. */
const LAST_LINES = 15;
const REPORTED_STATES: ReadonlySet<ExecutionNode['state']> = new Set([
  'running',
  'delayed',
  'succeeded',
  'failed',
  'skipped',
  'blocked',
  'canceled',
]);

export async function followSteps(context: Context, client: DaisClient, id: string): Promise<number> {
  const reportedStates = new Map<string, ExecutionNode['state']>();
  let isCanceling = false;
  for (;;) {
    // Reads the run before its steps, so that steps that ended with the run are printed, too.
    const run = await client.perform(readExecutionOperation, { id });
    await printSteps(context, client, run, reportedStates);
    if (run.endedAt !== undefined) return await printEnd(context, client, run);
    if (context.signal.aborted && !isCanceling) {
      isCanceling = true;
      remark(context, 'Canceling the pipeline run. Press Ctrl-C again to stop watching.');
      await client.perform(cancelExecutionOperation, { id });
    }
    await delay(POLL_MS, undefined, isCanceling ? {} : { signal: context.signal }).catch(() => {});
  }
}

async function printSteps(
  context: Context,
  client: DaisClient,
  { id, nodes = {} }: Execution,
  reportedStates: Map<string, ExecutionNode['state']>,
): Promise<void> {
  const many = Object.values(nodes).reduce((sum, n) => sum + n, 0) > MAX_REPORTED;
  const { items } = await client.perform(listExecutionNodesOperation, {
    id,
    limit: MAX_REPORTED,
    ...(many && { state: 'failed' as const }),
  });
  const news = items.filter(
    ({ path, state }) => path !== '' && REPORTED_STATES.has(state) && reportedStates.get(path) !== state,
  );
  for (const node of news.toSorted((one, other) => (one.endedAt ?? Infinity) - (other.endedAt ?? Infinity))) {
    reportedStates.set(node.path, node.state);
    remark(context, lineOf(context, node));
  }
}

function lineOf({ terminal }: Context, node: ExecutionNode): string {
  const { path, state, source, startedAt, endedAt, error } = node;
  const paint = { succeeded: terminal.errStyle.ok, failed: terminal.errStyle.fail, blocked: terminal.errStyle.fail };
  const painted = (paint as Readonly<Record<string, (text: string) => string>>)[state] ?? ((text: string) => text);
  const took =
    startedAt === undefined || endedAt === undefined ? '' : ` in ${((endedAt - startedAt) / 1000).toFixed(1)} s`;
  const how = source === undefined ? took : ` (${source === 'cache' ? 'cached' : 'reused'})`;
  const why = error === undefined || state === 'succeeded' ? '' : `: ${error.trimEnd().replaceAll('\n', '\n    ')}`;
  return `${painted(state.padEnd(9))} ${path}${how}${why}`;
}

async function printEnd(context: Context, client: DaisClient, run: Execution): Promise<number> {
  if (run.state === 'succeeded') return exitCodes.ok.code;
  if (run.state === 'canceled') return exitCodes.interrupted.code;
  const failed = await client.perform(listExecutionNodesOperation, { id: run.id, state: 'failed', limit: 100 });
  const step = failed.items.find(({ kind, attempts }) => kind === 'step' && attempts > 0);
  // An error of several lines already includes them.
  if (step !== undefined && step.error?.includes('\n') !== true) await printLog(context, client, run.id, step.path);
  context.terminal.err(`${context.terminal.errStyle.fail('error:')} ${run.error ?? 'the pipeline run failed'}\n`);
  return exitCodes.failed.code;
}

/** The end of its output, which usually has the reason. */
async function printLog(context: Context, client: DaisClient, id: string, node: string): Promise<void> {
  let text = '';
  for (let cursor: string | undefined; ;) {
    const log = await client.perform(readExecutionLogOperation, { id, node, ...(cursor !== undefined && { cursor }) });
    text = (text + log.text).slice(-64 * 1024);
    if (log.ended || log.text === '') break;
    cursor = log.cursor;
  }
  const lines = text.trimEnd().split('\n').slice(-LAST_LINES);
  if (text !== '') context.terminal.err(`The last lines of ${node}:\n${lines.map((line) => `  ${line}\n`).join('')}`);
}
