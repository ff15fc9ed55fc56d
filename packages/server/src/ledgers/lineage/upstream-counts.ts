/** Facts about upstream nodes from the lineage ledger itself. */
import { keyOf } from './node-key.ts';
import type { NodeMeasure, UpstreamMeasure } from './upstream-facts.ts';

/** Attribute of a dataset in the naming of a client: the dataset version in Dais. */
export const STORED_AS = 'storedAs';

export const upstreamCounts: readonly UpstreamMeasure[] = [
  {
    fact: 'upstreamDatasetVersions',
    nodes: 'dataset-version',
    combine: 'sum',
    measure: async (_tx, ids) =>
      await Promise.resolve(
        ids.map((id) => ({ node: keyOf('dataset-version', id), value: 1, cause: 'dataset version upstream' })),
      ),
  },
  {
    fact: 'upstreamExternalDatasets',
    nodes: 'dataset',
    combine: 'sum',
    measure: async ({ sql, projectId }, ids) => {
      const keys = ids.map((id) => keyOf('dataset', id));
      const rows = await sql.query<{ key: string }>(
        `select k.key from unnest($2::text[]) k (key)
         where exists (select from lineage.edge e where e.project_id = $1 and e.source = k.key
             and starts_with(e.target, 'dataset-version:'))
           or exists (select from lineage.node n where n.project_id = $1 and n.key = k.key and n.data ? $3)`,
        [projectId, keys, STORED_AS],
        'datasets_in_dais',
      );
      const stored = new Set(rows.map(({ key }) => key));
      return keys.map((node): NodeMeasure =>
        stored.has(node) ? { node, value: 0 } : { node, value: 1, cause: 'dataset that Dais does not store' },
      );
    },
  },
];
