/** Predictions from tables and lists: MLflow's scoring protocol, and the first protocol of KServe. */
export { scoringDoor } from './scoring-door.ts';
export { v1Door } from './v1-door.ts';
