/** The lists of the protocols in which a gateway answers; see compose.ts. */
import type { ServingProtocol, ServingGrpcProtocol } from '#gateway/index.ts';
import { restProtocol, grpcProtocol } from '#protocols/open-inference/index.ts';
import { scoringProtocol, v1Protocol } from '#protocols/scoring/index.ts';

/** In the order of path matching; the first also responds to unknown paths. */
export function servingDoors(): readonly ServingProtocol[] {
  return [restProtocol(), scoringProtocol(), v1Protocol()];
}

export function servingRpcs(): readonly ServingGrpcProtocol[] {
  return [grpcProtocol()];
}
