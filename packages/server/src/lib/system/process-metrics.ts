import { collectDefaultMetrics, type Registry } from 'prom-client';

/**
 * Gauges with names of counters, which metric linters reject. `nodejs_active_handles` and similar metrics contain the
 * same by type.
 */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total'];

/** The usual `process_*` and `nodejs_*` names, which every dashboard for Node.js uses. */
export function collectProcessMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry });
  for (const name of MISNAMED) registry.removeSingleMetric(name);
}
