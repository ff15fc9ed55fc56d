/** Pipelines, schedules, pipeline runs and jobs. */
export { pipelineIssues } from '#kinds/pipeline-check.ts';
export { pipelineKind, pipelineSpec } from '#kinds/pipeline.ts';
export type { PipelineSpec, PipelineStep } from '#kinds/pipeline.ts';
export { scheduleKind, scheduleSpec } from '#kinds/schedule.ts';
export { targetKind, type TargetSpec } from '#kinds/target.ts';
export { DEFAULT_MAX_TASKS } from '#kinds/target-cluster.ts';
export { probeTargetOperation } from '#operations/targets.ts';
export {
  EXECUTIONS_COUNTED,
  archiveExecutionsOperation,
  resumeExecutionOperation,
  searchExecutionsOperation,
} from '#operations/execution-search.ts';
export {
  listComputeOperation,
  listExecutionEdgesOperation,
  readExecutionGraphOperation,
  readExecutionQueueOperation,
  readExecutionStepOperation,
} from '#operations/execution-views.ts';
export {
  cancelExecutionOperation,
  deleteExecutionOperation,
  followExecutionLogOperation,
  listExecutionAttemptsOperation,
  listExecutionFilesOperation,
  listExecutionNodesOperation,
  listExecutionsOperation,
  readExecutionFileOperation,
  readExecutionLogOperation,
  readExecutionOperation,
  retryExecutionOperation,
  submitExecutionOperation,
  uploadForExecutionOperation,
} from '#operations/executions.ts';
export type { ExecutionStepInput, SubmitExecutionInput } from '#operations/executions.ts';
export {
  PIPELINES_COUNTED,
  labelPipelineOperation,
  searchPipelineVersionsOperation,
  searchPipelinesOperation,
  startExecutionOperation,
} from '#operations/pipeline-search.ts';
export type { PipelineHead } from '#operations/pipeline-search.ts';
export {
  createPipelineVersionOperation,
  deletePipelineVersionOperation,
  graphPipelineOperation,
  listPipelineVersionsOperation,
  readPipelineVersionOperation,
  runPipelineOperation,
} from '#operations/pipelines.ts';
export { RECURRENCES_COUNTED, searchRecurrencesOperation } from '#operations/recurrence-search.ts';
export {
  backfillRecurrenceOperation,
  callScheduleOperation,
  createRecurrenceOperation,
  deleteRecurrenceOperation,
  enableRecurrenceOperation,
  listFiresOperation,
  listRecurrencesOperation,
  listTimesOperation,
  readRecurrenceOperation,
} from '#operations/recurrences.ts';
export type { CreateRecurrenceInput } from '#operations/recurrences.ts';
export { conditionReferences, parseCondition } from '#pipelines/condition.ts';
export type { ConditionExpression } from '#pipelines/condition.ts';
export { isZone, readCron } from '#pipelines/cron.ts';
export { parameterIssues } from '#pipelines/parameters.ts';
export type { PipelineParameters } from '#pipelines/parameters.ts';
export type {
  ComputeLimits,
  ComputeNode,
  ComputeUse,
  ExecutionEdge,
  ExecutionMark,
  ExecutionQueue,
  ExecutionStep,
  ExecutionWait,
  ProjectCompute,
} from '#records/execution-view.ts';
export type {
  Execution,
  ExecutionAttempt,
  ExecutionLog,
  ExecutionNode,
  ExecutionState,
  ExecutionValue,
} from '#records/execution.ts';
export { isolationSummary } from '#records/isolation.ts';
export type { IsolationInfo } from '#records/isolation.ts';
export type { PipelineGraph, PipelineVersion } from '#records/pipeline.ts';
export type { Fire, Overlap, Recurrence, Starting } from '#records/recurrence.ts';
