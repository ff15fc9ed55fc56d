/** The ledger of serving: what answers at endpoints, and how one version took over from another. */
export { admitEndpoint, forgetServing } from './admission.ts';
export { bringModel, type BringParts, type BroughtModel } from './bring-model.ts';
export { benchSnapshot } from './bench-snapshot.ts';
export { tellGateways, type EndpointRow } from './endpoint-rows.ts';
export type { EndpointEffect, EndpointFacts, EndpointWork, ModelState } from './endpoint-work.ts';
export type { GatewayAnswer, GatewayLink } from './gateway-link.ts';
export { endpointNodes } from './lineage-nodes.ts';
export { RecentFigures } from './live-figures.ts';
export { describeModel, type DescribedModel } from './model-description.ts';
export { keepModel, readModels, type ModelRow } from './model-rows.ts';
export { safetyOf, type ModelSafety } from './model-safety.ts';
export { resolveModel, type FoundModel, type Resolution } from './model-source.ts';
export type { AskedEndpoint, GatewayAccess } from './publisher.ts';
export { weightOf, type RolloutRow, type StepResult } from './rollout-rows.ts';
export { servingLedger, type ServingLedger, type ServingParts } from './serving-ledger.ts';
export type { BenchModel, ModelBench } from './test-bench.ts';
export type { AskModel } from './model-tests.ts';
export { servingSlice } from './serving-slice.ts';
