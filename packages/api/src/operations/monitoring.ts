import { z } from 'zod';
import { modelKind } from '#kinds/model.ts';
import { labelNameSchema, nameSchema } from '#manifest.ts';
import { defineOperation, type Operation } from '#operations/operation.ts';
import { pageInput } from '#operations/resources.ts';
import {
  monitorAlertSchema,
  monitorDecisionSchema,
  monitorHistorySchema,
  monitorReportHeadSchema,
  monitorReportSchema,
  monitorSummarySchema,
  checkStatuses,
} from '#records/monitoring.ts';

const base = '/api/v1/monitoring/monitors' as const;
const monitor = labelNameSchema.describe('Name of the monitor.');
const ofMonitor = (input: { readonly monitor: string }) => ({ kind: 'Monitor', name: input.monitor });
const ofAll = () => ({ kind: 'Monitor' });
const windowText = z
  .string()
  .regex(/^(latest|[1-9]\d{0,8})$/, { message: 'the number of a window, or `latest`' })
  .describe('Number of the window, or `latest`.');
const alertState = z.enum(['open', 'resolved']).optional().describe('Default: both.');

export const listMonitorSummariesOperation = defineOperation({
  name: 'monitorSummary.list',
  action: 'monitor:read',
  mode: 'read',
  scope: 'project',
  summary: 'Lists monitors with the status of their latest windows.',
  input: z.strictObject({
    endpoint: nameSchema.optional().describe('Only monitors of this endpoint.'),
    dataset: nameSchema.optional().describe('Only monitors of this dataset.'),
    ...pageInput,
  }),
  output: z.strictObject({ items: z.array(monitorSummarySchema), nextCursor: z.string().optional() }),
  target: ofAll,
  http: { method: 'GET', path: base, status: 200, query: ['endpoint', 'dataset', 'limit', 'cursor'] },
});

export const readMonitorSummaryOperation = defineOperation({
  name: 'monitorSummary.get',
  action: 'monitor:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns the status of a monitor with its latest windows.',
  input: z.strictObject({ monitor }),
  output: monitorSummarySchema,
  target: ofMonitor,
  http: { method: 'GET', path: `${base}/:monitor`, status: 200 },
});

export const listMonitorReportsOperation = defineOperation({
  name: 'monitorReport.list',
  action: 'monitor:read',
  mode: 'read',
  scope: 'project',
  summary: 'Lists the reports of a monitor, newest window first.',
  input: z.strictObject({ monitor, status: z.enum(checkStatuses).optional(), ...pageInput }),
  output: z.strictObject({ items: z.array(monitorReportHeadSchema), nextCursor: z.string().optional() }),
  target: ofMonitor,
  http: { method: 'GET', path: `${base}/:monitor/reports`, status: 200, query: ['status', 'limit', 'cursor'] },
});

export const readMonitorReportOperation = defineOperation({
  name: 'monitorReport.get',
  action: 'monitor:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns the report of a window: metrics, distributions, examples, versions.',
  input: z.strictObject({ monitor, window: windowText }),
  output: monitorReportSchema,
  target: ofMonitor,
  http: { method: 'GET', path: `${base}/:monitor/reports/:window`, status: 200 },
});

export const readMonitorReportPageOperation = defineOperation({
  name: 'monitorReport.page',
  action: 'monitor:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns the report of a window as an HTML page.',
  input: z.strictObject({ monitor, window: windowText }),
  output: z.strictObject({
    size: z.int().describe('Size of the page in bytes.'),
    sha256: z.null().describe('The page is rendered for each request.'),
  }),
  target: ofMonitor,
  http: {
    method: 'GET',
    path: `${base}/:monitor/reports/:window/page`,
    status: 200,
    content: 'download',
    page: true,
  },
});

