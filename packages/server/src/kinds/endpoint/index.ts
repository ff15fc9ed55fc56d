import { endpointKind } from '@dais/api/serving';
import type { KindDefinition } from '#kernel/kind.ts';
import { admitEndpoint, servingSlice, type EndpointWork } from '#ledgers/serving/index.ts';
import { endpointController } from './endpoint-controller.ts';

/** Where models answer. What is served there and how it came there is in the ledger of serving. */
export function endpoint(work?: () => EndpointWork, { facts }: Pick<KindDefinition, 'facts'> = {}): KindDefinition {
  return {
    spec: endpointKind,
    slice: servingSlice,
    ...(facts !== undefined && { facts }),
    admit: async (tx, change) => {
      await admitEndpoint(tx, change);
      return {};
    },
    ...(work !== undefined && { controller: endpointController(work) }),
  };
}
