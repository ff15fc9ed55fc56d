/** The lists of protocol adapters; see compose.ts. */
import { systemClock } from '#lib/clock.ts';
import type { FeastParts } from '#protocols/feast/index.ts';
import type { MlflowParts } from '#protocols/mlflow/index.ts';

/** Adapters of HTTP protocols. */
export async function protocolAdapters(parts: MlflowParts) {
  const { mlflowAdapter, mlflowProbes } = await import('#protocols/mlflow/index.ts');
  const { otlpAdapter } = await import('#protocols/otlp/index.ts');
  const { standardWebhooksAdapter } = await import('#protocols/standard-webhooks/index.ts');
  const { kfpAdapter, kfpProbe } = await import('#protocols/kfp/index.ts');
  const { feastDoor } = await import('#protocols/feast/index.ts');
  const feast = feastDoor({ ...parts, clock: systemClock });
  return [
    mlflowProbes(),
    mlflowAdapter(parts),
    standardWebhooksAdapter(parts),
    otlpAdapter(parts),
    kfpProbe(),
    kfpAdapter(parts),
    feast,
  ];
}

/** Adapters of gRPC protocols. */
export async function grpcAdapters(parts: FeastParts) {
  const { feastRegistry } = await import('#protocols/feast/index.ts');
  return [feastRegistry(parts)];
}
