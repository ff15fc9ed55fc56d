/** Every metric of a gateway; docs/reference/metrics.md is generated from this list. */
const VARIANT = ['project', 'endpoint', 'variant', 'version', 'shadow'] as const;

export const gatewayMetrics = {
  requests: {
    name: 'dais_gateway_requests_total',
    type: 'counter',
    help: 'Prediction requests with a response, successful or not.',
    labels: VARIANT,
  },
  failures: {
    name: 'dais_gateway_failures_total',
    type: 'counter',
    help: 'Prediction requests with a response status of 500 or higher.',
    labels: VARIANT,
  },
  refused: {
    name: 'dais_gateway_refused_total',
    type: 'counter',
    help: 'Prediction requests with a response status from 400 to 499.',
    labels: VARIANT,
  },
  shed: {
    name: 'dais_gateway_shed_total',
    type: 'counter',
    help: 'Prediction requests rejected because the queue was full or the timeout too short.',
    labels: VARIANT,
  },
  rows: { name: 'dais_gateway_rows_total', type: 'counter', help: 'Rows sent to the model.', labels: VARIANT },
  shadowDropped: {
    name: 'dais_gateway_shadow_dropped_total',
    type: 'counter',
    help: 'Shadow copies of requests dropped because the shadow queue was full.',
    labels: VARIANT,
  },
  kept: {
    name: 'dais_gateway_predictions_kept_total',
    type: 'counter',
    help: 'Predictions captured.',
    labels: [],
  },
  lost: {
    name: 'dais_gateway_predictions_lost_total',
    type: 'counter',
    help: 'Predictions not captured: `dropped` requests still got a response (`spec.capture.overflow` of the Endpoint), `shed` requests were rejected.',
    labels: ['how'],
  },
  cut: {
    name: 'dais_gateway_predictions_cut_total',
    type: 'counter',
    help: 'Predictions captured without their tensors, which exceeded the size limit.',
    labels: [],
  },
  keeping: {
    name: 'dais_gateway_predictions_pending_bytes',
    type: 'gauge',
    help: 'Predictions that wait to be written to disk.',
    labels: [],
  },
  latency: {
    name: 'dais_gateway_latency_seconds',
    type: 'histogram',
    help: 'Duration from the received request body to the response.',
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
    help: '1 while the model is quarantined because its process repeatedly ended abnormally, else 0.',
    labels: ['model', 'project', 'name', 'version'],
  },
  waitingRows: {
    name: 'dais_gateway_waiting_rows',
    type: 'gauge',
    help: 'Rows that wait for an instance of the model.',
    labels: ['model'],
  },
  running: { name: 'dais_gateway_running', type: 'gauge', help: 'Model runs in progress.', labels: ['model'] },
  workers: {
    name: 'dais_gateway_workers',
    type: 'gauge',
    help: 'Instances of the model; 0 while it is scaled to zero.',
    labels: ['model'],
  },
  coldStart: {
    name: 'dais_gateway_cold_start_seconds',
    type: 'gauge',
    help: 'Duration of the last load of the model.',
    labels: ['model'],
  },
  memory: {
    name: 'dais_gateway_model_memory_bytes',
    type: 'gauge',
    help: 'Memory used by the model, as reported by its engine.',
    labels: ['model'],
  },
  crashes: {
    name: 'dais_gateway_crashes_total',
    type: 'counter',
    help: 'Times that a process of the model ended unexpectedly.',
    labels: ['model'],
  },
  revision: {
    name: 'dais_gateway_revision',
    type: 'gauge',
    help: 'Revision of the active snapshot.',
    labels: [],
  },
} as const;
