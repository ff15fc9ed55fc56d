/** The lists of the protocols in which a gateway answers; see compose.ts. */
import type { ServingProtocol, ServingGrpcProtocol } from '#gateway/index.ts';
import { restProtocol, grpcProtocol } from '#protocols/open-inference/index.ts';
import { scoringProtocol, v1Protocol } from '#protocols/scoring/index.ts';

/** Asked in this order which of them owns an address; the first also tells of addresses that nobody owns. */
export function servingDoors(): readonly ServingProtocol[] {
  return [restProtocol(), scoringProtocol(), v1Protocol()];
}

export function servingRpcs(): readonly ServingGrpcProtocol[] {
  return [grpcProtocol()];
}
