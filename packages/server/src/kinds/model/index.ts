import { modelKind } from '@dais/api/registry';
import type { KindDefinition } from '#kernel/kind.ts';
import { admitModel, registrySlice } from '#ledgers/registry/index.ts';

/** The desired state of a model. Its versions are in the registry, which has a record for each model. */
export function model(
  clock: { readonly now: () => number },
  { facts }: Pick<KindDefinition, 'facts'> = {},
): KindDefinition {
  return {
    spec: modelKind,
    slice: registrySlice,
    ...(facts !== undefined && { facts }),
    admit: async (tx, change) => {
      await admitModel(tx, change, clock.now());
      return {};
    },
  };
}
