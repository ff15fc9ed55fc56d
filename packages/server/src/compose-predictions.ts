/** What predictions and the safety of models stand on; see compose.ts. */
import type { PredictionsLedger, PredictionsParts } from '#ledgers/predictions/index.ts';
import type { SafetyLedger, SafetyParts } from '#ledgers/safety/index.ts';

/** What endpoints answered. */
export async function loadPredictions(parts: PredictionsParts): Promise<PredictionsLedger> {
  return (await import('#ledgers/predictions/index.ts')).predictionsLedger(parts);
}

/** What is in the files of model versions. */
export async function loadSafety(parts: Omit<SafetyParts, 'artifactRoot'>): Promise<SafetyLedger> {
  return (await import('#ledgers/safety/index.ts')).safetyLedger({ ...parts, artifactRoot: 'mlflow-artifacts:' });
}
