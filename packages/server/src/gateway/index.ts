/** The data plane: routes, queues, batches and answers of predictions, without the control plane and without a database. */
export type { CapturedPrediction, CaptureSink } from './capture.ts';
export type { GatewayStats, ModelSlotStats, VariantStats } from './gateway-stats.ts';
export { startGateway } from './gateway.ts';
export type { Gateway, GatewayListen, GatewayOptions, SwapOutcome } from './options.ts';
export type {
  AnswerMatch,
  DoorMatch,
  EndpointAddress,
  ExplainMethod,
  ExplainRequest,
  Explanation,
  InferAnswer,
  InferMatch,
  InferRequest,
  OpenedRequest,
  Parameters,
  RpcMethod,
  RpcAnswer,
  ServedDescription,
  ServedEndpointView,
  ServedVariantView,
  ServedView,
  ServingCall,
  ServingDoor,
  ServingReply,
  ServingRpc,
} from './serving-door.ts';
export type { Datatype, InferenceEngine, ModelFiles, Tensor, TensorData, TensorSpec } from './tensors.ts';
export { arrayOver, elementBytes, ElementWriter, isDatatype } from './tensor-elements.ts';
