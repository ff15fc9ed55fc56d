/** Prediction files as lineage nodes, by their ids. */
import type { NodeSource } from '#ledgers/lineage/index.ts';

export const predictionNodes: NodeSource = {
  type: 'predictions',
  action: 'prediction:read',
  target: { kind: 'Endpoint' },
  describe: async ({ sql, projectId }, ids) => {
    const rows = await sql.query<{ id: string; name: string; hour: bigint; rows: number; at: bigint }>(
      `select id, name, hour, rows, created_at as at from predictions.file
       where project_id = $1 and id::text = any($2::text[])`,
      [projectId, ids],
      'lineage_predictions',
    );
    return new Map(
      rows.map(({ id, name, hour, rows: count, at }) => {
        const start = new Date(Number(hour)).toISOString();
        const data = { endpoint: name, hour: start, rows: String(count) };
        const target = { kind: 'Endpoint', name };
        return [id, { name: `${name} ${start.slice(0, 13)}h`, at: Number(at), gone: false, data, target }] as const;
      }),
    );
  },
};
