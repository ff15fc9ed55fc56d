import { Readable } from 'node:stream';
import { DaisError } from '@dais/api';
import {
  acknowledgeMonitorAlertOperation,
  listAllMonitorAlertsOperation,
  listModelDecisionsOperation,
  listMonitorAlertsOperation,
  listMonitorDecisionsOperation,
  listMonitorReportsOperation,
  listMonitorSummariesOperation,
  readMonitorHistoryOperation,
  readMonitorReportOperation,
  readMonitorReportPageOperation,
  readMonitorSummaryOperation,
} from '@dais/api/monitoring';
import { downloadEntry, entry, type CallOf, type OperationEntry } from '#kernel/entry.ts';
import { cutPage, decodeNumberCursor, decodePageCursor } from '#kernel/page-cursor.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { acknowledgeAlert, listAlerts, presentAlert } from './alerts/alerts.ts';
import { listDecisions } from './alerts/decisions.ts';
import { readHistory, readSummaries } from './reports/history.ts';
import { requireMonitor } from './monitor-rows.ts';
import type { MonitoringDependencies } from './monitoring-dependencies.ts';
import { listHeads, readReport } from './reports/report-rows.ts';
import { reportPage } from './reports/report-page.ts';

export function monitoringEntries(dependencies: MonitoringDependencies): readonly OperationEntry[] {
  return [
    entry(listMonitorSummariesOperation, summaries),
    entry(readMonitorSummaryOperation, summary),
    entry(listMonitorReportsOperation, reports),
    entry(readMonitorReportOperation, report),
    downloadEntry(readMonitorReportPageOperation, async (tx, call) => pageDownload(reportPage(await report(tx, call)))),
    entry(
      readMonitorHistoryOperation,
      async (tx, { input }) => await readHistory(tx, await requireMonitor(tx, input.monitor), input),
    ),
    entry(listMonitorAlertsOperation, alerts),
    entry(listAllMonitorAlertsOperation, alerts),
    entry(acknowledgeMonitorAlertOperation, async (tx, { input, context }) => {
      const monitor = await requireMonitor(tx, input.monitor);
      const { alert, note } = input;
      return presentAlert(
        await acknowledgeAlert(tx, dependencies, monitor, { alert, note, principal: context.principal }),
      );
    }),
    entry(listMonitorDecisionsOperation, decisions),
    entry(listModelDecisionsOperation, decisions),
  ];
}

async function summaries(tx: Transaction, { input, tenant }: CallOf<typeof listMonitorSummariesOperation>) {
  const { endpoint, dataset } = input;
  const filter = ['monitors', tenant.id, endpoint, dataset];
  const after = decodePageCursor(filter, input.cursor);
  const found = await readSummaries(tx, { endpoint, dataset, after, limit: input.limit + 1 });
  const { page, next } = cutPage(found, input.limit, filter, ({ monitor }) => monitor);
  return { items: page, ...next };
}

async function summary(tx: Transaction, { input }: CallOf<typeof readMonitorSummaryOperation>) {
  const [found] = await readSummaries(tx, { name: input.monitor, limit: 1 });
  if (found === undefined) throw new DaisError('not_found', `There is no monitor ${input.monitor}.`);
  return found;
}

async function reports(tx: Transaction, { input }: CallOf<typeof listMonitorReportsOperation>) {
  const monitor = await requireMonitor(tx, input.monitor);
  const filter = ['monitor reports', monitor.uid, input.status];
  const before = decodeNumberCursor(filter, input.cursor);
  if (before !== undefined && before > 2_147_483_647n) {
    throw new DaisError('invalid_cursor', 'The cursor was not returned by this list.');
  }
  const found = await listHeads(tx, monitor, { status: input.status, before, limit: input.limit + 1 });
  const { page, next } = cutPage(found, input.limit, filter, ({ number }) => String(number));
  return { items: page, ...next };
}

async function report(
  tx: Transaction,
  { input }: CallOf<typeof readMonitorReportOperation | typeof readMonitorReportPageOperation>,
) {
  return await readReport(tx, await requireMonitor(tx, input.monitor), input.window);
}

async function alerts(
  tx: Transaction,
  { input, tenant }: CallOf<typeof listAllMonitorAlertsOperation | typeof listMonitorAlertsOperation>,
) {
  const monitor = 'monitor' in input ? (await requireMonitor(tx, input.monitor)).uid : undefined;
  const filter = ['monitor alerts', tenant.id, monitor, input.state];
  const after = uuidCursor(filter, input.cursor);
  const found = await listAlerts(tx, { monitor, state: input.state, after, limit: input.limit + 1 });
  const { page, next } = cutPage(found, input.limit, filter, ({ id }) => id);
  return { items: page.map(presentAlert), ...next };
}

async function decisions(
  tx: Transaction,
  { input, tenant }: CallOf<typeof listModelDecisionsOperation | typeof listMonitorDecisionsOperation>,
) {
  const monitor = 'monitor' in input ? (await requireMonitor(tx, input.monitor)).uid : undefined;
  const model = 'model' in input ? input.model : undefined;
  const filter = ['monitor decisions', tenant.id, monitor, model];
  const after = uuidCursor(filter, input.cursor);
  const found = await listDecisions(tx, { monitor, model, after, limit: input.limit + 1 });
  const { page, next } = cutPage(found, input.limit, filter, ({ id }) => id);
  return { items: page, ...next };
}

function uuidCursor(filter: unknown, cursor: string | undefined): string | undefined {
  const position = decodePageCursor(filter, cursor);
  if (position === undefined || /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/.test(position)) return position;
  throw new DaisError('invalid_cursor', 'The cursor was not returned by this list.');
}

function pageDownload(page: string) {
  const bytes = Buffer.from(page);
  return {
    size: bytes.length,
    sha256: null,
    open: async (span?: { readonly start: number; readonly end: number }) =>
      Readable.from([span === undefined ? bytes : bytes.subarray(span.start, span.end + 1)]),
  };
}
