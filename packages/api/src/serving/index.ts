/** What gateways and control planes say to each other; an entry of its own, so that a command or page loads none of it. */
export {
  servedEndpointSchema,
  servedModelSchema,
  servedVariantSchema,
  snapshotSchema,
  type ServedEndpoint,
  type ServedModel,
  type ServedVariant,
  type Snapshot,
} from './snapshot.ts';
export { endpointHash, predictionId, readPredictionId, type PredictionPlace } from './prediction-id.ts';
export { gatewayFiguresSchema, LATENCY_BUCKETS_MS } from '#serving/figures.ts';
export type { GatewayFigures, ModelFigures, VariantFigures } from '#serving/figures.ts';
