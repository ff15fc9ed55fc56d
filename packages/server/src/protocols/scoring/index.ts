/** Predictions from tables and lists: MLflow's scoring protocol, and the KServe V1 protocol. */
export { scoringProtocol } from './scoring-door.ts';
export { v1Protocol } from './v1-door.ts';
