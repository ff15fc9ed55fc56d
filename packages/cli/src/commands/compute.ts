/** `dais queue` and `dais quota`: pending steps, and the usage of machines and targets that run steps. */
import {
  listComputeOperation,
  readExecutionQueueOperation,
  type ComputeLimits,
  type ComputeNode,
  type ComputeUse,
  type ExecutionQueue,
  type ExecutionWait,
  type ProjectCompute,
} from '@dais/api/executions';
import type { Context, Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { age } from '#output/age.ts';
import { amountText, resourcesText } from '#output/amounts.ts';
import { printedForPrograms, remark } from '#output/result.ts';
import { table } from '#output/table.ts';

const PAGE = 500;

interface ListOptions {
  readonly limit: number;
}

export const showQueue: Run<ListOptions> = async (context, _args, { limit }) => {
  const client = await context.connect();
  const items: ExecutionWait[] = [];
  let first: ExecutionQueue | undefined;
  for (let cursor: string | undefined; ;) {
    const input = { limit: Math.min(limit - items.length, PAGE), ...(cursor !== undefined && { cursor }) };
    const page = await client.perform(readExecutionQueueOperation, input, { signal: context.signal });
    first ??= page;
    items.push(...page.items);
    cursor = page.nextCursor;
    if (cursor === undefined || items.length >= limit) break;
  }
  if (await printedForPrograms(context, { ...first, items })) return exitCodes.ok.code;
  const { terminal } = context;
  const rows = items.map((wait) => [
    { text: wait.name },
    { text: wait.node },
    { text: wait.target ?? '' },
    { text: reasonText(wait) },
    { text: resourcesText(wait.resources) },
    { text: String(wait.priority) },
    { text: age(new Date(wait.since).toISOString(), context.now()) },
  ]);
  const heads = ['job', 'step', 'target', 'waits for', 'requests', 'priority', 'since'];
  // Most installations have no further target.
  const isShown = (_cell: unknown, at: number) =>
    heads[at] !== 'target' || items.some(({ target }) => target !== undefined);
  const cells = rows.map((row) => row.filter(isShown));
  if (rows.length > 0) {
    terminal.out(table(heads.filter(isShown), cells, { style: terminal.style, columns: terminal.columns }));
  }
  if (first !== undefined) {
    const { use, limits, others } = first;
    remark(context, `${useText(use, limits)}. Other projects: ${useText(others)}.`);
  }
  return exitCodes.ok.code;
};

/** Why a step is pending, as a short text. */
function reasonText({ why, resource, target, note }: ExecutionWait): string {
  if (why === 'quota') {
    return resource === 'runningSteps' ? 'quota of running steps' : `quota of ${resource ?? 'the project'}`;
  }
  if (why === 'over-quota') return `a larger quota of ${resource ?? 'the project'}`;
  if (why === 'capacity') return `free ${resource ?? 'capacity'} of a machine`;
  if (why === 'concurrency') return target === undefined ? 'a free worker' : 'a step of the target to end';
  if (why === 'retry') return 'the next attempt';
  // Notes of targets are parts of a sentence: `waits for a node`.
  if (note !== undefined) return note.replace(/^waits for /, '');
  return target === undefined ? 'files and packages' : 'the target';
}

interface QuotaOptions extends ListOptions {
  readonly all?: true;
}

export const showQuota: Run<QuotaOptions> = async (context, _args, { all = false, limit }) => {
  const client = await context.connect();
  if (!all) {
    const { use, limits, nodes } = await client.perform(readExecutionQueueOperation, { limit: 1 });
    if (await printedForPrograms(context, { use, limits, nodes })) return exitCodes.ok.code;
    printProject(context, use, limits);
    printNodes(context, nodes);
    return exitCodes.ok.code;
  }
  const items: ProjectCompute[] = [];
  let nodes: readonly ComputeNode[] = [];
  for (let cursor: string | undefined; ;) {
    const input = { limit: Math.min(limit - items.length, PAGE), ...(cursor !== undefined && { cursor }) };
    const page = await client.perform(listComputeOperation, input, { signal: context.signal });
    items.push(...page.items);
    ({ nodes } = page);
    cursor = page.nextCursor;
    if (cursor === undefined || items.length >= limit) break;
  }
  if (await printedForPrograms(context, { items, nodes })) return exitCodes.ok.code;
  printProjects(context, items);
  printNodes(context, nodes);
  return exitCodes.ok.code;
};

function printProject({ terminal }: Context, use: ComputeUse, limits: ComputeLimits): void {
  const names = [...new Set(['cpu', 'memory', ...Object.keys(limits.resources), ...Object.keys(use.resources)])];
  const rows = [
    ['running steps', String(use.runningSteps), String(limits.runningSteps)],
    ['queued steps', String(use.queuedSteps), String(limits.queuedSteps)],
    ...names.map((name) => [name, amountText(name, use.resources[name] ?? 0), limitText(name, limits)]),
  ];
  terminal.out(
    table(
      ['resource', 'used', 'limit'],
      rows.map(([name = '', used = '', limit = '']) => [{ text: name }, { text: used }, { text: limit }]),
      { style: terminal.style, columns: terminal.columns },
    ),
  );
}

/** The largest usage comes first. */
function printProjects({ terminal }: Context, projects: readonly ProjectCompute[]): void {
  const used = new Set(
    projects.flatMap(({ use, limits }) => [use, limits].flatMap((one) => Object.keys(one.resources))),
  );
  const names = [...new Set(['cpu', 'memory', ...used])];
  const rows = projects
    .toSorted((a, b) => b.share - a.share || b.use.queuedSteps - a.use.queuedSteps)
    .map(({ project, share, use, limits }) => [
      { text: project },
      { text: `${Math.round(share * 100)} %` },
      { text: `${use.runningSteps} / ${limits.runningSteps}` },
      { text: `${use.queuedSteps} / ${limits.queuedSteps}` },
      ...names.map((name) => ({
        text: `${amountText(name, use.resources[name] ?? 0)} / ${limitText(name, limits)}`,
      })),
    ]);
  const heads = ['project', 'share', 'running steps', 'queued steps', ...names];
  terminal.out(table(heads, rows, { style: terminal.style, columns: terminal.columns }));
}

function printNodes(context: Context, nodes: readonly ComputeNode[]): void {
  if (nodes.every(({ type }) => type === 'target')) remark(context, 'No worker machines are connected.');
  // Machines first: the order of the server is not part of its contract.
  for (const { type, name, resources, used, runningSteps, concurrency } of nodes.toSorted(byType)) {
    const parts = Object.entries(resources).map(
      ([resource, has]) => `${amountText(resource, used[resource] ?? 0)} of ${amountText(resource, has)} ${resource}`,
    );
    const what = type === 'machine' ? 'Machine' : 'Target';
    // A target that was not tested yet has no known resources.
    const requested = parts.length === 0 ? '' : `; requested ${parts.join(', ')}`;
    remark(context, `${what} ${name}: ${runningSteps} of ${concurrency} steps${requested}.`);
  }
}

function byType(one: ComputeNode, other: ComputeNode): number {
  return Number(one.type === 'target') - Number(other.type === 'target');
}

function limitText(name: string, { resources }: ComputeLimits): string {
  const limit = resources[name];
  return limit === undefined ? 'none' : amountText(name, limit);
}

function useText({ runningSteps, queuedSteps }: ComputeUse, limits?: ComputeLimits): string {
  const running =
    limits === undefined ? `${runningSteps} running` : `${runningSteps} of ${limits.runningSteps} running`;
  return `${running}, ${queuedSteps} queued`;
}
