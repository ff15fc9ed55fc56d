import { expect, test } from 'vitest';
import type { FinishedRequest } from '#http/server/http-server.ts';
import { metricDefinitions } from '#http/metrics/metric-definitions.ts';
import { Metrics, type MetricSources } from '#http/metrics/metrics.ts';
import { logRequest } from '#http/server/request-log.ts';
import { silentLog, type LogFields } from '#lib/log.ts';

const request: FinishedRequest = {
  operation: 'note.get',
  method: 'GET',
  path: '/api/v1/notes/x',
  status: 200,
  durationMs: 3,
  requestId: 'r',
  client: '127.0.0.1',
  traceparent: undefined,
  streamed: false,
};

const sources: MetricSources = {
  requests: () => ({ running: 2, streams: 1 }),
  queries: () => ({ running: 1, waiting: 2 }),
  pool: () => ({ total: 5, idle: 3, waiting: 4 }),
  health: async () => ({
    watchers: 7,
    watchAgeMs: 250,
    sequencing: true,
    unsequenced: 9,
    reconcile: { due: 3, running: 1 },
    jobs: [{ queue: 'alerts', state: 'pending', n: 6 }],
  }),
  egress: () => ({ refused: 4, sentBytes: 10, receivedBytes: 20 }),
  disk: async () => ({ free: 25, size: 100 }),
  ledgers: [
    async () => [
      { gauge: 'dais_steps', value: 8, labels: { state: 'ready' } },
      { gauge: 'dais_compute_requested', value: 1.5, labels: { resource: 'cpu' } },
      { gauge: 'dais_compute_capacity', value: 4, labels: { resource: 'cpu' } },
      { gauge: 'dais_executions_ended_last_hour', value: 2, labels: { state: 'failed' } },
    ],
    async () => await Promise.reject(new Error('the database does not answer')),
    async () => [
      { gauge: 'dais_monitors', value: 1, labels: { state: 'failing' } },
      { gauge: 'dais_monitor_alerts_open', value: 2, labels: { severity: 'critical' } },
      { gauge: 'dais_monitor_failing', value: 1, labels: { project: 'default', monitor: 'delays' } },
      {
        gauge: 'dais_monitor_value',
        value: 0.75,
        labels: { project: 'default', monitor: 'delays', check: 'performance', metric: 'roc_auc', column: '' },
      },
    ],
  ],
  content: async () => ({ damaged: 3, checkedObjects: 12, checkedBytes: 4096, progress: 0.5 }),
};

test('exposes every definition, with the values of its source', async () => {
  const metrics = new Metrics({ version: '1.2.3', role: 'all' });
  metrics.observe(request);
  metrics.observe({ ...request, operation: '', status: 404 });
  metrics.observe({ ...request, operation: 'note.watch', streamed: true });
  const { text, type } = await metrics.expose(sources);
  expect(type).toContain('text/plain');
  for (const { name } of Object.values(metricDefinitions)) expect(text).toContain(`# TYPE ${name} `);
  for (const line of [
    'dais_info{version="1.2.3",role="all"} 1',
    'dais_http_request_duration_seconds_bucket{le="0.005",operation="note.get",status="200"} 1',
    'dais_http_request_duration_seconds_bucket{le="0.002",operation="note.get",status="200"} 0',
    'dais_http_request_duration_seconds_count{operation="none",status="404"} 1',
    'dais_http_requests_running 2',
    'dais_steps_connections_refused_total 4',
    'dais_steps_network_bytes_total{direction="received"} 20',
    'dais_http_streams 1',
    'dais_database_up 1',
    'dais_database_connections{state="busy"} 2',
    'dais_database_waiting 4',
    'dais_watch_age_seconds 0.25',
    'dais_events_unsequenced 9',
    'dais_sequencer_leader 1',
    'dais_reconcile_queue{state="due"} 3',
    'dais_jobs{queue="alerts",state="pending"} 6',
    'dais_steps{state="ready"} 8',
    'dais_compute_requested{resource="cpu"} 1.5',
    'dais_compute_capacity{resource="cpu"} 4',
    'dais_executions_ended_last_hour{state="failed"} 2',
    'dais_disk_free_bytes 25',
    'dais_disk_size_bytes 100',
    'dais_content_damaged_objects 3',
    'dais_content_checked_objects 12',
    'dais_content_checked_bytes 4096',
    'dais_content_scrub_progress_ratio 0.5',
    'dais_monitors{state="failing"} 1',
    'dais_monitor_alerts_open{severity="critical"} 2',
    'dais_monitor_failing{project="default",monitor="delays"} 1',
    'dais_monitor_value{project="default",monitor="delays",check="performance",metric="roc_auc",column=""} 0.75',
  ]) {
    expect(text).toContain(`${line}\n`);
  }
  expect(text).not.toContain('note.watch');
  expect(text).toContain('process_resident_memory_bytes ');
});

test('omits values of an unavailable database, instead of 0', async () => {
  const metrics = new Metrics({ version: '1', role: 'all' });
  await metrics.expose(sources);
  const { text } = await metrics.expose({ ...sources, health: () => Promise.reject(new Error('away')) });
  expect(text).toContain('dais_database_up 0\n');
  expect(text).not.toMatch(
    /^dais_(jobs|steps|executions_ended_last_hour|monitors|monitor_alerts_open|monitor_bad|monitor_value|watch_age_seconds|events_unsequenced|reconcile_queue)[ {]/m,
  );
});

test('omits an unreadable disk, and exposes the rest', async () => {
  const metrics = new Metrics({ version: '1', role: 'all' });
  await metrics.expose(sources);
  const { text } = await metrics.expose({ ...sources, disk: () => Promise.reject(new Error('gone')) });
  expect(text).not.toMatch(/^dais_disk_/m);
  expect(text).toContain('dais_database_up 1\n');
});

test('which requests are logged', () => {
  const lines: [string, LogFields | undefined][] = [];
  const keep = (message: string, fields?: LogFields) => void lines.push([message, fields]);
  const log = { ...silentLog, info: keep, warn: keep };
  logRequest(log, 'errors', request);
  logRequest(log, 'none', { ...request, status: 500 });
  expect(lines).toEqual([]);
  logRequest(log, 'errors', { ...request, status: 503 }, 't');
  logRequest(log, 'all', { ...request, operation: '' });
  expect(lines.map(([message]) => message)).toEqual(['request failed with a server error', 'request']);
  expect(lines[0]?.[1]).toMatchObject({ operation: 'note.get', status: 503, traceId: 't', path: '/api/v1/notes/x' });
  expect(lines[1]?.[1]).not.toHaveProperty('operation');
});
