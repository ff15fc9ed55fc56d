/** Describes attempts at steps, in their current state, as nodes of the lineage graph. */
import type { NodeSource } from '#ledgers/lineage/index.ts';

interface Row {
  readonly id: string;
  readonly name: string;
  readonly path: string;
  readonly run: string;
  readonly n: number;
  readonly state: string;
  readonly at: Date;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export const stepNodes: NodeSource = {
  type: 'step',
  action: 'execution:read',
  target: { kind: 'Execution' },
  describe: async ({ sql, projectId }, ids) => {
    const rows = await sql.query<Row>(
      `select a.id, r.name, n.path, a.run, a.n, coalesce(a.ending, a.state) as state, a.claimed_at as at
       from executions.attempt a join executions.node n on n.id = a.node join executions.run r on r.id = a.run
       where a.project_id = $1 and a.id = any($2::uuid[])`,
      [projectId, ids.filter((id) => UUID.test(id))],
      'lineage_steps',
    );
    return new Map(
      rows.map(({ id, name, path, run, n, state, at }) => [
        id,
        {
          name: `${name} / ${path}`,
          at: at.getTime(),
          gone: false,
          data: { execution: run, step: path, attempt: String(n), state },
        },
      ]),
    );
  },
};
