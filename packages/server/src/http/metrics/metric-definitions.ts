/** Every metric of Dais itself; docs/reference/metrics.md is generated from this list. */
export interface MetricDefinition {
  readonly name: `dais_${string}`;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds, in the unit of the name. */
  readonly buckets?: readonly number[];
}

/** From the median of 2 ms of a read to the 30 s timeout of statements. */
const SECONDS = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] as const;

export const metricDefinitions = {
  info: {
    name: 'dais_info',
    type: 'gauge',
    help: 'Always 1; the labels identify the version of Dais.',
    labels: ['version', 'role'],
  },
  requestDuration: {
    name: 'dais_http_request_duration_seconds',
    type: 'histogram',
    help: 'Duration from the received headers of a request to the end of its response. Excludes streams.',
    labels: ['operation', 'status'],
    buckets: SECONDS,
  },
  requestsRunning: {
    name: 'dais_http_requests_running',
    type: 'gauge',
    help: 'Requests in progress, including streams.',
    labels: [],
  },
  streams: { name: 'dais_http_streams', type: 'gauge', help: 'Open watch streams.', labels: [] },
  queries: {
    name: 'dais_queries',
    type: 'gauge',
    help: 'Queries over datasets, by state: `running`, `pending`.',
    labels: ['state'],
  },
  databaseUp: {
    name: 'dais_database_up',
    type: 'gauge',
    help: '1 if the database responded to this scrape, else 0; metrics that are read from the database are then missing.',
    labels: [],
  },
  databaseConnections: {
    name: 'dais_database_connections',
    type: 'gauge',
    help: 'Connections of the pool, by state: `busy`, `idle`.',
    labels: ['state'],
  },
  databaseWaiting: {
    name: 'dais_database_waiting',
    type: 'gauge',
    help: 'Transactions that wait for a connection.',
    labels: [],
  },
  archiveAge: {
    name: 'dais_database_archive_age_seconds',
    type: 'gauge',
    help: 'Age of the newest archived change of the embedded database: what a loss of the machine would lose. Only with `database.archive`.',
    labels: ['store'],
  },
  archivePending: {
    name: 'dais_database_archive_pending_bytes',
    type: 'gauge',
    help: 'Size of the write-ahead log that waits for the archive.',
    labels: ['store'],
  },
  archiveBaseAge: {
    name: 'dais_database_archive_base_age_seconds',
    type: 'gauge',
    help: 'Age of the newest base backup in the archive.',
    labels: ['store'],
  },
  watchReaders: {
    name: 'dais_watch_readers',
    type: 'gauge',
    help: 'Readers of the event stream in this process.',
    labels: [],
  },
  watchAge: {
    name: 'dais_watch_age_seconds',
    type: 'gauge',
    help: 'Time since this process last read the event stream; normally below 1 s.',
    labels: [],
  },
  eventsUnsequenced: {
    name: 'dais_events_unsequenced',
    type: 'gauge',
    help: 'Committed events without a position in the stream: the lag of the sequencer.',
    labels: [],
  },
  sequencing: {
    name: 'dais_sequencer_leader',
    type: 'gauge',
    help: '1 in the process that assigns positions to events, 0 in the others.',
    labels: [],
  },
  reconcileQueue: {
    name: 'dais_reconcile_queue',
    type: 'gauge',
    help: 'Resources in the queue of the controllers, by state: `due`, `running`.',
    labels: ['state'],
  },
  jobs: { name: 'dais_jobs', type: 'gauge', help: 'Jobs, by queue and state.', labels: ['queue', 'state'] },
  steps: {
    name: 'dais_steps',
    type: 'gauge',
    help: 'Steps of jobs and pipeline runs, by state: `ready` waits in the queue, `claimed` starts, `started` runs.',
    labels: ['state'],
  },
  computeRequested: {
    name: 'dais_compute_requested',
    type: 'gauge',
    help: 'Resources requested by running steps, by resource: cores, bytes of memory, devices.',
    labels: ['resource'],
  },
  computeCapacity: {
    name: 'dais_compute_capacity',
    type: 'gauge',
    help: 'Capacity of the machines that run steps, by resource: cores, bytes of memory, devices.',
    labels: ['resource'],
  },
  egressRefused: {
    name: 'dais_steps_connections_refused_total',
    type: 'counter',
    help: 'Connections of steps that the outbound guard refused.',
    labels: [],
  },
  egressBytes: {
    name: 'dais_steps_network_bytes_total',
    type: 'counter',
    help: 'Bytes transferred over closed connections of steps to other servers, by direction: `sent`, `received`.',
    labels: ['direction'],
  },
  executionsEnded: {
    name: 'dais_executions_ended_last_hour',
    type: 'gauge',
    help: 'Jobs and pipeline runs that ended within the last hour, by state: `succeeded`, `failed`, `canceled`.',
    labels: ['state'],
  },
  diskFree: {
    name: 'dais_disk_free_bytes',
    type: 'gauge',
    help: 'Free bytes on the disk of the data folder.',
    labels: [],
  },
  diskSize: {
    name: 'dais_disk_size_bytes',
    type: 'gauge',
    help: 'Size of the disk of the data folder.',
    labels: [],
  },
  contentDamaged: {
    name: 'dais_content_damaged_objects',
    type: 'gauge',
    help: 'Damaged stored objects; `dais admin content` lists them.',
    labels: [],
  },
  contentCheckedObjects: {
    name: 'dais_content_checked_objects',
    type: 'gauge',
    help: 'Stored objects checked by all passes of the scrub.',
    labels: [],
  },
  contentCheckedBytes: {
    name: 'dais_content_checked_bytes',
    type: 'gauge',
    help: 'Bytes of stored objects checked by all passes of the scrub.',
    labels: [],
  },
  contentScrubProgress: {
    name: 'dais_content_scrub_progress_ratio',
    type: 'gauge',
    help: 'Share of the bytes checked in the current pass of the scrub; 1 after the last pass finished.',
    labels: [],
  },
  monitors: {
    name: 'dais_monitors',
    type: 'gauge',
    help: 'Monitors, by the status of the newest window: `passing`, `failing`, `unknown`, `pending`, `suspended`.',
    labels: ['state'],
  },
  monitorAlerts: {
    name: 'dais_monitor_alerts_open',
    type: 'gauge',
    help: 'Open alerts of monitors, by severity.',
    labels: ['severity'],
  },
  monitorFailing: {
    name: 'dais_monitor_failing',
    type: 'gauge',
    help: 'Status of the newest window of a monitor: 1 if failing, 0 if passing, absent if the result is unknown. The first 1,000 monitors.',
    labels: ['project', 'monitor'],
  },
  monitorValue: {
    name: 'dais_monitor_value',
    type: 'gauge',
    help: 'Metrics of monitors: share of drifted columns, performance of the newest window with ground truth, estimated performance, fairness, latency and burn rates. The first 5,000.',
    labels: ['project', 'monitor', 'check', 'metric', 'column'],
  },
} as const satisfies Record<string, MetricDefinition>;
