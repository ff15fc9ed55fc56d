/** `dais lineage`: upstream and downstream lineage of a node, as trees. */
import { DaisError } from '@dais/api';
import { readLineageOperation, type LineageDirection, type LineageGraph, type LineageNode } from '@dais/api/lineage';
import { parseDatasetReference, readDatasetVersionOperation } from '@dais/api/data';
import type { Context, Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { printedForPrograms, remark } from '#output/result.ts';
import { printable } from '#output/width.ts';

interface Options {
  readonly upstream?: true;
  readonly downstream?: true;
  readonly depth: number;
  readonly limit: number;
}

export const showLineage: Run<Options> = async (context, [subject = ''], options) => {
  if (options.upstream === true && options.downstream === true) {
    throw new DaisError('invalid_request', 'Give --upstream or --downstream; without either, both are shown.');
  }
  const direction = options.upstream === true ? 'upstream' : options.downstream === true ? 'downstream' : 'both';
  const client = await context.connect();
  const node = await nodeOf(context, subject);
  const { depth, limit } = options;
  const graph = await client.perform(readLineageOperation, { node, direction, depth, limit });
  if (!(await printedForPrograms(context, graph))) show(context, graph, direction);
  return exitCodes.ok.code;
};

/** `flight-delay/7` is a model version, `flights@3` a dataset version, and a text with a type is the node itself. */
async function nodeOf(context: Context, subject: string): Promise<string> {
  const version = /^(?:models:\/)?([^/:@]+)\/([1-9]\d*)$/.exec(subject);
  if (version !== null) return `model-version:${encodeURIComponent(version[1] ?? '')}/${version[2]}`;
  if (/^[a-z-]+:[^/]/.test(subject)) return subject;
  const dataset = subject.includes('@') ? parseDatasetReference(subject) : undefined;
  if (dataset !== undefined) {
    const client = await context.connect();
    const at = subject.indexOf('@');
    const read = { name: subject.slice(0, at), version: subject.slice(at + 1) };
    return `dataset-version:${(await client.perform(readDatasetVersionOperation, read)).id}`;
  }
  throw new DaisError(
    'invalid_request',
    `"${subject}" is not a lineage subject. Use MODEL/VERSION, DATASET@VERSION, run:ID, or a node of another result.`,
  );
}

function show(context: Context, graph: LineageGraph, direction: LineageDirection): void {
  const { terminal } = context;
  const nodes = new Map(graph.nodes.map((node) => [node.node, node]));
  terminal.out(`${labelOf(nodes.get(graph.root), graph.root)}\n`);
  if (direction !== 'downstream') printTree(context, graph, nodes, 'upstream');
  if (direction !== 'upstream') printTree(context, graph, nodes, 'downstream');
  if (graph.truncated)
    remark(context, 'The result is truncated: increase --limit or --depth, or start from one of the nodes.');
}

function printTree(
  { terminal }: Context,
  { root, edges }: LineageGraph,
  nodes: ReadonlyMap<string, LineageNode>,
  direction: 'upstream' | 'downstream',
): void {
  const next = (node: string) =>
    edges.flatMap(({ from, to, relation }) => {
      const [near, far] = direction === 'upstream' ? [to, from] : [from, to];
      return near === node ? [{ node: far, relation }] : [];
    });
  terminal.out(direction === 'upstream' ? '\nUpstream:\n' : '\nDownstream:\n');
  const first = next(root);
  if (first.length === 0) terminal.out('  none recorded\n');
  const printed = new Set([root]);
  const visit = (items: readonly { readonly node: string; readonly relation: string }[], indent: string) => {
    for (const { node, relation } of items) {
      const isKnown = printed.has(node);
      printed.add(node);
      terminal.out(`${indent}${labelOf(nodes.get(node), node)}  (${relation})${isKnown ? '  see above' : ''}\n`);
      if (!isKnown) visit(next(node), `${indent}  `);
    }
  };
  visit(first, '  ');
}

function labelOf(node: LineageNode | undefined, id: string): string {
  if (node === undefined) return printable(id);
  if (node.hidden === true) return `${node.type} (no permission)`;
  const name = node.name === undefined || id.endsWith(`:${node.name}`) ? '' : `  ${node.name}`;
  return printable(`${id}${name}${node.gone === true ? '  (deleted)' : ''}`);
}
