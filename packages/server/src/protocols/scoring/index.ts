/** Predictions from tables and lists: MLflow's scoring protocol, and the KServe V1 protocol. */
export { scoringProtocol } from './scoring-protocol.ts';
export { v1Protocol } from './v1-protocol.ts';
