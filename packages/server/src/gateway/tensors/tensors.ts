/** Tensor types for protocol adapters, so that they need no engine. */
export type {
  Datatype,
  InferenceEngine,
  ModelFiles,
  Tensor,
  TensorData,
  TensorSpec,
} from '#engines/inference/contract.ts';
