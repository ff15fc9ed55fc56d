/** Which models a node lacks that others serve. Pure. */
import type { GatewayFigures } from '@dais/api/gateway';
import { isReadyAt, stateAt } from '../endpoints/model-states.ts';
import type { GatewayView, NodeFiles } from './gateway-view.ts';

/**
 * Returns the labels of models that the first gateway does not have ready and another one has. A model that no gateway has
 * ready, and one that is quarantined, is not a matter of this node. `models`: labels by key.
 */
export function modelsBehind(
  [own, ...others]: readonly GatewayView[],
  models: ReadonlyMap<string, string>,
): readonly string[] {
  if (own === undefined || others.length === 0) return [];
  const labels = [...models].flatMap(([key, label]) => {
    if (isReadyAt(own, key) || stateAt(own, key, false).state === 'quarantined') return [];
    return others.some((gateway) => isReadyAt(gateway, key)) ? [label] : [];
  });
  return [...new Set(labels)].toSorted();
}

/** Whether a gateway has loaded each of these models, or cannot: it waits for none. `keys`: models that should have traffic. */
export function hasModels(
  keys: readonly string[],
  files: NodeFiles,
  figures: Pick<GatewayFigures, 'models'> | undefined,
): boolean {
  return keys.every((key) => {
    if (files[key]?.state === 'failed') return true;
    const state = figures?.models.find((one) => one.key === key)?.state;
    return state !== undefined && state !== 'loading';
  });
}
