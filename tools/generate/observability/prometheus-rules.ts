/** Alerts for Prometheus: what somebody must look at, with what to look for. */
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

/** Queues whose jobs tell somebody outside. */
export const DELIVERIES = '~"webhook|alert|lineage-events"';
const served = { shadow: 'false' } as const;
const perEndpoint = 'sum by (project, endpoint)';

const server: readonly Rule[] = [
  {
    alert: 'DaisDown',
    expr: 'up{job=~"dais.*"} == 0',
    for: '2m',
    severity: 'critical',
    summary: 'A process of Dais does not answer',
    description:
      '{{ $labels.instance }} ({{ $labels.job }}) could not be scraped for 2 minutes. Look at its log; `dais doctor` says what is wrong.',
  },
  {
    alert: 'DaisDatabaseDown',
    expr: `${series(ANY, 'databaseUp')} == 0`,
    for: '1m',
    severity: 'critical',
    summary: 'The database does not answer Dais',
    description: 'While it lasts {{ $labels.instance }} answers with database_unavailable. Predictions go on.',
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
    summary: 'Dais answers with errors',
    description:
      '{{ $value | humanizePercentage }} of requests were answered with 5xx. The log has a line with the request id for each.',
  },
  {
    alert: 'DaisSlow',
    expr:
      `histogram_quantile(0.99, sum by (job, le) (rate(${buckets(ANY, 'requestDuration')}[10m]))) > 2` +
      ` and sum by (job) (rate(${counted(ANY, 'requestDuration')}[10m])) > 0.1`,
    for: '10m',
    severity: 'warning',
    summary: 'Dais answers slowly',
    description:
      'One request of a hundred takes longer than {{ $value | humanizeDuration }}. The dashboard shows which operations.',
  },
  {
    alert: 'DaisPoolExhausted',
    expr: `min_over_time(${series(ANY, 'databaseWaiting')}[5m]) > 0`,
    for: '5m',
    severity: 'warning',
    summary: 'Transactions wait for a connection to the database',
    description:
      'All connections of {{ $labels.instance }} were busy for 5 minutes: raise database.poolSize, or find what is slow.',
  },
  {
    alert: 'DaisEventsBehind',
    expr: `max by (job) (${series(ANY, 'eventsUnsequenced')}) > 1000`,
    for: '5m',
    severity: 'critical',
    summary: 'Events are not numbered',
    description: '{{ $value }} events wait for their place: watchers, webhooks and controllers see nothing new.',
  },
  {
    alert: 'DaisNoSequencer',
    expr: `max by (job) (${series(ANY, 'sequencing')}) == 0`,
    for: '2m',
    severity: 'critical',
    summary: 'No process numbers events',
    description:
      'No process of {{ $labels.job }} holds the lease. Is a process with the role controller or all running?',
  },
  {
    alert: 'DaisWatchStuck',
    expr: `${series(ANY, 'watchAge')} > 10`,
    for: '2m',
    severity: 'warning',
    summary: 'A process no longer reads the event stream',
    description:
      '{{ $labels.instance }} last read it {{ $value | humanizeDuration }} ago. Restart it if it does not recover.',
  },
];

