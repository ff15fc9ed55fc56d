/** Endpoints, predictions and jobs on models; a separate entry, so that other commands and pages do not load it. */
export { parseServedModel, type ServedModelName } from '#serving/model-reference.ts';
export { predictionUrl, type EndpointLocation, type PredictionProtocol } from '#serving/prediction-url.ts';
export { endpointKind, endpointSpec, type EndpointSpec, type EndpointVariant } from '#kinds/endpoint.ts';
export type { ModelServer } from '#kinds/model-servers.ts';
export {
  abortRolloutOperation,
  deployOperation,
  invokeEndpointOperation,
  listInvocableOperation,
  MOST_INVOCABLE,
  listRolloutsOperation,
  pauseRolloutOperation,
  promoteRolloutOperation,
  readEndpointContractOperation,
  readEndpointFiguresOperation,
  resumeEndpointOperation,
  resumeRolloutOperation,
  rollBackOperation,
} from '#operations/serving.ts';
export type { EndpointContract, EndpointFigures, Rollout, RolloutFigures, RolloutState } from '#records/rollout.ts';
export { describeRolloutCheck } from './rollout-texts.ts';
export type { RolloutAnalysis, RolloutCheck, RolloutStep } from '#records/rollout.ts';
export { erasePredictionsOperation, exportPredictionsOperation } from '#operations/predictions.ts';
export { labelPredictionsOperation, listPredictionFilesOperation } from '#operations/predictions.ts';
export { listPredictionLabelsOperation, queryPredictionsOperation } from '#operations/predictions.ts';
export { readErasureOperation, readPredictionOperation, tailPredictionsOperation } from '#operations/predictions.ts';
export { unmaskPredictionsOperation } from '#operations/predictions.ts';
export { LOGGER_EVENT_TYPES, MOST_LABELS } from '#records/predictions.ts';
export type { Prediction, PredictionErasure, PredictionFile, PredictionLabel } from '#records/predictions.ts';
export type { PredictionRows } from '#records/predictions.ts';
export {
  listBlockedVersionsOperation,
  readModelScanOperation,
  reopenModelFindingOperation,
} from '#operations/model-safety.ts';
export { startModelScanOperation, waiveModelFindingOperation } from '#operations/model-safety.ts';
export type { BlockedVersion, ModelFinding, ModelScan, ModelScanResult } from '#records/model-safety.ts';
export { cancelModelJobOperation, listModelJobsOperation, readModelJobOperation } from '#operations/model-jobs.ts';
export { readModelJobRejectsOperation, startBatchPredictionOperation } from '#operations/model-jobs.ts';
export { modelConversionSchema } from '#records/model-jobs.ts';
export type { ModelConversion, PredictFunction } from '#records/model-jobs.ts';
export type { ModelJob, ModelJobProblem, ModelJobKind, ModelJobState } from '#records/model-jobs.ts';
export { testModelOperation } from '#operations/model-tests.ts';
export { modelTestSchema, modelTestsSchema, type ModelTest } from '#kinds/model-tests.ts';
export type { ModelTestResult, ModelTestRun } from '#records/model-tests.ts';
export { loadTestOperation } from '#operations/serving.ts';
export type { LoadTest } from '#records/load-test.ts';
export { explainPredictionOperation, listModelImportancesOperation } from '#operations/model-jobs.ts';
export { startModelConversionOperation, startModelImportanceOperation } from '#operations/model-jobs.ts';
export type { ModelImportance, PredictionExplanation } from '#records/explanations.ts';
