/** The data plane: routes, queues, batches and responses of predictions, without the control plane or a database. */
export { readBodies } from './bodies/body-reader.ts';
export { BodyThread, LONG_BODY, type ReadBody } from './bodies/body-thread.ts';
export type { CaptureSink } from './predictions/capture.ts';
export type { GatewayStats } from './metrics/gateway-stats.ts';
export { startGateway } from './gateway.ts';
export type { Gateway } from './options.ts';
export type {
  MetadataRoute,
  ServingRoute,
  EndpointAddress,
  ExplainMethod,
  InferResponse,
  InferRequest,
  OpenedRequest,
  Parameters,
  GrpcRoute,
  GrpcMetadataRoute,
  ServedDescription,
  ServedEndpointView,
  ServedVariantView,
  ServedView,
  ServingCall,
  ServingProtocol,
  ServingReply,
  ServingGrpcProtocol,
} from './serving-protocol.ts';
export type { Datatype, Tensor, TensorData, TensorSpec } from './tensors/tensors.ts';
export { arrayOver, elementBytes, ElementWriter, isDatatype } from './tensors/tensor-elements.ts';
export type { InputTable } from './tables/to-tensors.ts';
export { toTensors } from './tables/to-tensors.ts';
