/** The ledger of serving: the versions that endpoints serve, and their rollouts. */
import type { LedgerDefinition } from '#ledgers/ledger.ts';
import { deleteServing } from './admission.ts';
import { notifyPublishers } from './endpoint-rows.ts';
import { endpointNodes } from './lineage-nodes.ts';
import { servingLedger, type ServingLedger, type ServingParts } from './serving-ledger.ts';
import { servingSlice } from './serving-slice.ts';
import { endpointStarts, listServing, servedVariants } from './upstream-starts.ts';

export { admitEndpoint } from './admission.ts';
export { fetchModel, type FetchOptions, type FetchedModel } from './bring-model.ts';
export { benchSnapshot } from './bench-snapshot.ts';
export { type EndpointRow, type QuarantinedModel, type QuarantinedModels } from './endpoint-rows.ts';
export type { EndpointEffect, EndpointFacts, EndpointWork, ModelState } from './endpoint-work.ts';
export type { GatewayAnswer, GatewayLink } from './gateway-link.ts';
export { RecentFigures } from './live-figures.ts';
export { describeModel, type DescribedModel } from './model-description.ts';
export { storeModel, readModels, type ModelRow } from './model-rows.ts';
export { safetyOf, type ModelSafety } from './model-safety.ts';
export { resolveModel, type FoundModel, type Resolution } from './model-source.ts';
export type { EndpointResource, GatewayAccess } from './publisher.ts';
export { weightOf, type RolloutRow, type StepResult } from './rollout-rows.ts';
export type { ServingLedger, ServingParts } from './serving-ledger.ts';
export type { BenchModel, ModelBench } from './test-bench.ts';
export type { PredictOnce } from './model-tests.ts';
export { servingSlice } from './serving-slice.ts';
export type { EndpointUsage, UsageInPeriod } from './usage-ledger.ts';

export const ledger: LedgerDefinition<ServingParts, ServingLedger> = {
  name: 'serving',
  slice: servingSlice,
  project: {
    change: notifyPublishers,
    remove: async (tx, { id }) => await deleteServing(tx, id),
  },
  lineageNodes: [endpointNodes],
  facts: () => ({
    production: { kind: 'Endpoint', starts: endpointStarts, list: listServing, variants: servedVariants },
  }),
  open: servingLedger,
};
