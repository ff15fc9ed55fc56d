/** Alerts for Prometheus, with what to inspect. */
import { stringify } from 'yaml';
import type { GeneratedFile } from '../generated-file.ts';
import { buckets, counted, series, type Around } from './series.ts';

const PROMETHEUS_RULES = 'deploy/prometheus/dais.rules.yaml';

const ANY: Around = { chosen: '' };

interface Rule {
  readonly alert: string;
  readonly expr: string;
  /** How long it must hold. */
  readonly for: string;
  readonly severity: 'critical' | 'warning';
  readonly summary: string;
  readonly description: string;
}

/** Queues whose jobs notify external systems. */
export const DELIVERIES = '~"webhook|alert|lineage-events"';
const served = { shadow: 'false' } as const;
const perEndpoint = 'sum by (project, endpoint)';

const server: readonly Rule[] = [
  {
    alert: 'DaisDown',
    expr: 'up{job=~"dais.*"} == 0',
    for: '2m',
    severity: 'critical',
    summary: 'A Dais process is down',
    description:
      '{{ $labels.instance }} ({{ $labels.job }}) could not be scraped for 2 minutes. Check its log, and run `dais doctor` to find the cause.',
  },
  {
    alert: 'DaisDatabaseDown',
    expr: `${series(ANY, 'databaseUp')} == 0`,
    for: '1m',
    severity: 'critical',
    summary: 'The database is unavailable',
    description: '{{ $labels.instance }} returns database_unavailable. Predictions continue.',
  },
  {
    alert: 'DaisErrors',
    // Of a handful of requests a single failure would be a large share.
    expr:
      `sum by (job) (rate(${counted(ANY, 'requestDuration', { status: '~"5.."' })}[5m]))` +
      ` / sum by (job) (rate(${counted(ANY, 'requestDuration')}[5m])) > 0.05` +
      ` and sum by (job) (rate(${counted(ANY, 'requestDuration')}[5m])) > 0.1`,
    for: '5m',
    severity: 'critical',
    summary: 'High error rate of the API',
    description:
      '{{ $value | humanizePercentage }} of requests returned 5xx. The log has a line with the request id of each.',
  },
  {
    alert: 'DaisSlow',
    expr:
      `histogram_quantile(0.99, sum by (job, le) (rate(${buckets(ANY, 'requestDuration')}[10m]))) > 2` +
      ` and sum by (job) (rate(${counted(ANY, 'requestDuration')}[10m])) > 0.1`,
    for: '10m',
    severity: 'warning',
    summary: 'High latency of the API',
    description:
      'The p99 latency is {{ $value | humanizeDuration }}. The dashboard shows the latency of each operation.',
  },
  {
    alert: 'DaisPoolExhausted',
    expr: `min_over_time(${series(ANY, 'databaseWaiting')}[5m]) > 0`,
    for: '5m',
    severity: 'warning',
    summary: 'All database connections are busy',
    description:
      'All connections of {{ $labels.instance }} were busy for 5 minutes. Raise database.poolSize, or find the slow statements.',
  },
  {
    alert: 'DaisEventsBehind',
    expr: `max by (job) (${series(ANY, 'eventsUnsequenced')}) > 1000`,
    for: '5m',
    severity: 'critical',
    summary: 'Events are not published',
    description:
      '{{ $value }} events wait for their sequence number. Watches, webhooks and controllers receive nothing new.',
  },
  {
    alert: 'DaisNoSequencer',
    expr: `max by (job) (${series(ANY, 'sequencing')}) == 0`,
    for: '2m',
    severity: 'critical',
    summary: 'No process publishes events',
    description: 'No process of {{ $labels.job }} holds the lease. Start a process with the role controller or all.',
  },
  {
    alert: 'DaisWatchStuck',
    expr: `${series(ANY, 'watchAge')} > 10`,
    for: '2m',
    severity: 'warning',
    summary: 'A process no longer reads the event stream',
    description:
      '{{ $labels.instance }} last read the event stream {{ $value | humanizeDuration }} ago. Restart it if it does not recover.',
  },
];

