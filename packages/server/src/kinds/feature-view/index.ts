import { featureViewKind } from '@dais/api/data';
import type { KindDefinition } from '#kernel/kind.ts';
import { admitFeatureView, featuresSlice } from '#ledgers/features/index.ts';
import { featureViewController } from './feature-view-controller.ts';

/** Features, where they come from and how long they are true. Their values are in the ledger of features. */
export function featureView(clock: { readonly now: () => number }): KindDefinition {
  return {
    spec: featureViewKind,
    slice: featuresSlice,
    admit: async (tx, change) => {
      await admitFeatureView(tx, change);
      return {};
    },
    controller: featureViewController(clock),
  };
}
