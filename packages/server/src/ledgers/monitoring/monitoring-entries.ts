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
  type MonitorVerdict,
} from '@dais/api/monitoring';
import type { Call, OperationEntry } from '#kernel/dispatch.ts';
import { cutPage, decodeNumberCursor, decodePageCursor } from '#kernel/page-cursor.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { acknowledgeAlert, listAlerts, presentAlert } from './alerts.ts';
import { listDecisions } from './decisions.ts';
import { readHistory, readSummaries, type HistoryFilter } from './history.ts';
import { requireMonitor } from './monitor-rows.ts';
import type { MonitoringParts } from './monitoring-parts.ts';
import { listHeads, readReport } from './report-rows.ts';
import { reportPage } from './report/report-page.ts';

interface OfMonitor {
  readonly monitor: string;
}
interface Paged {
  readonly limit: number;
  readonly cursor?: string;
}
interface OfWindow extends OfMonitor {
  readonly window: string;
}

export function monitoringEntries(parts: MonitoringParts): readonly OperationEntry[] {
  return [
    { operation: listMonitorSummariesOperation, handle: summaries },
    { operation: readMonitorSummaryOperation, handle: summary },
    { operation: listMonitorReportsOperation, handle: reports },
    { operation: readMonitorReportOperation, handle: report },
    {
      operation: readMonitorReportPageOperation,
      handle: async (tx, call: Call<OfWindow>) => pageDownload(reportPage(await report(tx, call))),
    },
    {
      operation: readMonitorHistoryOperation,
      handle: async (tx, { input }: Call<OfMonitor & HistoryFilter>) =>
        await readHistory(tx, await requireMonitor(tx, input.monitor), input),
    },
    { operation: listMonitorAlertsOperation, handle: alerts },
    { operation: listAllMonitorAlertsOperation, handle: alerts },
    {
      operation: acknowledgeMonitorAlertOperation,
      handle: async (tx, { input, context }: Call<OfMonitor & { readonly alert: string; readonly note: string }>) => {
        const monitor = await requireMonitor(tx, input.monitor);
        const { alert, note } = input;
        return presentAlert(await acknowledgeAlert(tx, parts, monitor, { alert, note, principal: context.principal }));
      },
    },
    { operation: listMonitorDecisionsOperation, handle: decisions },
    { operation: listModelDecisionsOperation, handle: decisions },
  ];
}

async function summaries(
  tx: Transaction,
  { input, tenant }: Call<Paged & { readonly endpoint?: string; readonly dataset?: string }>,
) {
  const { endpoint, dataset } = input;
  const filter = ['monitors', tenant.id, endpoint, dataset];
  const after = decodePageCursor(filter, input.cursor);
  const found = await readSummaries(tx, { endpoint, dataset, after, limit: input.limit + 1 });
  const { page, next } = cutPage(found, input.limit, filter, ({ monitor }) => monitor);
  return { items: page, ...next };
}

async function summary(tx: Transaction, { input }: Call<OfMonitor>) {
  const [found] = await readSummaries(tx, { name: input.monitor, limit: 1 });
  if (found === undefined) throw new DaisError('not_found', `There is no monitor ${input.monitor}.`);
  return found;
}

async function reports(tx: Transaction, { input }: Call<OfMonitor & Paged & { readonly verdict?: MonitorVerdict }>) {
  const monitor = await requireMonitor(tx, input.monitor);
  const filter = ['monitor reports', monitor.uid, input.verdict];
  const before = decodeNumberCursor(filter, input.cursor);
  if (before !== undefined && before > 2_147_483_647n) {
    throw new DaisError('invalid_cursor', 'The cursor is not one of this list.');
  }
  const found = await listHeads(tx, monitor, { verdict: input.verdict, before, limit: input.limit + 1 });
  const { page, next } = cutPage(found, input.limit, filter, ({ number }) => String(number));
  return { items: page, ...next };
}

async function report(tx: Transaction, { input }: Call<OfWindow>) {
  return await readReport(tx, await requireMonitor(tx, input.monitor), input.window);
}

async function alerts(
  tx: Transaction,
  { input, tenant }: Call<Partial<OfMonitor> & Paged & { readonly state?: 'open' | 'resolved' }>,
) {
  const monitor = input.monitor === undefined ? undefined : (await requireMonitor(tx, input.monitor)).uid;
  const filter = ['monitor alerts', tenant.id, monitor, input.state];
  const after = uuidCursor(filter, input.cursor);
  const found = await listAlerts(tx, { monitor, state: input.state, after, limit: input.limit + 1 });
  const { page, next } = cutPage(found, input.limit, filter, ({ id }) => id);
  return { items: page.map(presentAlert), ...next };
}

async function decisions(
  tx: Transaction,
  { input, tenant }: Call<Partial<OfMonitor> & Paged & { readonly model?: string }>,
) {
  const monitor = input.monitor === undefined ? undefined : (await requireMonitor(tx, input.monitor)).uid;
  const filter = ['monitor decisions', tenant.id, monitor, input.model];
  const after = uuidCursor(filter, input.cursor);
  const found = await listDecisions(tx, { monitor, model: input.model, after, limit: input.limit + 1 });
  const { page, next } = cutPage(found, input.limit, filter, ({ id }) => id);
  return { items: page, ...next };
}

function uuidCursor(filter: unknown, cursor: string | undefined): string | undefined {
  const place = decodePageCursor(filter, cursor);
  if (place === undefined || /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/.test(place)) return place;
  throw new DaisError('invalid_cursor', 'The cursor is not one of this list.');
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
