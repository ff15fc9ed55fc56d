/** The dependencies of endpoints in the control process; see compose.ts. */
import type { ServingLedger, ServingDependencies } from '#ledgers/serving/index.ts';

export type { EndpointWork, GatewayAnswer, GatewayLink, ServingLedger } from '#ledgers/serving/index.ts';
export type { PredictOnce, BenchModel, ModelBench } from '#ledgers/serving/index.ts';
export { benchSnapshot, RecentFigures } from '#ledgers/serving/index.ts';

/** Endpoints: their active versions and rollouts. */
export async function loadServing(dependencies: Omit<ServingDependencies, 'artifactRoot'>): Promise<ServingLedger> {
  return (await import('#ledgers/serving/index.ts')).ledger.open({
    ...dependencies,
    artifactRoot: 'mlflow-artifacts:',
  });
}
