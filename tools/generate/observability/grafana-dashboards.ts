/**
 * Dashboards for Grafana: one of the server, one of endpoints. They can be imported unchanged; Grafana asks for the
 * data source.
 */
import type { GeneratedFile } from '../generated-file.ts';
import { DELIVERIES } from './prometheus-rules.ts';
import { buckets, counted, series, type Around } from './series.ts';

const GRAFANA_FOLDER = 'deploy/grafana';

interface Query {
  readonly expr: string;
  readonly legend: string;
}

interface Panel {
  readonly title: string;
  readonly unit: string;
  readonly queries: readonly Query[];
  /** `now`: the current value; `table`: the current value of each series; otherwise a line over time. */
  readonly form?: 'now' | 'table';
  readonly note?: string;
}

interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly variables: readonly { readonly name: string; readonly label: string; readonly query: string }[];
  readonly rows: readonly Row[];
}

const RATE = '$__rate_interval';
/** Counts a metric once that every process reads from the shared database. */
const once = (labels: string, of: string) => `max by (${labels}) (${of})`;

function serverRows(chosen: Around): readonly Row[] {
  const rate = (of: string) => `rate(${of}[${RATE}])`;
  const quantile = (q: number) => `histogram_quantile(${q}, sum by (le) (${rate(buckets(chosen, 'requestDuration'))}))`;
  return [
    {
      title: 'Overview',
      panels: [
        {
          title: 'Running processes',
          unit: 'short',
          form: 'now',
          queries: [{ expr: 'sum(up{job=~"$job"})', legend: 'up' }],
        },
        {
          title: 'Database availability',
          unit: 'bool_on_off',
          form: 'now',
          queries: [{ expr: `min(${series(chosen, 'databaseUp')})`, legend: 'database' }],
        },
        {
          title: 'Open alerts',
          unit: 'short',
          form: 'now',
          queries: [{ expr: `sum(${once('severity', series(chosen, 'monitorAlerts'))}) or vector(0)`, legend: 'open' }],
        },
        {
          title: 'Free disk space',
          unit: 'percentunit',
          form: 'now',
          queries: [{ expr: `min(${series(chosen, 'diskFree')} / ${series(chosen, 'diskSize')})`, legend: 'free' }],
        },
        {
          title: 'Versions',
          unit: 'short',
          form: 'table',
          queries: [{ expr: `sum by (version, role) (${series(chosen, 'info')})`, legend: '{{version}} {{role}}' }],
        },
      ],
    },
    {
      title: 'API',
      panels: [
        {
          title: 'Request rate by status',
          unit: 'reqps',
          queries: [{ expr: `sum by (status) (${rate(counted(chosen, 'requestDuration'))})`, legend: '{{status}}' }],
        },
        {
          title: 'Error rate',
          unit: 'percentunit',
          note: 'Share of requests with a 5xx response.',
          queries: [
            {
              expr: `(sum(${rate(counted(chosen, 'requestDuration', { status: '~"5.."' }))}) or vector(0)) / sum(${rate(counted(chosen, 'requestDuration'))})`,
              legend: '5xx',
            },
          ],
        },
        {
          title: 'Request latency',
          unit: 's',
          queries: [0.5, 0.95, 0.99].map((q) => ({ expr: quantile(q), legend: `p${q * 100}` })),
        },
        {
          title: 'Slowest operations (p99)',
          unit: 's',
          queries: [
            {
              expr: `topk(10, histogram_quantile(0.99, sum by (operation, le) (${rate(buckets(chosen, 'requestDuration'))})))`,
              legend: '{{operation}}',
            },
          ],
        },
        {
          title: 'Active requests, streams and queries',
          unit: 'short',
          queries: [
            { expr: `sum(${series(chosen, 'requestsRunning')})`, legend: 'requests' },
            { expr: `sum(${series(chosen, 'streams')})`, legend: 'watch streams' },
            { expr: `sum by (state) (${series(chosen, 'queries')})`, legend: 'queries {{state}}' },
          ],
        },
      ],
    },
    {
      title: 'Database',
      panels: [
        {
          title: 'Connection pool',
          unit: 'short',
          queries: [
            { expr: `sum by (state) (${series(chosen, 'databaseConnections')})`, legend: '{{state}}' },
            { expr: `sum(${series(chosen, 'databaseWaiting')})`, legend: 'waiting transactions' },
          ],
        },
        {
          title: 'Event sequencing',
          unit: 'short',
          queries: [
            { expr: `max(${series(chosen, 'eventsUnsequenced')})`, legend: 'unsequenced events' },
            { expr: `sum(${series(chosen, 'watchReaders')})`, legend: 'watch readers' },
            { expr: `sum(${series(chosen, 'sequencing')})`, legend: 'sequencer processes' },
          ],
        },
        {
          title: 'Watch delay',
          unit: 's',
          queries: [{ expr: series(chosen, 'watchAge'), legend: '{{instance}}' }],
        },
      ],
    },
    {
      title: 'Jobs and pipelines',
      panels: [
        {
          title: 'Jobs by queue and state',
          unit: 'short',
          queries: [{ expr: once('queue, state', series(chosen, 'jobs')), legend: '{{queue}} {{state}}' }],
        },
        {
          title: 'Deliveries by queue and state',
          unit: 'short',
          note: 'Webhooks, alerts and lineage events for other systems.',
          queries: [
            {
              expr: once('queue, state', series(chosen, 'jobs', { queue: DELIVERIES })),
              legend: '{{queue}} {{state}}',
            },
          ],
        },
        {
          title: 'Reconcile queue by state',
          unit: 'short',
          queries: [{ expr: once('state', series(chosen, 'reconcileQueue')), legend: '{{state}}' }],
        },
        {
          title: 'Steps by state',
          unit: 'short',
          queries: [{ expr: once('state', series(chosen, 'steps')), legend: '{{state}}' }],
        },
        {
          title: 'Completed executions by status (last hour)',
          unit: 'short',
          queries: [{ expr: once('state', series(chosen, 'executionsEnded')), legend: '{{state}}' }],
        },
      ],
    },
    {
      title: 'Monitors',
      panels: [
        {
          title: 'Monitors by state',
          unit: 'short',
          queries: [{ expr: once('state', series(chosen, 'monitors')), legend: '{{state}}' }],
        },
        {
          title: 'Open alerts by severity',
          unit: 'short',
          queries: [{ expr: once('severity', series(chosen, 'monitorAlerts')), legend: '{{severity}}' }],
        },
        {
          title: 'Failing monitors',
          unit: 'short',
          form: 'table',
          queries: [
            {
              expr: `${once('project, monitor', series(chosen, 'monitorFailing'))} == 1`,
              legend: '{{project}}/{{monitor}}',
            },
          ],
        },
      ],
    },
    {
      title: 'Machine',
      panels: [
        {
          title: 'Disk usage of the data folder',
          unit: 'bytes',
          queries: [
            { expr: series(chosen, 'diskFree'), legend: 'free {{instance}}' },
            { expr: series(chosen, 'diskSize'), legend: 'size {{instance}}' },
          ],
        },
        {
          title: 'Resident memory',
          unit: 'bytes',
          queries: [{ expr: process(chosen, 'process_resident_memory_bytes'), legend: '{{instance}}' }],
        },
        {
          title: 'CPU usage (cores)',
          unit: 'short',
          queries: [{ expr: rate(process(chosen, 'process_cpu_seconds_total')), legend: '{{instance}}' }],
        },
        {
          title: 'Event loop delay (p99)',
          unit: 's',
          queries: [{ expr: process(chosen, 'nodejs_eventloop_lag_p99_seconds'), legend: '{{instance}}' }],
        },
      ],
    },
  ];
}

