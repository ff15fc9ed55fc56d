export { refusedByState } from '#action-states.ts';
export { createClient } from '#client/client.ts';
export type {
  ApplyInput,
  CallSettings,
  ClientOptions,
  DaisClient,
  EventQuery,
  KeyRotation,
  KeyUse,
  ListQuery,
  ManifestInput,
  Page,
  WatchEvent,
  WatchSettings,
  WriteSettings,
} from '#client/contract.ts';
export type { ActionInput, ActionOutput, KindName, ManifestOf, ResourceOf } from '#client/kind-types.ts';
export type { Fetch, RetryOptions, Sleep } from '#client/transport.ts';
export { configSchema, configSpec } from '#config/spec.ts';
export type { ConfigInput, ConfigSpec } from '#config/spec.ts';
export { configFields, configVariable } from '#config/fields.ts';
export type { ConfigField } from '#config/fields.ts';
export { consoleRoots } from '#console-roots.ts';
export { DaisError, errorCatalog, fromProblem, hasCatalogRemedy, toProblem } from '#errors.ts';
export type { ErrorCode, ErrorDetails, Issue, Problem } from '#errors.ts';
export { eventTypes } from '#events/event-types.ts';
export type { EventType } from '#events/event-type.ts';
export { alertChannelKind, alertChannelSpec, alertChannelStatus } from '#kinds/alert-channel.ts';
export { dataFormats, datasetKind, datasetSpec, datasetStatus, maskMethods } from '#kinds/dataset.ts';
export type {
  DataFormat,
  DatasetFormat,
  DatasetSource,
  DatasetSpec,
  DatasetSpecInput,
  MaskMethod,
} from '#kinds/dataset.ts';
export { findKind, kinds } from '#kinds/index.ts';
export { pipelineIssues } from '#kinds/pipeline-check.ts';
export { pipelineKind, pipelineSpec } from '#kinds/pipeline.ts';
export type { PipelineSpec, PipelineStep } from '#kinds/pipeline.ts';
export { scheduleKind, scheduleSpec } from '#kinds/schedule.ts';
export { isZone, readCron } from '#pipelines/cron.ts';
export { backfillRecurrenceOperation, callScheduleOperation } from '#operations/recurrences.ts';
export { createRecurrenceOperation, deleteRecurrenceOperation } from '#operations/recurrences.ts';
export { enableRecurrenceOperation, listFiresOperation, listRecurrencesOperation } from '#operations/recurrences.ts';
export { listTimesOperation, readRecurrenceOperation, type CreateRecurrenceInput } from '#operations/recurrences.ts';
export type { Fire, Overlap, Recurrence, Starting } from '#records/recurrence.ts';
export { conditionReferences, parseCondition, type ConditionExpression } from '#pipelines/condition.ts';
export { parameterIssues, type PipelineParameters } from '#pipelines/parameters.ts';
export { createPipelineVersionOperation, deletePipelineVersionOperation } from '#operations/pipelines.ts';
export { graphPipelineOperation, listPipelineVersionsOperation } from '#operations/pipelines.ts';
export { readPipelineVersionOperation, runPipelineOperation } from '#operations/pipelines.ts';
export type { PipelineGraph, PipelineVersion } from '#records/pipeline.ts';
export { aliasSchema, isReservedAlias, modelKind, modelSpec, modelTypes, stages } from '#kinds/model.ts';
export type { ApprovalRule, ModelSpec, Stage } from '#kinds/model.ts';
export { organizationPolicyKind, policyKind, policyModes } from '#kinds/policy.ts';
export type { PolicyMode } from '#kinds/policy.ts';
export { factsOfKind, factTypes, policyFacts, upstreamLimits } from '#policy/facts.ts';
export type { Facts, FactSubject, FactType, PolicyFact, PolicyFactName } from '#policy/facts.ts';
export { projectKind, projectSpec, projectStatus, type ComputeQuota } from '#kinds/project.ts';
export { organizationRoleBindingKind, roleBindingKind, roles } from '#kinds/role-binding.ts';
export type { Role } from '#kinds/role-binding.ts';
export { secretKind, secretSpec, secretStatus } from '#kinds/secret.ts';
export { serviceAccountKind } from '#kinds/service-account.ts';
export { targetKind } from '#kinds/target.ts';
export { teamKind } from '#kinds/team.ts';
export { userKind } from '#kinds/user.ts';
export {
  actorSchema,
  API_VERSION,
  conditionSchema,
  labelNameSchema,
  MAX_APPLY_BYTES,
  MAX_APPLY_DOCUMENTS,
  metadataInputSchema,
  metadataSchema,
  nameSchema,
  originSchema,
  reference,
  sourceSchema,
} from '#manifest.ts';
export type {
  Actor,
  Attribute,
  Column,
  Condition,
  KindAction,
  KindSpec,
  Manifest,
  Metadata,
  MetadataInput,
  Resource,
  ResourceRef,
  Source,
} from '#manifest.ts';
export {
  acceptInvitationOperation,
  changePasswordOperation,
  createInvitationOperation,
  createServiceTokenOperation,
  createTokenOperation,
  currentSessionOperation,
  identityOperations,
  inviteAdministratorOperation,
  listInvitationsOperation,
  listServiceTokensOperation,
  listSessionsOperation,
  listTokensOperation,
  listUserSessionsOperation,
  listUserTokensOperation,
  loginOperation,
  logoutOperation,
  readInvitationOperation,
  resetPasswordOperation,
  revokeInvitationOperation,
  revokeServiceTokenOperation,
  revokeSessionOperation,
  revokeTokenOperation,
  revokeUserSessionOperation,
  revokeUserTokenOperation,
} from '#operations/identity.ts';
export type { CreatedInvitation, CurrentSession, TokenEntry } from '#operations/identity.ts';
export { exchangeTokenOperation } from '#operations/federation.ts';
export {
  contentOperations,
  contentStatusOperation,
  damagedContentSchema,
  listDamagedContentOperation,
  scrubContentOperation,
  type ContentStatus,
  type DamagedContent,
  type DamagedContentOwner,
} from '#operations/content.ts';
export { keyOperations, listKeysOperation, rotateKeysOperation } from '#operations/keys.ts';
export { readMetricsOperation, type ProcessMetrics } from '#operations/metrics.ts';
export { defineOperation } from '#operations/operation.ts';
export {
  approveDeviceOperation,
  denyDeviceOperation,
  endFromProviderOperation,
  finishSignInOperation,
  leaveProviderOperation,
  pollDeviceOperation,
  readDeviceOperation,
  startDeviceOperation,
  startSignInOperation,
} from '#operations/sign-in.ts';
export {
  accessOperations,
  furtherActions,
  policyReasonSchema,
  readAccessOperation,
  readOwnAccessOperation,
  simulatePolicyOperation,
  testPolicyOperation,
  whyOperation,
} from '#operations/access.ts';
export type { FurtherAction, OwnAccess, PolicyReason } from '#operations/access.ts';
export {
  evaluatePoliciesOperation,
  listAuditedRefusalsOperation,
  listViolationsOperation,
} from '#operations/policy-violations.ts';
export type { AuditedRefusal, PolicyViolation } from '#operations/policy-violations.ts';
export type {
  DesiredState,
  HttpBinding,
  InputOf,
  Operation,
  OperationTarget,
  OutputOf,
} from '#operations/operation.ts';
export {
  applyOperation,
  changeSchema,
  eventSchema,
  fieldChangeSchema,
  listEventsOperation,
  listOrganizationEventsOperation,
  planOperation,
  platformOperations,
  readServerOperation,
  serverInfoSchema,
  watchEventsOperation,
  watchOrganizationEventsOperation,
} from '#operations/platform.ts';
export type { Change, Event, FieldChange, ServerInfo } from '#operations/platform.ts';
export {
  actionOperation,
  manifestSchema,
  pageInput,
  resourceOperations,
  resourceSchema,
  revisionSchema,
  selectorSchema,
  uniformOperations,
  watchEventSchema,
} from '#operations/resources.ts';
export type { ActionSchemas, ActionVerb, Revision, UniformOperations } from '#operations/resources.ts';
export { nearest } from '#nearest.ts';
export { fieldNames, findReferences, referencedKind, schemaAt, unwrapSchema } from '#schema-walk.ts';
export type { FoundReference } from '#schema-walk.ts';
export { fieldRows, jsonSchemaOf } from '#schema-fields.ts';
export type { FieldRow, JsonSchema } from '#schema-fields.ts';
export { diffFields } from '#diff.ts';
export { matchesSelector, parseSelector } from '#selector.ts';
export { StillHeld } from '#still-held.ts';
export type { Holder } from '#still-held.ts';
export type { LabelSelector } from '#selector.ts';
export { formatPath, MAX_DEPTH, schemaIssues, show, storableIssues } from '#validation.ts';
export { checkManifest, summarizeIssues } from '#manifest-check.ts';
export { rangeAt } from '#manifest-range.ts';
export type { CheckedManifest, CheckResult, KnownKind, KnownKinds } from '#manifest-check.ts';
export {
  abortUploadOperation,
  artifactOperations,
  beginUploadOperation,
  completeUploadOperation,
  deleteArtifactOperation,
  fetchArtifactOperation,
  linkArtifactOperation,
  listArtifactsOperation,
  MOST_PARTS,
  putPartOperation,
  readArtifactOperation,
  showArtifactOperation,
  writeArtifactOperation,
} from '#operations/artifacts.ts';
export {
  artifactFileOperations,
  listArtifactFilesOperation,
  readArtifactFileOperation,
} from '#operations/artifact-files.ts';
export {
  auditOperations,
  exportAuditOperation,
  forgetPersonOperation,
  holdAuditOperation,
  listAuditCheckpointsOperation,
  listAuditOperation,
  listOrganizationAuditOperation,
  proveAuditConsistencyOperation,
  proveAuditEntryOperation,
  readAuditBodiesOperation,
  readAuditKeyOperation,
  readAuditStatusOperation,
} from '#operations/audit.ts';
export type { AuditEntry } from '#records/audit.ts';
export {
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
  RUNS_COUNTED,
  sampleMetricOperation,
  searchExperimentsOperation,
  searchRunsOperation,
  trackingOperations,
  updateExperimentOperation,
  updateRunOperation,
} from '#operations/tracking.ts';
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
export { collectGarbageOperation, garbageOperations } from '#operations/garbage.ts';
export {
  importExperimentOperation,
  importLoggedModelOperation,
  importMetricsOperation,
  importOperations,
  importRunOperation,
  listImportedOperation,
  MOST_IMPORTED_POINTS,
  noteImportedOperation,
  type ImportedKind,
} from '#operations/imports.ts';
export {
  readTraceMetricsOperation,
  traceAggregations,
  traceMetrics,
  type TraceAggregation,
  type TraceMetricFilter,
  type TraceMetricView,
} from '#operations/trace-metrics.ts';
export {
  importEvaluationDatasetOperation,
  importEvaluationRecordsOperation,
  importScorerOperation,
  importSpansOperation,
  importTraceOperation,
  traceImportOperations,
} from '#operations/trace-imports.ts';
export {
  importModelOperation,
  importModelVersionOperation,
  registryImportOperations,
} from '#operations/registry-imports.ts';
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
  deleteScorerOperation,
  listScorerVersionsOperation,
  readScorerOperation,
  registerScorerOperation,
  scorerOperations,
  searchScorersOperation,
} from '#operations/scorers.ts';
export { isolationSummary } from '#records/isolation.ts';
export type { IsolationInfo } from '#records/isolation.ts';
export { recordSources } from '#records/evaluation.ts';
export type {
  DatasetSummary,
  EvaluationDataset,
  EvaluationRecord,
  EvaluationSchema,
  FieldType,
  Scorer,
} from '#records/evaluation.ts';
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
  assessmentOperations,
  createAssessmentOperation,
  deleteAssessmentOperation,
  readAssessmentOperation,
  updateAssessmentOperation,
} from '#operations/assessments.ts';
export type { NewAssessment } from '#operations/assessment-input.ts';
export { keyValues, plainAttributes, plainDouble, plainInt, plainMap, simpleValue } from '#records/attribute-value.ts';
export type { KeyValue } from '#records/attribute-value.ts';
export { assessmentKinds, spanStatuses, traceStates } from '#records/trace.ts';
export type { Assessment, AssessmentKind, ResourceSpans, Span, SpanStatus, Trace, TraceState } from '#records/trace.ts';
export { loggedModelStatuses } from '#records/logged-model.ts';
export type { LoggedModel, LoggedModelStatus } from '#records/logged-model.ts';
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
export { COMMENT_LENGTH, UNREAD_COUNTED } from '#records/comment.ts';
export type { Comment, Mention } from '#records/comment.ts';
export {
  approvalOperations,
  approveOperation,
  listAllApprovalsOperation,
  listApprovalsOperation,
  readApprovalOperation,
  rejectOperation,
  requestApprovalOperation,
  withdrawApprovalOperation,
} from '#operations/approvals.ts';
export {
  createModelOperation,
  createModelVersionOperation,
  deleteModelOperation,
  deleteModelVersionOperation,
  readModelAliasOperation,
  readModelOperation,
  readModelVersionOperation,
  registryOperations,
  removeModelAliasOperation,
  renameModelOperation,
  searchModelsOperation,
  searchModelVersionsOperation,
  setModelAliasOperation,
  stageModelVersionOperation,
  updateModelOperation,
  updateModelVersionOperation,
} from '#operations/registry.ts';
export {
  createWebhookOperation,
  deleteWebhookOperation,
  listWebhookDeliveriesOperation,
  listWebhooksOperation,
  readWebhookOperation,
  testWebhookOperation,
  updateWebhookOperation,
  webhookOperations,
} from '#operations/webhooks.ts';
export { deliveryStates, webhookStatuses } from '#records/webhook.ts';
export type { DeliveryState, Webhook, WebhookDelivery, WebhookStatus, WebhookTest } from '#records/webhook.ts';
export { lineageOperations, readLineageOperation, recordLineageBatchOperation } from '#operations/lineage.ts';
export { recordLineageOperation } from '#operations/lineage.ts';
export { lineageDirections, lineageNodeTypes, lineageRelations } from '#records/lineage.ts';
export type { LineageDirection, LineageEdge, LineageGraph, LineageNode, LineageNodeType } from '#records/lineage.ts';
export type { LineageRelation } from '#records/lineage.ts';
export { lineageEventSchema, lineageRunStates } from '#records/lineage-event.ts';
export type { LineageEvent } from '#records/lineage-event.ts';
export { approvalStates } from '#records/registry.ts';
export type { Approval, ApprovalDecision, ApprovalState, MissingApproval, ModelVersion } from '#records/registry.ts';
export type { RegisteredModel } from '#records/registry.ts';
export { cancelExecutionOperation, deleteExecutionOperation } from '#operations/executions.ts';
export { followExecutionLogOperation, listExecutionAttemptsOperation } from '#operations/executions.ts';
export { listExecutionFilesOperation, listExecutionNodesOperation } from '#operations/executions.ts';
export { listExecutionsOperation, readExecutionFileOperation } from '#operations/executions.ts';
export { readExecutionLogOperation, readExecutionOperation, retryExecutionOperation } from '#operations/executions.ts';
export { submitExecutionOperation, uploadForExecutionOperation } from '#operations/executions.ts';
export { archiveExecutionsOperation, EXECUTIONS_COUNTED } from '#operations/execution-search.ts';
export { resumeExecutionOperation, searchExecutionsOperation } from '#operations/execution-search.ts';
export { labelPipelineOperation, PIPELINES_COUNTED, searchPipelinesOperation } from '#operations/pipeline-search.ts';
export { searchPipelineVersionsOperation, startExecutionOperation } from '#operations/pipeline-search.ts';
export type { PipelineHead } from '#operations/pipeline-search.ts';
export { RECURRENCES_COUNTED, searchRecurrencesOperation } from '#operations/recurrence-search.ts';
export type { RecordCondition, RecordSearch } from '#operations/record-search.ts';
export { listExecutionEdgesOperation, readExecutionGraphOperation } from '#operations/execution-views.ts';
export { listComputeOperation, readExecutionQueueOperation } from '#operations/execution-views.ts';
export { readExecutionStepOperation } from '#operations/execution-views.ts';
export type { ExecutionStepInput, SubmitExecutionInput } from '#operations/executions.ts';
export type { Execution, ExecutionAttempt, ExecutionLog, ExecutionNode, ExecutionState } from '#records/execution.ts';
export type { ExecutionValue } from '#records/execution.ts';
export type { ExecutionEdge, ExecutionMark, ExecutionQueue, ExecutionStep } from '#records/execution-view.ts';
export type { ComputeLimits, ComputeNode, ComputeUse } from '#records/execution-view.ts';
export type { ExecutionWait, ProjectCompute } from '#records/execution-view.ts';
