/** Policy attributes of the quality of upstream dataset versions. */
import { keyOf, type NodeMeasure, type UpstreamMeasure } from '#ledgers/lineage/index.ts';

interface Row {
  readonly version: string;
  readonly dataset: string;
  readonly number: number;
  readonly state: string;
  readonly failed: number;
}

/** Number of dataset versions whose latest check failed. */
export const upstreamQuality: UpstreamMeasure = {
  fact: 'upstreamFailedQualityChecks',
  nodes: 'dataset-version',
  combine: 'sum',
  measure: async ({ sql, projectId }, ids) => {
    const rows = await sql.query<Row>(
      `select distinct on (version) version, dataset, number, state, failed from quality.check
       where project_id = $1 and version = any($2::uuid[]) order by version, id desc`,
      [projectId, ids],
      'checks_upstream',
    );
    const byVersion = new Map(rows.map((row) => [row.version, row]));
    return ids.map((id): NodeMeasure => {
      const node = keyOf('dataset-version', id);
      const check = byVersion.get(id);
      if (check === undefined || check.state === 'passed') return { node, value: 0 };
      if (check.state === 'failed') {
        return { node, value: 1, cause: `quality check failed: ${check.failed} blocking expectations` };
      }
      if (check.state === 'error') return { node, unknown: 'Its quality check ended with an error.' };
      return { node, unknown: 'Its quality check has not ended.' };
    });
  },
};
