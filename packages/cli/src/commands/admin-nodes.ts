import { listNodesOperation, removeNodeOperation, type ServerNode } from '@dais/api/access';
import type { Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { printedForPrograms } from '#output/result.ts';
import { table } from '#output/table.ts';

type Cell = Parameters<typeof table>[1][number][number];

export const listNodes: Run = async (context) => {
  const client = await context.connect();
  const nodes: ServerNode[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await client.perform(listNodesOperation, { limit: 500, ...(cursor !== undefined && { cursor }) });
    nodes.push(...page.items);
    cursor = page.nextCursor;
    if (cursor === undefined) break;
  }
  if (await printedForPrograms(context, { items: nodes })) return exitCodes.ok.code;
  const { terminal } = context;
  const header = ['host', 'state', 'role', 'version', 'gateway', 'load', 'memory', 'leases', 'last contact', 'id'];
  const rows = nodes.map((node) => rowOf(node, context.now()));
  terminal.out(table(header, rows, { style: terminal.style, columns: terminal.columns }));
  return exitCodes.ok.code;
};

function rowOf(node: ServerNode, now: number): Cell[] {
  const { load } = node;
  return [
    { text: node.host },
    {
      text: node.state,
      paint: (style) => (node.state === 'ready' ? style.ok : node.state === 'stopped' ? style.dim : style.fail),
    },
    { text: node.role },
    { text: node.version },
    { text: String(node.gateway) },
    { text: load === undefined ? '' : `${load.busyCores.toFixed(1)} of ${load.cores}` },
    { text: load === undefined ? '' : `${Math.round(load.memoryBytes / 1e6)} MB` },
    { text: node.leases.join(', ') },
    { text: `${Math.max(0, Math.round((now - Date.parse(node.lastContactAt)) / 1000))} s ago` },
    { text: node.id },
  ];
}

export const removeNode: Run = async (context, [id = '']) => {
  const client = await context.connect();
  await client.perform(removeNodeOperation, { id });
  if (await printedForPrograms(context, { id })) return exitCodes.ok.code;
  context.terminal.out(`Node ${id} is removed.\n`);
  return exitCodes.ok.code;
};
