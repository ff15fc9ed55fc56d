/** The dependencies of endpoints in the control process; see compose.ts. */
import type { KeyStore } from '#engines/keys/contract.ts';
import type { ServingLedger, ServingDependencies } from '#ledgers/serving/index.ts';

export type { EndpointWork, GatewayAnswer, GatewayLink, ServingLedger } from '#ledgers/serving/index.ts';
export type { PredictOnce, BenchModel, ModelBench } from '#ledgers/serving/index.ts';
export { benchSnapshot, RecentFigures } from '#ledgers/serving/index.ts';

/** Endpoints: their active versions and rollouts. */
export async function loadServing({
  keys,
  ...dependencies
}: Omit<ServingDependencies, 'artifactRoot' | 'findCredential'> & { readonly keys: KeyStore }): Promise<ServingLedger> {
  const [{ ledger }, { findSecretValue, openSecretValue }] = await Promise.all([
    import('#ledgers/serving/index.ts'),
    import('#kinds/secret/index.ts'),
  ]);
  return ledger.open({
    ...dependencies,
    findCredential: async (tx, { projectId, ...reference }) => {
      const found = await findSecretValue(tx, projectId, reference);
      if (found === undefined) return undefined;
      const print = `${found.secretUid} ${found.print.toString('base64')}`;
      return { print, open: async () => await openSecretValue(keys, found) };
    },
    artifactRoot: 'mlflow-artifacts:',
  });
}
