/** What monitors say, as figures that are read when somebody asks. */
import type { Database } from '#engines/database/contract.ts';
import { tenantNames } from '#kernel/tenants.ts';
import { transact } from '#kernel/transaction.ts';

/** More series than this no dashboard shows. */
const MOST_MONITORS = 1000;

export interface MonitoringFigures {
  readonly states: readonly { readonly state: string; readonly n: number }[];
  readonly alerts: readonly { readonly severity: string; readonly n: number }[];
  /** Whose newest window is good or bad; the others are in `states` only. */
  readonly verdicts: readonly { readonly project: string; readonly monitor: string; readonly bad: boolean }[];
}

export async function readMonitoringFigures(database: Database): Promise<MonitoringFigures> {
  return await transact(database, { mode: 'read', projectId: 'all' }, async ({ sql }) => {
    const states = await sql.query<{ state: string; n: bigint }>(
      `select case when suspended then 'suspended' else state end as state, count(*) as n from monitoring.monitor group by 1`,
      [],
      'monitor_states',
    );
    const alerts = await sql.query<{ severity: string; n: bigint }>(
      `select severity, count(*) as n from monitoring.alert where state = 'open' group by 1`,
      [],
      'monitor_alerts_open',
    );
    const judged = await sql.query<{ project_id: string; name: string; bad: boolean }>(
      `select project_id, name, state = 'bad' as bad from monitoring.monitor
       where not suspended and state in ('ok', 'bad') order by uid limit ${MOST_MONITORS}`,
      [],
      'monitor_verdicts',
    );
    const names = await tenantNames(sql, [...new Set(judged.map(({ project_id: id }) => id))]);
    return {
      states: states.map(({ state, n }) => ({ state, n: Number(n) })),
      alerts: alerts.map(({ severity, n }) => ({ severity, n: Number(n) })),
      verdicts: judged.map(({ project_id: id, name, bad }) => ({ project: names.get(id) ?? id, monitor: name, bad })),
    };
  });
}
