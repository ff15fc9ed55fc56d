/** Predictions from tables and lists: MLflow's scoring protocol, and the KServe V1 protocol. */
export { scoringDoor } from './scoring-door.ts';
export { v1Door } from './v1-door.ts';
