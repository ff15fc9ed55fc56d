/** Prometheus gauges of monitors, read on each scrape. */
import type { Database } from '#engines/database/contract.ts';
import { tenantNames } from '#kernel/tenants.ts';
import { transact } from '#kernel/transaction.ts';
import type { GaugeSample } from '#ledgers/ledger.ts';

/** Limits the number of series. */
const MAX_MONITORS = 1000;
const MAX_FIGURES = 5000;

interface FigureRow {
  readonly project_id: string;
  readonly name: string;
  readonly check: string;
  readonly metric: string;
  readonly column: string | null;
  readonly value: number;
}

export async function readMonitoringGauges(database: Database): Promise<readonly GaugeSample[]> {
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
    const evaluated = await sql.query<{ project_id: string; name: string; failing: boolean }>(
      `select project_id, name, state = 'failing' as failing from monitoring.monitor
       where not suspended and state in ('passing', 'failing') order by uid limit ${MAX_MONITORS}`,
      [],
      'monitor_statuses',
    );
    // Performance of the newest window with enough labels; other metrics of the newest window.
    const figures = await sql.query<FigureRow>(
      `select m.project_id, m.name, r->>'check' as "check", r->>'metric' as metric, r->>'column' as "column",
         (r->>'value')::float8 as value
       from (select uid, project_id, name, number from monitoring.monitor where not suspended order by uid limit ${MAX_MONITORS}) m,
       lateral (
         (select w.results, false as labels from monitoring.window w where w.monitor = m.uid and w.number = m.number)
         union all
         (select w.results, true from monitoring.window w where w.monitor = m.uid and w.labeled > 0
          order by w.number desc limit 1)) w,
       lateral jsonb_array_elements(w.results) r
       where r->>'value' is not null and r->>'segment' is null
         and case when w.labels then r->>'type' = 'performance'
             else r->>'type' in ('estimatedPerformance', 'fairness', 'slo', 'attributionDrift', 'resources') or r->>'metric' = 'drifted_share' end
       order by m.uid, 3, 4, 5 limit ${MAX_FIGURES}`,
      [],
      'monitor_figures',
    );
    const projects = [...evaluated, ...figures].map(({ project_id: id }) => id);
    const names = await tenantNames(sql, [...new Set(projects)]);
    return [
      ...states.map(({ state, n }) => ({ gauge: 'dais_monitors', value: Number(n), labels: { state } })),
      ...alerts.map(({ severity, n }) => ({
        gauge: 'dais_monitor_alerts_open',
        value: Number(n),
        labels: { severity },
      })),
      // Monitors whose newest window neither passes nor fails are counted by state only.
      ...evaluated.map(({ project_id: id, name, failing }) => ({
        gauge: 'dais_monitor_failing',
        value: failing ? 1 : 0,
        labels: { project: names.get(id) ?? id, monitor: name },
      })),
      ...figures.map(({ project_id: id, name, check, metric, column, value }) => ({
        gauge: 'dais_monitor_value',
        value,
        labels: { project: names.get(id) ?? id, monitor: name, check, metric, column: column ?? '' },
      })),
    ];
  });
}
