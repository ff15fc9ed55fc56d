/** The ledger of features: what they are now, what they were at any moment, and what brings them where they are read. */
export { admitEntity, admitFeatureService, admitFeatureView, forgetFeatures } from './admission.ts';
export { featuresLedger, type FeaturesLedger } from './features-ledger.ts';
export type { FeatureParts } from './features-parts.ts';
export { featuresSlice } from './features-slice.ts';
export { featureServiceNodes, featureViewNodes } from './lineage-nodes.ts';
export { readOnlineState, type OnlineState } from './online-state.ts';
export { startMaterialization } from './materialize/start.ts';
export { formatMoment } from './values/moment.ts';
export { dataSources, type DataSourcesParts } from './data-sources.ts';
