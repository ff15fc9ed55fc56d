import { featureServiceKind } from '@dais/api/data';
import type { KindDefinition } from '#kernel/kind.ts';
import { admitFeatureService } from '#ledgers/features/index.ts';

/** The features of one model. */
export const featureService: KindDefinition = {
  spec: featureServiceKind,
  admit: async (tx, change) => {
    await admitFeatureService(tx, change);
    return {};
  },
};
