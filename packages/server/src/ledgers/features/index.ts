/** Exports of the feature ledger. */
import type { LedgerDefinition } from '#ledgers/ledger.ts';
import { forgetFeatures } from './admission.ts';
import { featuresLedger, type FeaturesLedger } from './features-ledger.ts';
import type { FeatureDependencies } from './features-dependencies.ts';
import { featuresSlice } from './features-slice.ts';
import { featureServiceNodes, featureViewNodes } from './lineage-nodes.ts';

export { admitEntity, admitFeatureService, admitFeatureView } from './admission.ts';
export { featuresLedger, type FeaturesLedger } from './features-ledger.ts';
export type { FeatureDependencies } from './features-dependencies.ts';
export { featuresSlice } from './features-slice.ts';
export { readOnlineState, type OnlineState } from './online-state.ts';
export { startMaterialization } from './materialize/start.ts';
export { formatMoment } from './values/moment.ts';
export { dataSources, type DataSourcesDependencies } from './data-sources.ts';

export const ledger: LedgerDefinition<FeatureDependencies & { readonly days: number }, FeaturesLedger> = {
  name: 'features',
  slice: featuresSlice,
  project: { remove: async (tx, { id }) => await forgetFeatures(tx, id) },
  lineageNodes: [featureViewNodes, featureServiceNodes],
  open: featuresLedger,
};
