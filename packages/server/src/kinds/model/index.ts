import { modelKind } from '@dais/api';
import type { KindDefinition } from '#kernel/kind.ts';
import { admitModel, registrySlice } from '#ledgers/registry/index.ts';

/** What a person wants of a model. What became of it is in the registry, which keeps a record beside each. */
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
