/** Exports of the feature ledger. */
import type { LedgerDefinition } from '#ledgers/ledger.ts';
import { forgetFeatures } from './admission.ts';
import { featuresLedger, type FeaturesLedger } from './features-ledger.ts';
import type { FeatureParts } from './features-parts.ts';
import { featuresSlice } from './features-slice.ts';
import { featureServiceNodes, featureViewNodes } from './lineage-nodes.ts';

export { admitEntity, admitFeatureService, admitFeatureView } from './admission.ts';
export { featuresLedger, type FeaturesLedger } from './features-ledger.ts';
export type { FeatureParts } from './features-parts.ts';
export { featuresSlice } from './features-slice.ts';
export { readOnlineState, type OnlineState } from './online-state.ts';
export { startMaterialization } from './materialize/start.ts';
export { formatMoment } from './values/moment.ts';
export { dataSources, type DataSourcesParts } from './data-sources.ts';

export const ledger: LedgerDefinition<FeatureParts & { readonly days: number }, FeaturesLedger> = {
  name: 'features',
  slice: featuresSlice,
  project: { remove: async (tx, { id }) => await forgetFeatures(tx, id) },
  lineageNodes: [featureViewNodes, featureServiceNodes],
  open: featuresLedger,
};
