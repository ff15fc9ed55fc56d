import { setTimeout as sleep } from 'node:timers/promises';
import { countNoun, DaisError, type DaisClient } from '@dais/api';
import {
  drainNodeOperation,
  listNodesOperation,
  removeNodeOperation,
  resumeNodeOperation,
  rolesWith,
  type ServerNode,
} from '@dais/api/access';
import type { Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { printedForPrograms } from '#output/result.ts';
import { table } from '#output/table.ts';

const POLL_MS = 1000;

type Cell = Parameters<typeof table>[1][number][number];

export const listNodes: Run = async (context) => {
  const nodes = await readNodes(await context.connect());
  if (await printedForPrograms(context, { items: nodes })) return exitCodes.ok.code;
  const { terminal } = context;
  const header = ['host', 'state', 'role', 'version', 'gateway', 'load', 'memory', 'leases', 'last contact', 'id'];
  const wide = context.globals.output === 'wide';
  const rows = nodes.map((node) => rowOf(node, { now: context.now(), wide }));
  terminal.out(table(header, rows, { style: terminal.style, columns: terminal.columns }));
  return exitCodes.ok.code;
};

async function readNodes(client: DaisClient): Promise<ServerNode[]> {
  const nodes: ServerNode[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await client.perform(listNodesOperation, { limit: 500, ...(cursor !== undefined && { cursor }) });
    nodes.push(...page.items);
    cursor = page.nextCursor;
    if (cursor === undefined) return nodes;
  }
}

/** `wide` names the leases, of which a node can have ten. */
function rowOf(node: ServerNode, { now, wide }: { readonly now: number; readonly wide: boolean }): Cell[] {
  const { load } = node;
  return [
    { text: node.host },
    {
      text: node.state,
      paint: (style) => (node.state === 'ready' ? style.ok : node.state === 'unreachable' ? style.fail : style.dim),
    },
    { text: node.role },
    { text: node.version },
    { text: rolesWith('gateway').includes(node.role) ? String(node.gateway) : '' },
    { text: load === undefined ? '' : `${load.busyCores.toFixed(1)} of ${load.cores}` },
    { text: load === undefined ? '' : `${Math.round(load.memoryBytes / 1e6)} MB` },
    { text: wide ? node.leases.join(', ') : String(node.leases.length) },
    { text: `${Math.max(0, Math.round((now - Date.parse(node.lastContactAt)) / 1000))} s ago` },
    { text: node.id },
  ];
}

interface DrainOptions {
  /** Milliseconds. */
  readonly timeLimit: number;
  readonly force?: true;
  readonly wait?: true;
}

export const drainNode: Run<DrainOptions> = async (context, [id = ''], options) => {
  const client = await context.connect();
  const timeLimitSeconds = Math.ceil(options.timeLimit / 1000);
  let node = await client.perform(drainNodeOperation, { id, timeLimitSeconds, force: options.force === true });
  while (options.wait === true && node.state === 'draining') {
    context.terminal.progress(`${runningText(node)}, ${leftText(node, context.now())}`);
    await sleep(POLL_MS, undefined, { signal: context.signal });
    const found = (await readNodes(client)).find((one) => one.id === id);
    if (found === undefined) throw new DaisError('not_found', `The node ${id} was removed while it was drained.`);
    node = found;
  }
  if (await printedForPrograms(context, node)) return exitCodes.ok.code;
  context.terminal.out(drainText(node, context.now()));
  return exitCodes.ok.code;
};

function drainText(node: ServerNode, now: number): string {
  if (node.drain === undefined) return `The node on ${node.host} takes new work again.\n`;
  if (node.state !== 'drained') {
    return `The node on ${node.host} is draining: ${runningText(node)}, ${leftText(node, now)}. \`dais admin nodes\` shows its state.\n`;
  }
  const steps = node.drain.steps === 0 ? '' : ` ${countNoun(node.drain.steps, 'step')} on it continue.`;
  return `The node on ${node.host} is drained.${steps}\n`;
}

function runningText({ drain }: ServerNode): string {
  return `${countNoun(drain?.jobs ?? 0, 'job')} and ${countNoun(drain?.steps ?? 0, 'step')} run`;
}

function leftText({ drain }: ServerNode, now: number): string {
  return `${Math.max(0, Math.ceil((Date.parse(drain?.deadline ?? '') - now) / 1000))} s left`;
}

export const resumeNode: Run = async (context, [id = '']) => {
  const client = await context.connect();
  const node = await client.perform(resumeNodeOperation, { id });
  if (await printedForPrograms(context, node)) return exitCodes.ok.code;
  context.terminal.out(`The node on ${node.host} takes new work.\n`);
  return exitCodes.ok.code;
};

export const removeNode: Run = async (context, [id = '']) => {
  const client = await context.connect();
  await client.perform(removeNodeOperation, { id });
  if (await printedForPrograms(context, { id })) return exitCodes.ok.code;
  context.terminal.out(`Node ${id} is removed.\n`);
  return exitCodes.ok.code;
};
