/** Stored feature attributions of model versions on baseline rows, computed once. */
import type { MonitorAttributions } from '@dais/api/monitoring';
import { transact, type Transaction } from '#kernel/transaction.ts';
import type { MonitorRow } from '../monitor-rows.ts';
import type { MonitoringDependencies } from '../monitoring-dependencies.ts';

const MAX_KEPT = 20;

/** Mean |attribution| by column, of a window or a baseline. */
export interface Attributions extends Pick<MonitorAttributions, 'method' | 'scale' | 'background'> {
  /** The rows that were explained, as `flights@3`. */
  readonly name: string;
  /** The number of explained rows. */
  readonly rows: number;
  readonly sizes: Readonly<Record<string, number>>;
}

export interface NewAttributions {
  readonly id: string;
  readonly key: string;
  readonly about: Attributions;
}

type RowDependencies = Pick<MonitoringDependencies, 'database'>;

export async function storedAttributions(
  { database }: RowDependencies,
  monitor: MonitorRow,
  key: string,
): Promise<Attributions | undefined> {
  return await transact(database, { mode: 'read', projectId: monitor.project_id }, async ({ sql }) => {
    const [row] = await sql.query<{ details: Attributions }>(
      'select details from monitoring.attribution where monitor = $1 and key = $2',
      [monitor.uid, key],
      'stored_attributions',
    );
    return row?.details;
  });
}

/** Combines the attributions of the newest windows of a version; undefined if there are none. */
export async function attributionsBefore(
  { database }: RowDependencies,
  monitor: MonitorRow,
  of: Pick<MonitorAttributions, 'check' | 'model' | 'version'>,
  windows: number,
): Promise<Attributions | undefined> {
  const rows = await transact(
    database,
    { mode: 'read', projectId: monitor.project_id },
    async ({ sql }) =>
      await sql.query<{ number: number; attributions: MonitorAttributions }>(
        `select w.number, a.attributions from monitoring.window w, lateral jsonb_array_elements(w.attributions) a (attributions)
         where w.monitor = $1 and a.attributions->>'check' = $2 and a.attributions->>'model' = $3 and a.attributions->>'version' = $4
         order by w.number desc limit $5`,
        [monitor.uid, of.check, of.model, of.version, windows],
        'attributions_before',
      ),
  );
  const [newest] = rows;
  if (newest === undefined) return undefined;
  const { method, scale, background } = newest.attributions;
  const total = rows.reduce((sum, { attributions }) => sum + attributions.rows, 0);
  const sizes: Record<string, number> = {};
  for (const { attributions } of rows) {
    for (const { column, current } of attributions.columns) {
      sizes[column] = (sizes[column] ?? 0) + (current * attributions.rows) / total;
    }
  }
  const [from, until] = [rows.at(-1)?.number ?? newest.number, newest.number];
  const name = from === until ? `window ${until}` : `windows ${from} to ${until}`;
  return { name, rows: total, method, scale, background, sizes };
}

export async function keepAttributions(
  tx: Transaction,
  monitor: string,
  { id, key, about }: NewAttributions,
  now: number,
): Promise<void> {
  await tx.sql.query(
    `insert into monitoring.attribution (id, project_id, monitor, key, details, created_at)
     values ($1, $2, $3, $4, $5, $6) on conflict (monitor, key) do nothing`,
    [id, tx.projectId, monitor, key, JSON.stringify(about), now],
    'keep_attributions',
  );
  await tx.sql.query(
    `delete from monitoring.attribution where monitor = $1 and id not in (
       select id from monitoring.attribution where monitor = $1 order by created_at desc, id desc limit $2)`,
    [monitor, MAX_KEPT],
    'trim_attributions',
  );
}