export const readMonitorHistoryOperation = defineOperation({
  name: 'monitorHistory.get',
  action: 'monitor:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns the metrics of the latest windows as series, for charts and heat maps.',
  input: z.strictObject({
    monitor,
    check: labelNameSchema.optional().describe('Only series of this check.'),
    column: z.string().max(256).optional().describe('Only series of this column.'),
    metric: z.string().max(64).optional().describe('Only this metric.'),
    windows: z.int().min(1).max(500).default(60).describe('Number of windows.'),
    before: z.int().min(1).optional().describe('Only windows with a smaller number.'),
    limit: z.int().min(1).max(2000).default(500).describe('Maximum number of series.'),
  }),
  output: monitorHistorySchema,
  target: ofMonitor,
  http: {
    method: 'GET',
    path: `${base}/:monitor/history`,
    status: 200,
    query: ['check', 'column', 'metric', 'windows', 'before', 'limit'],
  },
});

export const listMonitorAlertsOperation = defineOperation({
  name: 'monitorAlert.list',
  action: 'monitor:read',
  mode: 'read',
  scope: 'project',
  summary: 'Lists the alerts of a monitor, newest first.',
  input: z.strictObject({ monitor, state: alertState, ...pageInput }),
  output: z.strictObject({ items: z.array(monitorAlertSchema), nextCursor: z.string().optional() }),
  target: ofMonitor,
  http: { method: 'GET', path: `${base}/:monitor/alerts`, status: 200, query: ['state', 'limit', 'cursor'] },
});

export const listAllMonitorAlertsOperation = defineOperation({
  name: 'monitorAlert.listAll',
  action: 'monitor:read',
  mode: 'read',
  scope: 'project',
  summary: 'Lists the alerts of all monitors, newest first.',
  input: z.strictObject({ state: alertState, ...pageInput }),
  output: z.strictObject({ items: z.array(monitorAlertSchema), nextCursor: z.string().optional() }),
  target: ofAll,
  http: { method: 'GET', path: '/api/v1/monitoring/alerts', status: 200, query: ['state', 'limit', 'cursor'] },
});

export const acknowledgeMonitorAlertOperation = defineOperation({
  name: 'monitorAlert.acknowledge',
  action: 'monitor:acknowledge',
  mode: 'write',
  scope: 'project',
  summary: 'Acknowledges an alert. It stays open until it is resolved.',
  input: z.strictObject({
    monitor,
    alert: z.uuid().describe('Id of the alert.'),
    note: z.string().max(4096).default('').describe('Comment.'),
  }),
  output: monitorAlertSchema,
  target: ofMonitor,
  roles: ['editor', 'operator', 'approver'],
  http: { method: 'POST', path: `${base}/:monitor/alerts/:alert/acknowledge`, status: 200 },
});

export const listMonitorDecisionsOperation = defineOperation({
  name: 'monitorDecision.list',
  action: 'monitor:read',
  mode: 'read',
  scope: 'project',
  summary: 'Lists the decisions of a monitor about starting pipelines, newest first.',
  input: z.strictObject({ monitor, ...pageInput }),
  output: z.strictObject({ items: z.array(monitorDecisionSchema), nextCursor: z.string().optional() }),
  target: ofMonitor,
  http: { method: 'GET', path: `${base}/:monitor/decisions`, status: 200, query: ['limit', 'cursor'] },
});

export const listModelDecisionsOperation = defineOperation({
  name: 'monitorDecision.listOfModel',
  action: 'model:read',
  mode: 'read',
  scope: 'project',
  summary: 'Lists decisions about starting pipelines for a model, newest first.',
  input: z.strictObject({ model: nameSchema.describe('Name of the model.'), ...pageInput }),
  output: z.strictObject({ items: z.array(monitorDecisionSchema), nextCursor: z.string().optional() }),
  target: ({ model }) => ({ kind: modelKind.kind, name: model }),
  http: {
    method: 'GET',
    path: '/api/v1/monitoring/models/:model/decisions',
    status: 200,
    query: ['limit', 'cursor'],
  },
});

export const monitoringOperations: readonly Operation[] = [
  listMonitorSummariesOperation,
  readMonitorSummaryOperation,
  listMonitorReportsOperation,
  readMonitorReportOperation,
  readMonitorReportPageOperation,
  readMonitorHistoryOperation,
  listMonitorAlertsOperation,
  listAllMonitorAlertsOperation,
  acknowledgeMonitorAlertOperation,
  listMonitorDecisionsOperation,
  listModelDecisionsOperation,
];