const work: readonly Rule[] = [
  {
    alert: 'DaisDeliveriesBehind',
    expr: `sum by (job, queue) (max by (job, queue, state) (${series(ANY, 'jobs', { queue: DELIVERIES })})) > 500`,
    for: '15m',
    severity: 'warning',
    summary: 'Deliveries are delayed',
    description:
      '{{ $value }} deliveries of the queue {{ $labels.queue }} are pending. Check whether the receiver responds.',
  },
  {
    alert: 'DaisJobsStand',
    expr:
      `sum by (job) (max by (job, queue) (${series(ANY, 'jobs', { state: 'pending' })})) > 1000` +
      ` unless sum by (job) (max by (job, queue) (${series(ANY, 'jobs', { state: 'running' })})) > 0`,
    for: '15m',
    severity: 'critical',
    summary: 'Internal jobs wait and none runs',
    description: '{{ $value }} jobs wait. Start a process with the role controller or all.',
  },
  {
    alert: 'DaisStepsStand',
    expr:
      `max by (job) (${series(ANY, 'steps', { state: 'ready' })}) > 0` +
      ` unless max by (job) (${series(ANY, 'steps', { state: '~"claimed|started"' })}) > 0`,
    for: '15m',
    severity: 'warning',
    summary: 'Steps are queued and none starts',
    description:
      '{{ $value }} steps are queued, and none started for 15 minutes. The queue in the console shows the reasons.',
  },
  {
    alert: 'DaisExecutionsFail',
    expr:
      `max by (job) (${series(ANY, 'executionsEnded', { state: 'failed' })})` +
      ` / sum by (job) (max by (job, state) (${series(ANY, 'executionsEnded')})) > 0.5` +
      ` and sum by (job) (max by (job, state) (${series(ANY, 'executionsEnded')})) >= 5`,
    for: '5m',
    severity: 'warning',
    summary: 'Most jobs and pipeline runs fail',
    description: '{{ $value | humanizePercentage }} of the jobs and pipeline runs of the last hour failed.',
  },
  {
    alert: 'DaisDiskLow',
    expr: `${series(ANY, 'diskFree')} / ${series(ANY, 'diskSize')} < 0.15`,
    for: '10m',
    severity: 'warning',
    summary: 'The disk is filling up',
    description:
      '{{ $value | humanizePercentage }} of the disk of {{ $labels.instance }} is free. Delete data with `dais gc`, or lower the retention.',
  },
  {
    alert: 'DaisDiskFull',
    expr: `${series(ANY, 'diskFree')} / ${series(ANY, 'diskSize')} < 0.05`,
    for: '1m',
    severity: 'critical',
    summary: 'The disk is nearly full',
    description:
      '{{ $value | humanizePercentage }} of the disk of {{ $labels.instance }} is free. Writes fail when it is full.',
  },
  {
    alert: 'DaisContentDamaged',
    expr: `max by (job) (${series(ANY, 'contentDamaged')}) > 0`,
    for: '0m',
    severity: 'critical',
    summary: 'Stored content is damaged',
    description:
      '{{ $value }} stored objects are damaged and are not served. `dais admin content` lists them with their owners. Upload the same bytes again to repair them.',
  },
  {
    alert: 'DaisArchiveLate',
    expr: `${series(ANY, 'archiveAge')} > 900`,
    for: '5m',
    severity: 'critical',
    summary: 'The archive of the database is late',
    description:
      'The newest archived change of {{ $labels.instance }} is {{ $value | humanizeDuration }} old. Later changes exist on its machine only. `dais doctor` shows why.',
  },
];