function endpointRows(chosen: Around, models: Around): readonly Row[] {
  const rate = (of: string) => `rate(${of}[${RATE}])`;
  const by = 'project, endpoint, variant, version';
  const legend = '{{endpoint}} {{variant}} v{{version}}';
  const seen = { shadow: 'false' } as const;
  const quantile = (q: number): Query => ({
    expr: `histogram_quantile(${q}, sum by (endpoint, le) (${rate(buckets(chosen, 'gateway.latency', seen))}))`,
    legend: `{{endpoint}} p${q * 100}`,
  });
  return [
    {
      title: 'Predictions',
      panels: [
        {
          title: 'Request rate',
          unit: 'reqps',
          queries: [{ expr: `sum by (${by}) (${rate(series(chosen, 'gateway.requests', seen))})`, legend }],
        },
        {
          title: 'Row rate',
          unit: 'short',
          queries: [{ expr: `sum by (${by}) (${rate(series(chosen, 'gateway.rows', seen))})`, legend }],
        },
        { title: 'Request latency', unit: 's', queries: [0.5, 0.99].map(quantile) },
        {
          title: 'Error rate',
          unit: 'percentunit',
          note: 'Share of predictions with a 5xx response.',
          queries: [
            {
              expr: `sum by (${by}) (${rate(series(chosen, 'gateway.failures', seen))}) / sum by (${by}) (${rate(series(chosen, 'gateway.requests', seen))})`,
              legend,
            },
          ],
        },
        {
          title: 'Rejected requests',
          unit: 'reqps',
          queries: [
            { expr: `sum by (${by}) (${rate(series(chosen, 'gateway.refused', seen))})`, legend: `4xx ${legend}` },
            { expr: `sum by (${by}) (${rate(series(chosen, 'gateway.shed', seen))})`, legend: `overload ${legend}` },
          ],
        },
        {
          title: 'Shadow requests',
          unit: 'reqps',
          queries: [
            { expr: `sum by (${by}) (${rate(series(chosen, 'gateway.requests', { shadow: 'true' }))})`, legend },
            { expr: `sum by (${by}) (${rate(series(chosen, 'gateway.shadowDropped'))})`, legend: `dropped ${legend}` },
          ],
        },
      ],
    },
    {
      title: 'Models',
      panels: [
        {
          title: 'Models by state',
          unit: 'short',
          queries: [{ expr: `sum by (state) (${series(models, 'gateway.models')})`, legend: '{{state}}' }],
        },
        {
          title: 'Queued rows',
          unit: 'short',
          note: 'Rows that wait for an instance.',
          queries: [{ expr: `sum by (model) (${series(models, 'gateway.waitingRows')})`, legend: '{{model}}' }],
        },
        {
          title: 'Model instances',
          unit: 'short',
          queries: [
            { expr: `sum by (model) (${series(models, 'gateway.workers')})`, legend: '{{model}}' },
            { expr: `sum by (model) (${series(models, 'gateway.running')})`, legend: '{{model}} busy' },
          ],
        },
        {
          title: 'Model memory',
          unit: 'bytes',
          queries: [{ expr: `sum by (model) (${series(models, 'gateway.memory')})`, legend: '{{model}}' }],
        },
        {
          title: 'Model crashes',
          unit: 'short',
          queries: [
            { expr: `sum by (model) (increase(${series(models, 'gateway.crashes')}[${RATE}]))`, legend: '{{model}}' },
          ],
        },
        {
          title: 'Model load duration',
          unit: 's',
          queries: [{ expr: `max by (model) (${series(models, 'gateway.coldStart')})`, legend: '{{model}}' }],
        },
        {
          title: 'Snapshot revision',
          unit: 'short',
          note: 'Replicas with an older revision have not received the newest snapshot.',
          queries: [{ expr: series(models, 'gateway.revision'), legend: '{{instance}}' }],
        },
      ],
    },
  ];
}

