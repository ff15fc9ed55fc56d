/** Experiments, runs, metrics, artifacts, traces, assessments and evaluation datasets. */
export {
  artifactFileOperations,
  listArtifactFilesOperation,
  readArtifactFileOperation,
} from '#operations/artifact-files.ts';
export {
  MOST_PARTS,
  abortUploadOperation,
  artifactOperations,
  beginUploadOperation,
  completeUploadOperation,
  deleteArtifactOperation,
  fetchArtifactOperation,
  linkArtifactOperation,
  listArtifactsOperation,
  putPartOperation,
  readArtifactOperation,
  showArtifactOperation,
  writeArtifactOperation,
} from '#operations/artifacts.ts';
export type { NewAssessment } from '#operations/assessment-input.ts';
export {
  assessmentOperations,
  createAssessmentOperation,
  deleteAssessmentOperation,
  readAssessmentOperation,
  updateAssessmentOperation,
} from '#operations/assessments.ts';
export {
  commentOperations,
  createRunCommentOperation,
  createVersionCommentOperation,
  deleteRunCommentOperation,
  deleteVersionCommentOperation,
  listMentionsOperation,
  listRunCommentsOperation,
  listVersionCommentsOperation,
  readMentionsOperation,
  removeRunCommentOperation,
  removeVersionCommentOperation,
  updateRunCommentOperation,
  updateVersionCommentOperation,
} from '#operations/comments.ts';
export {
  createEvaluationDatasetOperation,
  deleteEvaluationDatasetOperation,
  evaluationDatasetOperations,
  linkEvaluationDatasetOperation,
  listEvaluationRecordsOperation,
  mergeEvaluationRecordsOperation,
  readEvaluationDatasetOperation,
  removeEvaluationRecordsOperation,
  searchDatasetsOperation,
  searchEvaluationDatasetsOperation,
  tagEvaluationDatasetOperation,
  untagEvaluationDatasetOperation,
} from '#operations/evaluation-datasets.ts';
export {
  MOST_IMPORTED_POINTS,
  importExperimentOperation,
  importLoggedModelOperation,
  importMetricsOperation,
  importOperations,
  importRunOperation,
  listImportedOperation,
  noteImportedOperation,
} from '#operations/imports.ts';
export type { ImportedKind } from '#operations/imports.ts';
export {
  createIssueOperation,
  readIssueOperation,
  searchIssuesOperation,
  updateIssueOperation,
} from '#operations/issues.ts';
export {
  createLabelSchemaOperation,
  deleteLabelSchemaOperation,
  listLabelSchemasOperation,
  readLabelSchemaOperation,
  updateLabelSchemaOperation,
} from '#operations/label-schemas.ts';
export {
  addReviewItemsOperation,
  createReviewQueueOperation,
  deleteReviewQueueOperation,
  listReviewItemsOperation,
  listReviewQueuesOperation,
  readReviewQueueOperation,
  removeReviewItemsOperation,
  reviewTraceOperation,
  updateReviewQueueOperation,
} from '#operations/review-queues.ts';
export {
  addLoggedModelParamsOperation,
  createLoggedModelOperation,
  deleteLoggedModelOperation,
  finalizeLoggedModelOperation,
  loggedModelOperations,
  readLoggedModelOperation,
  searchLoggedModelsOperation,
  tagLoggedModelOperation,
  untagLoggedModelOperation,
} from '#operations/logged-models.ts';
export { readMetricsOperation } from '#operations/metrics.ts';
export type { ProcessMetrics } from '#operations/metrics.ts';
export type { RecordCondition, RecordSearch } from '#operations/record-search.ts';
export {
  MESSAGES_AT_ONCE,
  MESSAGES_PER_RUN,
  addRunMessagesOperation,
  listRunMessagesOperation,
  runMessageOperations,
} from '#operations/run-messages.ts';
export {
  deleteScorerOperation,
  listScorerVersionsOperation,
  readScorerOperation,
  registerScorerOperation,
  scorerOperations,
  searchOnlineScoringOperation,
  searchScorersOperation,
  setOnlineScoringOperation,
} from '#operations/scorers.ts';
export {
  importEvaluationDatasetOperation,
  importEvaluationRecordsOperation,
  importScorerOperation,
  importSpansOperation,
  importTraceOperation,
  traceImportOperations,
} from '#operations/trace-imports.ts';
export { readTraceMetricsOperation, traceAggregations, traceMetrics } from '#operations/trace-metrics.ts';
export type { TraceAggregation, TraceMetricFilter, TraceMetricView } from '#operations/trace-metrics.ts';
export {
  correlateTracesOperation,
  deleteTracesOperation,
  endTraceOperation,
  linkPromptsOperation,
  linkTracesOperation,
  listSpansOperation,
  listTraceLinksOperation,
  logSpansOperation,
  putTraceOperation,
  readTraceOperation,
  readTracesOperation,
  searchTracesOperation,
  tagTraceOperation,
  traceOperations,
  untagTraceOperation,
} from '#operations/traces.ts';
export {
  RUNS_COUNTED,
  chartMetricOperation,
  countRunsOperation,
  createExperimentOperation,
  createRunOperation,
  deleteExperimentOperation,
  deleteRunOperation,
  experimentActivityOperation,
  findExperimentOperation,
  logRunInputsOperation,
  logRunOperation,
  logRunOutputsOperation,
  readExperimentOperation,
  readMetricOperation,
  readRunOperation,
  removeRunTagOperation,
  restoreExperimentOperation,
  restoreRunOperation,
  sampleMetricOperation,
  searchExperimentsOperation,
  searchRunsOperation,
  trackingOperations,
  updateExperimentOperation,
  updateRunOperation,
} from '#operations/tracking.ts';
export { COMMENT_LENGTH, UNREAD_COUNTED } from '#records/comment.ts';
export type { Comment, Mention } from '#records/comment.ts';
export { recordSources } from '#records/evaluation.ts';
export type {
  DatasetSummary,
  EvaluationDataset,
  EvaluationRecord,
  EvaluationSchema,
  FieldType,
  OnlineScoringConfig,
  Scorer,
} from '#records/evaluation.ts';
export type { ReviewItem, ReviewQueue } from '#records/review-queue.ts';
export type { LabelInput, LabelSchema } from '#records/label-schema.ts';
export { issueSeverities, issueStatuses } from '#records/issue.ts';
export type { Issue } from '#records/issue.ts';
export { loggedModelStatuses } from '#records/logged-model.ts';
export type { LoggedModel, LoggedModelStatus } from '#records/logged-model.ts';
export { assessmentKinds, spanStatuses, traceStates } from '#records/trace.ts';
export type { Assessment, AssessmentKind, ResourceSpans, Span, SpanStatus, Trace, TraceState } from '#records/trace.ts';
export { LOG_SEVERITIES, MESSAGE_LENGTH } from '#records/run-message.ts';
export type { LogMessage, LogSeverity } from '#records/run-message.ts';
export { lifecycles, runStatuses } from '#records/tracking.ts';
export type {
  DatasetInput,
  Experiment,
  LatestMetric,
  MetricPoint,
  Run,
  RunDataset,
  RunInfo,
  RunStatus,
} from '#records/tracking.ts';
