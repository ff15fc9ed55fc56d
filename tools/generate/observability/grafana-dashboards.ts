/** Dashboards for Grafana: one of the server, one of endpoints. Imported as they are; they ask for the data source. */
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
  /** `now`: one figure; `table`: a row for each series, of now; else a line over time. */
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
/** Figures that every process reads from the one database count once. */
const once = (labels: string, of: string) => `max by (${labels}) (${of})`;

function serverRows(chosen: Around): readonly Row[] {
  const rate = (of: string) => `rate(${of}[${RATE}])`;
  const quantile = (q: number) => `histogram_quantile(${q}, sum by (le) (${rate(buckets(chosen, 'requestDuration'))}))`;
  return [
    {
      title: 'Now',
      panels: [
        {
          title: 'Processes up',
          unit: 'short',
          form: 'now',
          queries: [{ expr: 'sum(up{job=~"$job"})', legend: 'up' }],
        },
        {
          title: 'Database',
          unit: 'bool_on_off',
          form: 'now',
          queries: [{ expr: `min(${series(chosen, 'databaseUp')})`, legend: 'database' }],
        },
        {
          title: 'Alerts of monitors',
          unit: 'short',
          form: 'now',
          queries: [{ expr: `sum(${once('severity', series(chosen, 'monitorAlerts'))}) or vector(0)`, legend: 'open' }],
        },
        {
          title: 'Free disk',
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
          title: 'Requests by status',
          unit: 'reqps',
          queries: [{ expr: `sum by (status) (${rate(counted(chosen, 'requestDuration'))})`, legend: '{{status}}' }],
        },
        {
          title: 'Errors',
          unit: 'percentunit',
          note: 'Share of requests that were answered with 5xx.',
          queries: [
            {
              expr: `(sum(${rate(counted(chosen, 'requestDuration', { status: '~"5.."' }))}) or vector(0)) / sum(${rate(counted(chosen, 'requestDuration'))})`,
              legend: '5xx',
            },
          ],
        },
        {
          title: 'Latency',
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
          title: 'Running',
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
          title: 'Pool',
          unit: 'short',
          queries: [
            { expr: `sum by (state) (${series(chosen, 'databaseConnections')})`, legend: '{{state}}' },
            { expr: `sum(${series(chosen, 'databaseWaiting')})`, legend: 'transactions that wait' },
          ],
        },
        {
          title: 'Events',
          unit: 'short',
          queries: [
            { expr: `max(${series(chosen, 'eventsUnsequenced')})`, legend: 'without a place' },
            { expr: `sum(${series(chosen, 'watchReaders')})`, legend: 'readers' },
            { expr: `sum(${series(chosen, 'sequencing')})`, legend: 'processes that number them' },
          ],
        },
        {
          title: 'Age of the watch',
          unit: 's',
          queries: [{ expr: series(chosen, 'watchAge'), legend: '{{instance}}' }],
        },
      ],
    },
    {
      title: 'Work',
      panels: [
        {
          title: 'Jobs',
          unit: 'short',
          queries: [{ expr: once('queue, state', series(chosen, 'jobs')), legend: '{{queue}} {{state}}' }],
        },
        {
          title: 'Deliveries',
          unit: 'short',
          note: 'Webhooks, alerts and lineage that are to be told to others.',
          queries: [
            {
              expr: once('queue, state', series(chosen, 'jobs', { queue: DELIVERIES })),
              legend: '{{queue}} {{state}}',
            },
          ],
        },
        {
          title: 'Controllers',
          unit: 'short',
          queries: [{ expr: once('state', series(chosen, 'reconcileQueue')), legend: '{{state}}' }],
        },
        {
          title: 'Steps of executions',
          unit: 'short',
          queries: [{ expr: once('state', series(chosen, 'steps')), legend: '{{state}}' }],
        },
        {
          title: 'Executions that ended within the last hour',
          unit: 'short',
          queries: [{ expr: once('state', series(chosen, 'executionsEnded')), legend: '{{state}}' }],
        },
      ],
    },
    {
      title: 'Monitors',
      panels: [
        {
          title: 'Monitors',
          unit: 'short',
          queries: [{ expr: once('state', series(chosen, 'monitors')), legend: '{{state}}' }],
        },
        {
          title: 'Open alerts',
          unit: 'short',
          queries: [{ expr: once('severity', series(chosen, 'monitorAlerts')), legend: '{{severity}}' }],
        },
        {
          title: 'Bad now',
          unit: 'short',
          form: 'table',
          queries: [
            {
              expr: `${once('project, monitor', series(chosen, 'monitorBad'))} == 1`,
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
          title: 'Disk of the data folder',
          unit: 'bytes',
          queries: [
            { expr: series(chosen, 'diskFree'), legend: 'free {{instance}}' },
            { expr: series(chosen, 'diskSize'), legend: 'size {{instance}}' },
          ],
        },
        {
          title: 'Memory',
          unit: 'bytes',
          queries: [{ expr: process(chosen, 'process_resident_memory_bytes'), legend: '{{instance}}' }],
        },
        {
          title: 'Processor',
          unit: 'short',
          queries: [{ expr: rate(process(chosen, 'process_cpu_seconds_total')), legend: '{{instance}}' }],
        },
        {
          title: 'Event loop (p99)',
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
          title: 'Rate',
          unit: 'reqps',
          queries: [{ expr: `sum by (${by}) (${rate(series(chosen, 'gateway.requests', seen))})`, legend }],
        },
        {
          title: 'Rows',
          unit: 'short',
          queries: [{ expr: `sum by (${by}) (${rate(series(chosen, 'gateway.rows', seen))})`, legend }],
        },
        { title: 'Latency', unit: 's', queries: [0.5, 0.99].map(quantile) },
        {
          title: 'Errors',
          unit: 'percentunit',
          note: 'Share of predictions that were answered with 5xx.',
          queries: [
            {
              expr: `sum by (${by}) (${rate(series(chosen, 'gateway.failures', seen))}) / sum by (${by}) (${rate(series(chosen, 'gateway.requests', seen))})`,
              legend,
            },
          ],
        },
        {
          title: 'Refused',
          unit: 'reqps',
          queries: [
            { expr: `sum by (${by}) (${rate(series(chosen, 'gateway.refused', seen))})`, legend: `4xx ${legend}` },
            { expr: `sum by (${by}) (${rate(series(chosen, 'gateway.shed', seen))})`, legend: `full ${legend}` },
          ],
        },
        {
          title: 'Shadows',
          unit: 'reqps',
          queries: [
            { expr: `sum by (${by}) (${rate(series(chosen, 'gateway.requests', { shadow: 'true' }))})`, legend },
            { expr: `sum by (${by}) (${rate(series(chosen, 'gateway.shadowDropped'))})`, legend: `not sent ${legend}` },
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
          title: 'Queue',
          unit: 'short',
          note: 'Rows that wait for an instance.',
          queries: [{ expr: `sum by (model) (${series(models, 'gateway.waitingRows')})`, legend: '{{model}}' }],
        },
        {
          title: 'Instances',
          unit: 'short',
          queries: [
            { expr: `sum by (model) (${series(models, 'gateway.workers')})`, legend: '{{model}}' },
            { expr: `sum by (model) (${series(models, 'gateway.running')})`, legend: '{{model}} busy' },
          ],
        },
        {
          title: 'Memory',
          unit: 'bytes',
          queries: [{ expr: `sum by (model) (${series(models, 'gateway.memory')})`, legend: '{{model}}' }],
        },
        {
          title: 'Crashes',
          unit: 'short',
          queries: [
            { expr: `sum by (model) (increase(${series(models, 'gateway.crashes')}[${RATE}]))`, legend: '{{model}}' },
          ],
        },
        {
          title: 'Last load',
          unit: 's',
          queries: [{ expr: `max by (model) (${series(models, 'gateway.coldStart')})`, legend: '{{model}}' }],
        },
        {
          title: 'Snapshot',
          unit: 'short',
          note: 'Replicas that serve different revisions did not hear of the newest.',
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
    description: 'Predictions as the gateways answer them, and the models behind.',
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
