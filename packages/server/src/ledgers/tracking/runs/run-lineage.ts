/** Records the origin, inputs and outputs of runs as lineage edges. */
import type { DatasetInput } from '@dais/api/tracking';
import type { Transaction } from '#kernel/transaction.ts';
import { findMentionedVersion } from '#ledgers/data/index.ts';
import { keyOf, nodeKey, noteLineage, STORED_AS, type NotedEdge, type NotedNode } from '#ledgers/lineage/index.ts';
import type { TrackingDependencies } from '../dependencies.ts';

/** Records the origin in tags. Replacing a tag later does not remove the edge. */
export function noteOrigin(
  tx: Transaction,
  run: string,
  tags: ReadonlyMap<string, string>,
  { options: { originTags }, clock }: Pick<TrackingDependencies, 'options' | 'clock'>,
): void {
  if (tags.size === 0) return;
  const to = keyOf('run', run);
  const edges: NotedEdge[] = [];
  const nodes: NotedNode[] = [];
  const parent = tags.get(originTags.parent);
  // Tags can have any text: ignore text that cannot be a run id.
  if (parent !== undefined && /^[\w-]{1,256}$/.test(parent) && parent !== run) {
    edges.push({ from: keyOf('run', parent), to, relation: 'child' });
  }
  const commit = tags.get(originTags.commit);
  if (commit !== undefined && commit !== '') {
    const key = nodeKey('commit', commit);
    const repository = tags.get(originTags.repository);
    nodes.push({ key, name: commit, data: { commit, ...(repository !== undefined && { repository }) } });
    edges.push({ from: key, to, relation: 'code' });
  }
  const entryPoint = tags.get(originTags.entryPoint);
  if (entryPoint !== undefined && entryPoint !== '') {
    const key = nodeKey('entry-point', entryPoint);
    nodes.push({ key, name: entryPoint });
    edges.push({ from: key, to, relation: 'started' });
  }
  noteLineage(tx, { nodes, edges }, clock.now());
}

/** Records the step that started a run, which is known from the caller. */
export function noteStarter(tx: Transaction, run: string, now: number): void {
  const { via } = tx.by.principal;
  if (via?.method !== 'step' || via.credential === undefined) return;
  const edge: NotedEdge = { from: keyOf('step', via.credential), to: keyOf('run', run), relation: 'started' };
  noteLineage(tx, { edges: [edge] }, now);
}

interface Inputs {
  readonly id: string;
  readonly datasets?: readonly DatasetInput[];
  readonly models?: readonly string[];
}

/** Records inputs. Data that a client read from a dataset version refer to that version, independent of their name. */
export async function noteInputs(
  tx: Transaction,
  { id, datasets = [], models = [] }: Inputs,
  now: number,
): Promise<void> {
  const to = keyOf('run', id);
  const nodes: NotedNode[] = [];
  const versions: string[] = [];
  for (const { dataset } of datasets) {
    const { name, digest, sourceType, source } = dataset;
    const version = await findMentionedVersion(tx, dataset);
    if (version !== undefined) versions.push(keyOf('dataset-version', version));
    // A source can be a long document of the client: only its start is stored.
    const data = { digest, sourceType, source: source.slice(0, 500) };
    const stored = version === undefined ? {} : { [STORED_AS]: version };
    nodes.push({ key: nodeKey('dataset', name, digest), name, data: { ...data, ...stored } });
  }
  const read = [...nodes.map(({ key }) => key), ...versions, ...models.map((model) => keyOf('logged-model', model))];
  noteLineage(tx, { nodes, edges: read.map((from) => ({ from, to, relation: 'read' })) }, now);
}

export function noteOutputs(
  tx: Transaction,
  run: string,
  models: readonly { readonly modelId: string }[],
  now: number,
): void {
  const from = keyOf('run', run);
  const edges = models.map(({ modelId }) => ({ from, to: keyOf('logged-model', modelId), relation: 'made' as const }));
  noteLineage(tx, { edges }, now);
}
