/** Describes runs and logged models, in their current state, as nodes of the lineage graph. */
import type { NodeSource } from '#ledgers/lineage/index.ts';
import { publicId } from './experiments/experiment-lookup.ts';

interface Row {
  readonly id: string;
  readonly name: string;
  readonly at: bigint;
  readonly status: string;
  readonly gone: boolean;
  readonly experiment: bigint;
  readonly is_default: boolean;
}

const experimentOf = ({ experiment, is_default }: Row) => publicId({ id: experiment, is_default });

export const runNodes: NodeSource = {
  type: 'run',
  action: 'run:read',
  target: { kind: 'Run' },
  describe: async ({ sql, projectId }, ids) => {
    const rows = await sql.query<Row>(
      `select r.id, r.name, r.started_at as at, r.status, r.deleted_at is not null as gone, r.experiment, e.is_default
       from tracking.run r join tracking.experiment e on e.id = r.experiment where r.project_id = $1 and r.id = any($2::text[])`,
      [projectId, ids],
      'lineage_runs',
    );
    return new Map(
      rows.map((row) => [
        row.id,
        {
          name: row.name,
          at: Number(row.at),
          gone: row.gone,
          data: { experiment: experimentOf(row), run: row.id, status: row.status },
        },
      ]),
    );
  },
};

export const loggedModelNodes: NodeSource = {
  type: 'logged-model',
  action: 'loggedModel:read',
  target: { kind: 'LoggedModel' },
  describe: async ({ sql, projectId }, ids) => {
    const rows = await sql.query<Row>(
      `select m.id, m.name, m.created_at as at, m.status, m.deleted_at is not null as gone, m.experiment, e.is_default
       from tracking.logged_model m join tracking.experiment e on e.id = m.experiment
       where m.project_id = $1 and m.id = any($2::text[])`,
      [projectId, ids],
      'lineage_logged_models',
    );
    return new Map(
      rows.map((row) => [
        row.id,
        {
          name: row.name,
          at: Number(row.at),
          gone: row.gone,
          data: { experiment: experimentOf(row), loggedModel: row.id, status: row.status },
        },
      ]),
    );
  },
};
