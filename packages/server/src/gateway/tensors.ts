/** What doors say of tensors, so that they need no engine. */
export type {
  Datatype,
  InferenceEngine,
  ModelFiles,
  Tensor,
  TensorData,
  TensorSpec,
} from '#engines/inference/contract.ts';
