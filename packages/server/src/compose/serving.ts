/** The lists of the protocols in which a gateway answers; see compose.ts. */
import type { ServingDoor, ServingRpc } from '#gateway/index.ts';
import { restDoor, rpcDoor } from '#protocols/open-inference/index.ts';
import { scoringDoor, v1Door } from '#protocols/scoring/index.ts';

/** In the order of path matching; the first also responds to unknown paths. */
export function servingDoors(): readonly ServingDoor[] {
  return [restDoor(), scoringDoor(), v1Door()];
}

export function servingRpcs(): readonly ServingRpc[] {
  return [rpcDoor()];
}