const dashboards: readonly Dashboard[] = [
  {
    uid: 'dais-server',
    title: 'Dais: server',
    description: 'Requests, database, queues, executions, monitors and disk of the processes of Dais.',
    variables: [{ name: 'job', label: 'Job', query: 'label_values(dais_info, job)' }],
    rows: serverRows({ chosen: 'job=~"$job"' }),
  },
  {
    uid: 'dais-endpoints',
    title: 'Dais: endpoints',
    description: 'Predictions and models of the gateways.',
    variables: [
      { name: 'job', label: 'Job', query: 'label_values(dais_gateway_revision, job)' },
      { name: 'project', label: 'Project', query: 'label_values(dais_gateway_requests_total{job=~"$job"}, project)' },
      {
        name: 'endpoint',
        label: 'Endpoint',
        query: 'label_values(dais_gateway_requests_total{job=~"$job",project=~"$project"}, endpoint)',
      },
    ],
    rows: endpointRows({ chosen: 'job=~"$job",project=~"$project",endpoint=~"$endpoint"' }, { chosen: 'job=~"$job"' }),
  },
];

export function grafanaDashboards(): readonly GeneratedFile[] {
  return dashboards.map((dashboard) => ({
    path: `${GRAFANA_FOLDER}/${dashboard.uid}.json`,
    text: `${JSON.stringify(grafanaModel(dashboard), undefined, 2)}\n`,
  }));
}

