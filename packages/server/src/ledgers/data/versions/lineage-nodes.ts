/** Lineage nodes of dataset versions, by id. */
import { parseDatasetReference, type DatasetVersion } from '@dais/api/data';
import type { Transaction } from '#kernel/transaction.ts';
import {
  keyOf,
  nodeKey,
  noteLineage,
  type NodeSource,
  type NotedEdge,
  type NotedNode,
} from '#ledgers/lineage/index.ts';
import { findByNumber, findByTag, findReady } from './version-rows.ts';

/** Records a version. `parents`: keys of existing nodes. */
export function noteDataVersion(
  tx: Transaction,
  { id, dataset, number, digest, source }: DatasetVersion,
  parents: readonly string[],
  now: number,
): void {
  const to = keyOf('dataset-version', id);
  const from = [...parents, ...(source.versions ?? []).map((version) => keyOf('dataset-version', version))];
  const nodes: NotedNode[] = [
    { key: to, name: `${dataset}@${number}`, data: { dataset, version: String(number), digest } },
  ];
  if (source.uri !== undefined) {
    // The name that other systems use for what they read, so that their events refer to the same node.
    const key = nodeKey('dataset', source.uri);
    nodes.push({ key, name: source.uri, data: { source: source.uri.slice(0, 500), sourceType: source.type } });
    from.push(key);
  }
  const edges = from.map((key): NotedEdge => ({ from: key, to, relation: 'made' }));
  // A version without upstream nodes is connected to its dataset by that name.
  if (edges.length === 0) {
    const key = nodeKey('dataset', dataset);
    nodes.push({ key, name: dataset });
    edges.push({ from: key, to, relation: 'instance' });
  }
  noteLineage(tx, { nodes, edges }, now);
}

export const dataVersionNodes: NodeSource = {
  type: 'dataset-version',
  action: 'dataset:read',
  target: { kind: 'Dataset' },
  describe: async ({ sql, projectId }, ids) => {
    const rows = await sql.query<{
      id: string;
      name: string;
      number: number;
      at: bigint;
      state: string;
      digest: string;
    }>(
      `select v.id, d.name, v.number, v.created_at as at, v.state, v.digest
       from data.version v join data.dataset d on d.id = v.dataset
       where v.project_id = $1 and v.id::text = any($2::text[])`,
      [projectId, ids],
      'lineage_data_versions',
    );
    return new Map(
      rows.map(({ id, name, number, at, state, digest }) => [
        id,
        {
          name: `${name}@${number}`,
          at: Number(at),
          gone: state === 'deleted',
          data: { dataset: name, version: String(number), state, digest },
          target: { kind: 'Dataset', name },
        },
      ]),
    );
  },
  find: async (tx, called) => {
    const parsed = parseDatasetReference(called);
    if (parsed === undefined) return undefined;
    const { dataset, which } = parsed;
    const found =
      which.by === 'number'
        ? await findByNumber(tx, dataset, which.number)
        : which.by === 'tag'
          ? await findByTag(tx, dataset, which.tag)
          : await findReady(tx, dataset, which.by === 'time' ? which.until : undefined);
    return found?.id;
  },
};
