/** `dais monitor report` and `history`. */
import { countNoun } from '@dais/api';
import {
  readMonitorHistoryOperation,
  readMonitorReportOperation,
  readMonitorReportPageOperation,
  type MonitorPerformance,
  type MonitorReport,
  type MonitorResult,
} from '@dais/api/monitoring';
import type { Context, Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { numberText } from '#output/amounts.ts';
import { printedForPrograms, remark } from '#output/result.ts';
import { table } from '#output/table.ts';
import { paintOf } from './read.ts';
import { sparkline } from './sparkline.ts';

export const report: Run<{ readonly html?: true; readonly all?: true }> = async (
  context,
  [monitor = '', window = 'latest'],
  { html, all },
) => {
  const client = await context.connect();
  if (html === true) {
    const page = await client.download(readMonitorReportPageOperation, { monitor, window }, { signal: context.signal });
    const decoder = new TextDecoder();
    for await (const chunk of page.bytes) context.terminal.out(decoder.decode(chunk, { stream: true }));
    return exitCodes.ok.code;
  }
  const found = await client.perform(readMonitorReportOperation, { monitor, window });
  if (!(await printedForPrograms(context, found))) printReport(context, found, all === true);
  return exitCodes.ok.code;
};

function printReport(context: Context, found: MonitorReport, all: boolean): void {
  const { terminal } = context;
  const { number, status, rows, from, until, baseline, versions, performance, estimates = [], fairness = [] } = found;
  const { attributions = [] } = found;
  const span = `${new Date(from).toISOString()} to ${new Date(until).toISOString()}`;
  terminal.out(`Window ${number} of ${found.monitor} is ${status}: ${countNoun(rows, 'row')}, ${span}\n`);
  for (const { model, version, trainedOn } of versions) {
    terminal.out(`Served by ${model}/${version}${trainedOn === undefined ? '' : `, trained on ${trainedOn}`}\n`);
  }
  if (baseline !== undefined) terminal.out(`Compared with ${baseline.name}\n`);
  if (performance !== undefined) {
    terminal.out(`Ground truth: ${performance.labeled} of ${countNoun(performance.rows, 'row')}\n`);
    if (performance.labeled > 0) terminal.out(`Measured: ${metricsText(performance.metrics)}\n`);
  }
  for (const { model, version, metrics, reference } of estimates) {
    const { labeled } = reference;
    const span = `${new Date(reference.from).toISOString()} to ${new Date(reference.until).toISOString()}`;
    terminal.out(`Estimated without labels: ${metricsText(metrics)}\n`);
    terminal.out(` calibrated on ${model}/${version} with ${countNoun(labeled, 'label')} of ${span}\n`);
  }
  for (const { column, groups, privileged } of fairness) {
    terminal.out(`Groups of ${column}${privileged === undefined ? '' : `, compared with ${privileged}`}:\n`);
    for (const { group, rows: n, metrics } of groups)
      terminal.out(`  ${group}: ${countNoun(n, 'row')}, ${metricsText(metrics)}\n`);
  }
  for (const { model, version, rows: n, baseline: before, columns } of attributions) {
    const beside = before === undefined ? '' : `, compared with ${countNoun(before.rows, 'row')} of ${before.name}`;
    terminal.out(`Feature attribution of ${model}/${version}, over ${countNoun(n, 'row')}${beside}:\n`);
    const cells = columns
      .slice(0, SHOWN_COLUMNS)
      .map((one) => [
        { text: one.column },
        { text: shareText(one.currentShare) },
        { text: one.baselineShare === undefined ? '' : shareText(one.baselineShare) },
        { text: String(one.currentRank) },
        { text: one.baselineRank === undefined ? '' : String(one.baselineRank) },
      ]);
    const heads = ['column', 'share', 'baseline share', 'rank', 'baseline rank'];
    terminal.out(table(heads, cells, { style: terminal.style, columns: terminal.columns }));
  }
  const shown = found.results.filter((one) => all || one.status !== 'passing');
  if (shown.length > 0) {
    const cells = shown.map((one) => [
      { text: one.check },
      { text: one.column ?? one.segment ?? '' },
      { text: one.metric },
      { text: figureOf(one) },
      { text: one.threshold === undefined ? '' : numberText(one.threshold) },
      { text: one.status, paint: paintOf(one.status) },
      { text: one.reason ?? '' },
    ]);
    const heads = ['check', 'column', 'metric', 'value', 'threshold', 'status', 'reason'];
    terminal.out(table(heads, cells, { style: terminal.style, columns: terminal.columns }));
  }
  for (const note of found.notes) terminal.out(`${note}\n`);
  if (!all) remark(context, `${countNoun(found.results.length - shown.length, 'result')} passing; --all shows them.`);
}

/** Columns by feature importance, the largest change first. */
const SHOWN_COLUMNS = 10;

function shareText(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** `accuracy 0.93 (0.9 to 0.95), f1 0.91`; undefined metrics are omitted. */
function metricsText(metrics: MonitorPerformance['metrics']): string {
  return metrics
    .flatMap(({ metric, value, low, high }) => {
      if (value === undefined) return [];
      const span = low === undefined || high === undefined ? '' : ` (${numberText(low)} to ${numberText(high)})`;
      return [`${metric} ${numberText(value)}${span}`];
    })
    .join(', ');
}

/** The p-value of a test, which has the threshold. */
function figureOf({ value, pValue }: MonitorResult): string {
  if (pValue !== undefined) return `p ${numberText(pValue)}`;
  return value === undefined ? '' : numberText(value);
}

interface HistoryOptions {
  readonly check?: string;
  readonly column?: string;
  readonly windows: number;
  readonly limit: number;
}

export const history: Run<HistoryOptions> = async (context, [monitor = ''], { check, column, windows, limit }) => {
  const client = await context.connect();
  const found = await client.perform(readMonitorHistoryOperation, {
    monitor,
    windows,
    limit,
    ...(check !== undefined && { check }),
    ...(column !== undefined && { column }),
  });
  if (await printedForPrograms(context, found)) return exitCodes.ok.code;
  const { terminal } = context;
  const [first, last] = [found.windows[0], found.windows.at(-1)];
  if (first === undefined || last === undefined) {
    remark(context, `${monitor} has no window yet.`);
    return exitCodes.ok.code;
  }
  const cells = found.series.map((one) => {
    const newest = one.values.findLast((value) => value !== null);
    const bad = one.statuses.filter((status) => status === 'failing').length;
    return [
      { text: one.check },
      { text: one.column ?? one.segment ?? '' },
      { text: one.metric },
      { text: sparkline(one.values) },
      { text: typeof newest === 'number' ? numberText(newest) : '' },
      { text: String(bad), ...(bad > 0 && { paint: paintOf('failing') }) },
    ];
  });
  const heads = ['check', 'column', 'metric', `window ${first.number} to ${last.number}`, 'latest', 'failing'];
  terminal.out(table(heads, cells, { style: terminal.style, columns: terminal.columns }));
  if (found.more > 0) remark(context, `${found.more} more; limit with --check or --column.`);
  return exitCodes.ok.code;
};
