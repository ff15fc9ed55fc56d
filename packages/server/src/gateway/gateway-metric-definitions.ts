/** Every metric that a gateway has; docs/reference/metrics.md is generated from this list. */
const VARIANT = ['project', 'endpoint', 'variant', 'version', 'shadow'] as const;

export const gatewayMetrics = {
  requests: {
    name: 'dais_gateway_requests_total',
    type: 'counter',
    help: 'Predictions that were answered, well or not.',
    labels: VARIANT,
  },
  failures: {
    name: 'dais_gateway_failures_total',
    type: 'counter',
    help: 'Predictions that were answered with a status of 500 or above.',
    labels: VARIANT,
  },
  refused: {
    name: 'dais_gateway_refused_total',
    type: 'counter',
    help: 'Predictions that were answered with a status of 400 to 499.',
    labels: VARIANT,
  },
  shed: {
    name: 'dais_gateway_shed_total',
    type: 'counter',
    help: 'Predictions that were refused because the queue was full or the time too short.',
    labels: VARIANT,
  },
  rows: { name: 'dais_gateway_rows_total', type: 'counter', help: 'Rows that the model was given.', labels: VARIANT },
  shadowDropped: {
    name: 'dais_gateway_shadow_dropped_total',
    type: 'counter',
    help: 'Copies for a shadow that were not sent because its queue was full.',
    labels: VARIANT,
  },
  kept: {
    name: 'dais_gateway_predictions_kept_total',
    type: 'counter',
    help: 'Predictions that were written down.',
    labels: [],
  },
  lost: {
    name: 'dais_gateway_predictions_lost_total',
    type: 'counter',
    help: 'Predictions that could not be written down: `dropped` ones were answered all the same (`spec.capture.overflow` of the Endpoint), `shed` ones refused.',
    labels: ['how'],
  },
  cut: {
    name: 'dais_gateway_predictions_cut_total',
    type: 'counter',
    help: 'Predictions that were written down without their tensors, which were too large.',
    labels: [],
  },
  keeping: {
    name: 'dais_gateway_predictions_pending_bytes',
    type: 'gauge',
    help: 'Of predictions that are being written down.',
    labels: [],
  },
  latency: {
    name: 'dais_gateway_latency_seconds',
    type: 'histogram',
    help: 'Time from the body of a request to its answer.',
    labels: VARIANT,
  },
  models: {
    name: 'dais_gateway_models',
    type: 'gauge',
    help: 'Models, by state: `ready`, `idle`, `loading`, `failed`, `quarantined`.',
    labels: ['state'],
  },
  quarantined: {
    name: 'dais_gateway_model_quarantined',
    type: 'gauge',
    help: 'Whether the model is quarantined because its process ended abnormally twice.',
    labels: ['model', 'project', 'name', 'version'],
  },
  waitingRows: {
    name: 'dais_gateway_waiting_rows',
    type: 'gauge',
    help: 'Rows that wait for an instance of the model.',
    labels: ['model'],
  },
  running: { name: 'dais_gateway_running', type: 'gauge', help: 'Runs of the model under way.', labels: ['model'] },
  workers: {
    name: 'dais_gateway_workers',
    type: 'gauge',
    help: 'Instances of the model; 0 while it sleeps.',
    labels: ['model'],
  },
  coldStart: {
    name: 'dais_gateway_cold_start_seconds',
    type: 'gauge',
    help: 'How long the last load of the model took.',
    labels: ['model'],
  },
  memory: {
    name: 'dais_gateway_model_memory_bytes',
    type: 'gauge',
    help: 'Memory of the model, as its engine has it.',
    labels: ['model'],
  },
  crashes: {
    name: 'dais_gateway_crashes_total',
    type: 'counter',
    help: 'Times that a process of the model ended by itself.',
    labels: ['model'],
  },
  revision: {
    name: 'dais_gateway_revision',
    type: 'gauge',
    help: 'Revision of the snapshot that is served.',
    labels: [],
  },
} as const;