const work: readonly Rule[] = [
  {
    alert: 'DaisDeliveriesBehind',
    expr: `sum by (job, queue) (max by (job, queue, state) (${series(ANY, 'jobs', { queue: DELIVERIES })})) > 500`,
    for: '15m',
    severity: 'warning',
    summary: 'Others are told late',
    description: '{{ $value }} deliveries of the queue {{ $labels.queue }} wait. Does the receiver answer?',
  },
  {
    alert: 'DaisJobsStand',
    expr:
      `sum by (job) (max by (job, queue) (${series(ANY, 'jobs', { state: 'waiting' })})) > 1000` +
      ` unless sum by (job) (max by (job, queue) (${series(ANY, 'jobs', { state: 'running' })})) > 0`,
    for: '15m',
    severity: 'critical',
    summary: 'Jobs wait and none runs',
    description: '{{ $value }} jobs wait. Is a process with the role controller or all running?',
  },
  {
    alert: 'DaisStepsStand',
    expr:
      `max by (job) (${series(ANY, 'steps', { state: 'ready' })}) > 0` +
      ` unless max by (job) (${series(ANY, 'steps', { state: '~"claimed|started"' })}) > 0`,
    for: '15m',
    severity: 'warning',
    summary: 'Steps are ready and none runs',
    description:
      '{{ $value }} steps wait and none was begun for 15 minutes. The queue in the console says what they wait for.',
  },
  {
    alert: 'DaisExecutionsFail',
    expr:
      `max by (job) (${series(ANY, 'executionsEnded', { state: 'failed' })})` +
      ` / sum by (job) (max by (job, state) (${series(ANY, 'executionsEnded')})) > 0.5` +
      ` and sum by (job) (max by (job, state) (${series(ANY, 'executionsEnded')})) >= 5`,
    for: '5m',
    severity: 'warning',
    summary: 'Most executions fail',
    description: '{{ $value | humanizePercentage }} of the executions of the last hour failed.',
  },
  {
    alert: 'DaisDiskLow',
    expr: `${series(ANY, 'diskFree')} / ${series(ANY, 'diskSize')} < 0.15`,
    for: '10m',
    severity: 'warning',
    summary: 'The disk of Dais is filling',
    description:
      '{{ $value | humanizePercentage }} of the disk of {{ $labels.instance }} is free. `dais gc` and retention say what may go.',
  },
  {
    alert: 'DaisDiskFull',
    expr: `${series(ANY, 'diskFree')} / ${series(ANY, 'diskSize')} < 0.05`,
    for: '1m',
    severity: 'critical',
    summary: 'The disk of Dais is nearly full',
    description:
      '{{ $value | humanizePercentage }} of the disk of {{ $labels.instance }} is free: soon nothing can be written.',
  },
  {
    alert: 'DaisContentDamaged',
    expr: `max by (job) (${series(ANY, 'contentDamaged')}) > 0`,
    for: '0m',
    severity: 'critical',
    summary: 'Stored content is damaged',
    description:
      '{{ $value }} stored objects are damaged and are not served. `dais admin content` lists them with their owners; uploading the same bytes again repairs them.',
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
    summary: 'An endpoint answers with errors',
    description:
      '{{ $value | humanizePercentage }} of the predictions of {{ $labels.project }}/{{ $labels.endpoint }} fail. `dais rollout status` says what changed, `dais deploy` brings back an earlier version.',
  },
  {
    alert: 'DaisEndpointSheds',
    expr: `${perEndpoint} (rate(${series(ANY, 'gateway.shed', served)}[5m])) > 0`,
    for: '5m',
    severity: 'warning',
    summary: 'An endpoint refuses predictions because it is full',
    description:
      '{{ $labels.project }}/{{ $labels.endpoint }} refuses {{ $value | humanize }} predictions a second: give it more instances.',
  },
  {
    alert: 'DaisEndpointSlow',
    expr: `histogram_quantile(0.99, sum by (project, endpoint, le) (rate(${buckets(ANY, 'gateway.latency', served)}[5m]))) > 1`,
    for: '10m',
    severity: 'warning',
    summary: 'An endpoint answers slowly',
    description:
      'One prediction of a hundred of {{ $labels.project }}/{{ $labels.endpoint }} takes longer than {{ $value | humanizeDuration }}.',
  },
  {
    alert: 'DaisPredictionsLost',
    expr: `sum by (job, instance, how) (increase(${series(ANY, 'gateway.lost')}[5m])) > 0`,
    for: '0m',
    severity: 'critical',
    summary: 'Predictions are not written down',
    description:
      '{{ $labels.instance }} could not write down {{ $value | humanize }} predictions within 5 minutes ({{ $labels.how }}): monitors, explanations and lineage do not know of them. Its log says why; nearly always its disk is full or slow.',
  },
  {
    alert: 'DaisModelFailed',
    expr: `${series(ANY, 'gateway.models', { state: 'failed' })} > 0`,
    for: '5m',
    severity: 'critical',
    summary: 'A model could not be loaded',
    description: '{{ $value }} models of {{ $labels.instance }} failed. The status of their endpoints says why.',
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
    summary: 'The process of a model ends again and again',
    description: '{{ $labels.model }} ended {{ $value | humanize }} times within 15 minutes. Is its memory enough?',
  },
];

const monitors: readonly Rule[] = [
  {
    alert: 'DaisMonitorBad',
    expr: `max by (project, monitor) (${series(ANY, 'monitorBad')}) == 1`,
    for: '0m',
    severity: 'warning',
    summary: 'A monitor found something',
    description:
      'The newest window of the monitor {{ $labels.monitor }} in {{ $labels.project }} is bad. Its page in the console says which check, and why.',
  },
  {
    alert: 'DaisMonitorsBlind',
    expr: `max by (job) (${series(ANY, 'monitors', { state: 'unknown' })}) > 0`,
    for: '6h',
    severity: 'warning',
    summary: 'Monitors cannot judge',
    description: '{{ $value }} monitors do not know how it is. `dais monitor list` says what they lack.',
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
