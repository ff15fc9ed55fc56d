/** `dais reproduce`: reruns a run with the same code, packages and inputs, and prints the differences. */
import { countNoun } from '@dais/api';
import type { DaisClient } from '@dais/api';
import {
  listExecutionNodesOperation,
  readExecutionOperation,
  retryExecutionOperation,
  type Execution,
  type ExecutionNode,
} from '@dais/api/executions';
import { readRunOperation, type Run as TrackedRun } from '@dais/api/tracking';
import type { Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { printedForPrograms, remark } from '#output/result.ts';
import { compareRuns, type ComparedRun, type Difference } from '#runs/compare-runs.ts';
import { waitForRun } from '#runs/follow-run.ts';

export const reproduce: Run = async (context, [id = '']) => {
  const client = await context.connect();
  const old = await client.perform(readExecutionOperation, { id });
  const nodes = await nodesOf(client, old.id);
  // Steps in groups run with their group.
  const again = nodes.flatMap(({ path }) => (path === '' || path.includes('/') ? [] : [path]));
  const made = await client.perform(retryExecutionOperation, { id: old.id, again });
  remark(context, `Job ${made.id} reproduces ${old.id}`);
  const ended = await waitForRun(context, client, made.id);
  const comparison = compareRuns(await left(client, nodes), await left(client, await nodesOf(client, made.id)));
  const { differences, same } = comparison;
  if (context.globals.output === 'name') context.terminal.out(`${made.id}\n`);
  else if (!(await printedForPrograms(context, { run: ended, of: old.id, ...comparison }))) {
    for (const one of differences) context.terminal.out(`${differenceText(one)}\n`);
    const counts = `${countNoun(same.outputs, 'output')} and ${countNoun(same.logged, 'logged value')}`;
    context.terminal.out(`${differences.length === 0 ? 'No differences' : 'Identical'}: ${counts}; ${basis(old)}\n`);
  }
  if (context.signal.aborted) return exitCodes.interrupted.code;
  return differences.length === 0 ? exitCodes.ok.code : exitCodes.changes.code;
};

/** By construction: a rerun inherits them. */
function basis({ code }: Execution): string {
  const commit =
    code?.commit === undefined
      ? ''
      : ` (commit ${code.commit.slice(0, 12)}${code.dirty === true ? ', with uncommitted changes' : ''})`;
  return `code${commit}, packages and inputs equal those of the original job.`;
}

function differenceText({ step, what, name, before, after }: Difference): string {
  const shown = (value: string | undefined) => (value === undefined ? 'nothing' : value.slice(0, 64));
  const thing = what === 'state' ? 'state' : `${what} ${name}`;
  return `${step}: ${thing}: ${shown(before)} → ${shown(after)}`;
}

async function nodesOf(client: DaisClient, id: string): Promise<readonly ExecutionNode[]> {
  const nodes: ExecutionNode[] = [];
  for (let cursor: string | undefined; ;) {
    const input = { id, limit: 1000, ...(cursor !== undefined && { cursor }) };
    const page = await client.perform(listExecutionNodesOperation, input);
    nodes.push(...page.items);
    cursor = page.nextCursor;
    if (cursor === undefined) return nodes;
  }
}

async function left(client: DaisClient, nodes: readonly ExecutionNode[]): Promise<ComparedRun> {
  const tracked = new Map<string, TrackedRun>();
  for (const { path, tracking } of nodes) {
    if (tracking !== undefined) tracked.set(path, await client.perform(readRunOperation, { id: tracking.run }));
  }
  return { nodes, tracked };
}
