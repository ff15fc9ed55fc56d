/** The lists of the doors of foreign languages; see compose.ts. */
import { systemClock } from '#lib/clock.ts';
import type { FeastParts } from '#protocols/feast/index.ts';
import type { MlflowParts } from '#protocols/mlflow/index.ts';

/** The doors of foreign languages. */
export async function protocolDoors(parts: MlflowParts) {
  const { mlflowDoor, mlflowProbes } = await import('#protocols/mlflow/index.ts');
  const { otlpDoor } = await import('#protocols/otlp/index.ts');
  const { hooksDoor } = await import('#protocols/standard-webhooks/index.ts');
  const { kfpAdapter, kfpProbe } = await import('#protocols/kfp/index.ts');
  const { feastDoor } = await import('#protocols/feast/index.ts');
  const feast = feastDoor({ ...parts, clock: systemClock });
  return [mlflowProbes(), mlflowDoor(parts), hooksDoor(parts), otlpDoor(parts), kfpProbe(), kfpAdapter(parts), feast];
}

/** The doors of foreign languages that are spoken over gRPC. */
export async function grpcDoors(parts: FeastParts) {
  const { feastRegistry } = await import('#protocols/feast/index.ts');
  return [feastRegistry(parts)];
}
