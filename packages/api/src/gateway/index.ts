/** The protocol between gateways and control planes; a separate entry, so that a gateway loads no other schemas. */
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
export {
  gatewayFiguresSchema,
  LATENCY_BUCKETS_MS,
  type GatewayFigures,
  type ModelFigures,
  type VariantFigures,
} from './figures.ts';
export { endpointHash, predictionId, readPredictionId, type PredictionPosition } from './prediction-id.ts';
