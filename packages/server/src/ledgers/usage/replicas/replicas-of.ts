/** Derives the replicas of a gateway from its report. */
import type { GatewayFigures } from '@dais/api/gateway';

/** A model of a variant that is loaded in a gateway. */
export interface Replica {
  /** Name of the project. */
  readonly project: string;
  readonly endpoint: string;
  readonly variant: string;
  /** Key of the loaded model in the gateway. */
  readonly slot: string;
  /** Processes of the model, divided by the variants that share them: the sum over all variants is the number of processes. */
  readonly replicas: number;
}

/** Returns the loaded models. A model without processes, which loads with the next request, is none. */
export function replicasOf({ models, variants }: Pick<GatewayFigures, 'models' | 'variants'>): readonly Replica[] {
  const loaded = new Map(
    models.flatMap(({ key, state, workers }) => (state === 'ready' && workers > 0 ? [[key, workers] as const] : [])),
  );
  const found = variants.flatMap(({ project, endpoint, variant, model, shadow = false }) => {
    const copy = `shadow:${model}`;
    const slot = shadow && models.some(({ key }) => key === copy) ? copy : model;
    return loaded.has(slot) ? [{ project, endpoint, variant, slot }] : [];
  });
  return found.map((one) => {
    const among = found.filter(({ slot }) => slot === one.slot).length;
    return { ...one, replicas: (loaded.get(one.slot) ?? 0) / among };
  });
}

/** Identifies a replica within a gateway, with what it counts as: another number of processes is another interval. */
export function replicaKey({ project, endpoint, variant, slot, replicas }: Replica): string {
  return JSON.stringify([project, endpoint, variant, slot, Math.round(replicas * 1e6)]);
}
