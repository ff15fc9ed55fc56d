/** The ledger of serving: the versions that endpoints serve, and their rollouts. */
import type { LedgerDefinition } from '#ledgers/ledger.ts';
import { deleteServing } from './endpoints/admission.ts';
import { notifyPublishers } from './endpoints/endpoint-rows.ts';
import { endpointNodes, endpointStarts, listServing, servedVariants } from './lineage.ts';
import { servingLedger, type ServingLedger, type ServingDependencies } from './serving-ledger.ts';
import { servingSlice } from './serving-slice.ts';

export { admitEndpoint } from './endpoints/admission.ts';
export { fetchModel, type FetchOptions, type FetchedModel } from './models/fetch-model.ts';
export { benchSnapshot } from './publishing/bench-snapshot.ts';
export { type EndpointRow, type QuarantinedModel, type QuarantinedModels } from './endpoints/endpoint-rows.ts';
export type { EndpointEffect, EndpointFacts, EndpointWork, RolloutEnd } from './endpoints/endpoint-work.ts';
export type { GatewayCoverage, ModelState } from './endpoints/model-states.ts';
export type { GatewayAnswer, GatewayLink } from './publishing/gateway-link.ts';
export { RecentFigures } from './publishing/gateway-counters.ts';
export { describeModel, type DescribedModel } from './models/model-description.ts';
export { storeModel, readModels, type ModelRow } from './models/model-rows.ts';
export { safetyOf, type ModelSafety } from './models/model-safety.ts';
export { resolveModel, type FoundModel, type Resolution } from './models/model-source.ts';
export type { EndpointResource, GatewayAccess } from './publishing/publisher.ts';
export type { StepFacts } from './rollouts/rollout-counters.ts';
export {
  addInterval,
  analyzeEvidence,
  settingsOf,
  type RolloutEvidence,
  type RolloutInterval,
} from './rollouts/rollout-evidence.ts';
export { weightOf, type RecordedInterval, type RolloutRow, type StepResult } from './rollouts/rollout-rows.ts';
export type { ServingLedger, ServingDependencies } from './serving-ledger.ts';
export type { BenchModel, ModelBench } from './model-tests/test-bench.ts';
export type { PredictOnce } from './model-tests/model-tests.ts';
export { servingSlice } from './serving-slice.ts';
export type { EndpointUsage, UsageInPeriod } from './usage/usage-ledger.ts';

export const ledger: LedgerDefinition<ServingDependencies, ServingLedger> = {
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