const endpoints: readonly Rule[] = [
  {
    alert: 'DaisEndpointErrors',
    expr:
      `${perEndpoint} (rate(${series(ANY, 'gateway.failures', served)}[5m]))` +
      ` / ${perEndpoint} (rate(${series(ANY, 'gateway.requests', served)}[5m])) > 0.05`,
    for: '5m',
    severity: 'critical',
    summary: 'High error rate of an endpoint',
    description:
      '{{ $value | humanizePercentage }} of the predictions of {{ $labels.project }}/{{ $labels.endpoint }} fail. `dais rollout status` shows the last change. `dais rollback` restores the previous version.',
  },
  {
    alert: 'DaisEndpointSheds',
    expr: `${perEndpoint} (rate(${series(ANY, 'gateway.shed', served)}[5m])) > 0`,
    for: '5m',
    severity: 'warning',
    summary: 'An endpoint rejects predictions because it is overloaded',
    description:
      '{{ $labels.project }}/{{ $labels.endpoint }} rejects {{ $value | humanize }} predictions per second. Add instances.',
  },
  {
    alert: 'DaisEndpointSlow',
    expr: `histogram_quantile(0.99, sum by (project, endpoint, le) (rate(${buckets(ANY, 'gateway.latency', served)}[5m]))) > 1`,
    for: '10m',
    severity: 'warning',
    summary: 'High latency of an endpoint',
    description: 'The p99 latency of {{ $labels.project }}/{{ $labels.endpoint }} is {{ $value | humanizeDuration }}.',
  },
  {
    alert: 'DaisPredictionsLost',
    expr: `sum by (job, instance, how) (increase(${series(ANY, 'gateway.lost')}[5m])) > 0`,
    for: '0m',
    severity: 'critical',
    summary: 'Predictions are not captured',
    description:
      '{{ $labels.instance }} could not capture {{ $value | humanize }} predictions within 5 minutes ({{ $labels.how }}). Monitors, explanations and lineage do not include them. The log has the reason; usually the disk is full or slow.',
  },
  {
    alert: 'DaisModelFailed',
    expr: `${series(ANY, 'gateway.models', { state: 'failed' })} > 0`,
    for: '5m',
    severity: 'critical',
    summary: 'A model could not be loaded',
    description:
      '{{ $value }} models of {{ $labels.instance }} failed to load. The status of their endpoints has the reason.',
  },
  {
    alert: 'DaisModelQuarantined',
    expr: `max by (project, name, version) (${series(ANY, 'gateway.quarantined')}) == 1`,
    for: '0m',
    severity: 'critical',
    summary: 'A model is quarantined because its process ended abnormally',
    description:
      'Version {{ $labels.version }} of model {{ $labels.name }} in project {{ $labels.project }} is not loaded. The status of its endpoints has the reason. Deploy another version, or load it again with `dais endpoint resume`.',
  },
  {
    alert: 'DaisModelCrashes',
    expr: `increase(${series(ANY, 'gateway.crashes')}[15m]) > 2`,
    for: '0m',
    severity: 'warning',
    summary: 'The process of a model keeps ending',
    description: '{{ $labels.model }} ended {{ $value | humanize }} times within 15 minutes. Check its memory limit.',
  },
];

const monitors: readonly Rule[] = [
  {
    alert: 'DaisMonitorBad',
    expr: `max by (project, monitor) (${series(ANY, 'monitorFailing')}) == 1`,
    for: '0m',
    severity: 'warning',
    summary: 'A monitor fails',
    description:
      'The newest window of the monitor {{ $labels.monitor }} in {{ $labels.project }} fails. Its page in the console shows the failing checks with their reasons.',
  },
  {
    alert: 'DaisMonitorsBlind',
    expr: `max by (job) (${series(ANY, 'monitors', { state: 'unknown' })}) > 0`,
    for: '6h',
    severity: 'warning',
    summary: 'Monitors have the status unknown',
    description: '{{ $value }} monitors have the status unknown. `dais monitor list` shows the reasons.',
  },
];

const ruleGroups = {
  'dais-server': server,
  'dais-work': work,
  'dais-endpoints': endpoints,
  'dais-monitors': monitors,
};

export function prometheusRules(): GeneratedFile {
  const groups = Object.entries(ruleGroups).map(([name, rules]) => ({
    name,
    rules: rules.map(({ alert, expr, for: holds, severity, summary, description }) => ({
      alert,
      expr,
      for: holds,
      labels: { severity },
      annotations: { summary, description },
    })),
  }));
  const head = '# Written by `npm run generate` from tools/generate/observability/prometheus-rules.ts.\n';
  return { path: PROMETHEUS_RULES, text: head + stringify({ groups }, { lineWidth: 0 }) };
}
