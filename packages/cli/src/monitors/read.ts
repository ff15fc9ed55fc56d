/** `dais monitor list` and `get`. */
import { countNoun } from '@dais/api';
import {
  listMonitorAlertsOperation,
  listMonitorDecisionsOperation,
  listMonitorSummariesOperation,
  readMonitorSummaryOperation,
  type MonitorState,
  type MonitorSummary,
} from '@dais/api/monitoring';
import type { Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { age } from '#output/age.ts';
import { printedForPrograms, remark } from '#output/result.ts';
import type { Style } from '#output/style.ts';
import { table } from '#output/table.ts';

const SHOWN = 10;
const SIGNS = { passing: '.', failing: '!', unknown: '?' } as const;

export function paintOf(state: MonitorState): (style: Style) => (text: string) => string {
  return (style) => (state === 'passing' ? style.ok : state === 'failing' ? style.fail : style.warn);
}

export const list: Run<{ readonly endpoint?: string; readonly dataset?: string; readonly limit: number }> = async (
  context,
  _arguments,
  { endpoint, dataset, limit },
) => {
  const client = await context.connect();
  const found = await client.perform(listMonitorSummariesOperation, {
    limit: Math.min(limit, 1000),
    ...(endpoint !== undefined && { endpoint }),
    ...(dataset !== undefined && { dataset }),
  });
  if (await printedForPrograms(context, found)) return exitCodes.ok.code;
  const { terminal } = context;
  if (found.items.length === 0) remark(context, 'No monitors. Create one from a manifest; see `dais explain Monitor`.');
  else {
    const cells = found.items.map((one) => [
      { text: one.monitor },
      { text: one.endpoint ?? one.dataset ?? '' },
      { text: one.suspended ? 'suspended' : one.state, paint: paintOf(one.state) },
      { text: String(one.windows) },
      { text: String(one.openAlerts) },
      { text: one.recent.map(({ status }) => SIGNS[status]).join('') },
    ]);
    const heads = ['monitor', 'target', 'state', 'windows', 'alerts', 'latest last'];
    terminal.out(table(heads, cells, { style: terminal.style, columns: terminal.columns }));
  }
  return exitCodes.ok.code;
};

export const get: Run = async (context, [monitor = '']) => {
  const client = await context.connect();
  const [summary, alerts, decisions] = await Promise.all([
    client.perform(readMonitorSummaryOperation, { monitor }),
    client.perform(listMonitorAlertsOperation, { monitor, state: 'open', limit: SHOWN }),
    client.perform(listMonitorDecisionsOperation, { monitor, limit: SHOWN }),
  ]);
  const code = summary.state === 'failing' ? exitCodes.invalid.code : exitCodes.ok.code;
  const summaryWithAlerts = { ...summary, alerts: alerts.items, decisions: decisions.items };
  if (await printedForPrograms(context, summaryWithAlerts)) return code;
  const { terminal } = context;
  terminal.out(`${headOf(summary)}\n`);
  if (summary.baseline !== undefined) terminal.out(`Compared with ${summary.baseline}\n`);
  if (summary.checks.length > 0) {
    const cells = summary.checks.map(({ check, status, reason = '' }) => [
      { text: check },
      { text: status, paint: paintOf(status) },
      { text: reason },
    ]);
    terminal.out(table(['check', 'status', 'reason'], cells, { style: terminal.style, columns: terminal.columns }));
  }
  for (const alert of alerts.items) {
    const since = age(new Date(alert.raisedAt).toISOString(), context.now());
    const by =
      alert.acknowledgedBy === undefined ? '' : `; acknowledged by ${alert.acknowledgedBy} ${alert.note ?? ''}`;
    terminal.out(`${terminal.style.fail(alert.severity)} ${alert.title}, for ${since}${by.trimEnd()}\n`);
    terminal.out(`    ${alert.id}\n`);
  }
  for (const { outcome, pipeline, reason, run } of decisions.items) {
    terminal.out(`${outcome} ${pipeline}: ${reason}${run === undefined ? '' : ` ${run}`}\n`);
  }
  return code;
};

function headOf({ monitor, state, suspended, windows, recent }: MonitorSummary): string {
  if (suspended) return `${monitor} is suspended.`;
  const last = recent.at(-1);
  if (last === undefined) return `${monitor} is waiting for its first window.`;
  const until = new Date(last.until).toISOString();
  const signs = recent.map(({ status }) => SIGNS[status]).join('');
  return `${monitor} is ${state === 'failing' ? 'failing' : state === 'passing' ? 'passing' : state} in window ${windows}, with ${countNoun(last.rows, 'row')} until ${until}. ${signs}`;
}
