/** The lists of protocol adapters; see compose.ts. */
import { systemClock } from '#lib/clock.ts';
import type { FeastDependencies } from '#protocols/feast/index.ts';
import type { MlflowDependencies } from '#protocols/mlflow/index.ts';

/** Adapters of HTTP protocols. */
export async function protocolAdapters(dependencies: MlflowDependencies) {
  const { mlflowAdapter, mlflowProbes } = await import('#protocols/mlflow/index.ts');
  const { otlpAdapter } = await import('#protocols/otlp/index.ts');
  const { standardWebhooksAdapter } = await import('#protocols/standard-webhooks/index.ts');
  const { kfpAdapter, kfpProbe } = await import('#protocols/kfp/index.ts');
  const { feastDoor } = await import('#protocols/feast/index.ts');
  const { scimAdapter } = await import('#protocols/scim/index.ts');
  const feast = feastDoor({ ...dependencies, clock: systemClock });
  return [
    mlflowProbes(),
    mlflowAdapter(dependencies),
    standardWebhooksAdapter(dependencies),
    otlpAdapter(dependencies),
    kfpProbe(),
    kfpAdapter(dependencies),
    scimAdapter(dependencies),
    feast,
  ];
}

/** Adapters of gRPC protocols. */
export async function grpcAdapters(dependencies: FeastDependencies) {
  const { feastRegistry } = await import('#protocols/feast/index.ts');
  return [feastRegistry(dependencies)];
}