/** Metrics that every program with prom-client has. */
function process({ chosen }: Around, name: string): string {
  return `${name}{${chosen}}`;
}

const SOURCE = { type: 'prometheus', uid: '${datasource}' };
const WIDTH = 24;

function grafanaModel({ uid, title, description, variables, rows }: Dashboard): unknown {
  let y = 0;
  let id = 0;
  const panels = rows.flatMap((row) => {
    const head = {
      id: ++id,
      type: 'row',
      title: row.title,
      collapsed: false,
      panels: [],
      gridPos: { x: 0, y, w: WIDTH, h: 1 },
    };
    y += 1;
    const across = row.panels.length > 4 ? 3 : row.panels.length;
    const small = row.panels.every(({ form }) => form !== undefined);
    const h = small ? 5 : 8;
    const w = small ? Math.floor(WIDTH / row.panels.length) : Math.floor(WIDTH / across);
    const perLine = small ? row.panels.length : across;
    const placed = row.panels.map((panel, at) => ({
      id: ++id,
      gridPos: { x: (at % perLine) * w, y: y + Math.floor(at / perLine) * h, w, h },
      ...panelModel(panel),
    }));
    y += Math.ceil(row.panels.length / perLine) * h;
    return [head, ...placed];
  });
  return {
    uid,
    title,
    description,
    tags: ['dais'],
    editable: true,
    graphTooltip: 1,
    refresh: '30s',
    schemaVersion: 38,
    time: { from: 'now-3h', to: 'now' },
    timezone: 'browser',
    templating: {
      list: [
        { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus', current: {}, hide: 0 },
        ...variables.map(({ name, label, query }) => ({
          name,
          label,
          type: 'query',
          datasource: SOURCE,
          definition: query,
          query: { query, refId: name },
          includeAll: true,
          multi: true,
          allValue: '.*',
          current: { selected: true, text: ['All'], value: ['$__all'] },
          refresh: 2,
          sort: 1,
          hide: 0,
        })),
      ],
    },
    annotations: { list: [] },
    panels,
  };
}

function panelModel({ title, unit, queries, form, note }: Panel): Record<string, unknown> {
  const instant = form !== undefined;
  return {
    type: form === 'now' ? 'stat' : form === 'table' ? 'table' : 'timeseries',
    title,
    ...(note !== undefined && { description: note }),
    datasource: SOURCE,
    targets: queries.map(({ expr, legend }, at) => ({
      refId: String.fromCodePoint(65 + at),
      datasource: SOURCE,
      expr,
      legendFormat: legend,
      ...(instant && { instant: true, range: false }),
      ...(form === 'table' && { format: 'table' }),
    })),
    fieldConfig: {
      defaults: { unit, min: 0, ...(form === undefined && { custom: { fillOpacity: 10, showPoints: 'never' } }) },
      overrides: [],
    },
    options:
      form === undefined
        ? { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } }
        : form === 'now'
          ? { reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false } }
          : {},
  };
}
