/** Datasets, expectations, findings, labels and features. A separate entry. */
export {
  columnTypeSchema,
  datasetVersionSchema,
  datasetVersionStates,
  ingestStates,
  MOST_COLUMNS,
} from '#records/data.ts';
export type { DataColumn, DataSchema, DatasetFile, DatasetMode, DatasetVersion } from '#records/data.ts';
export type { DatasetVersionState, Ingest, IngestProblem, IngestState, VersionSource } from '#records/data.ts';
export { datasetReferenceSchema, isReservedTag, parseDatasetReference } from '#records/data-reference.ts';
export type { ColumnMask, DataFinding, DataScan, FindingState, PseudonymKey } from '#records/data-findings.ts';
export { checkUnmaskOperation, destroyPseudonymKeyOperation } from '#operations/data-findings.ts';
export { listAllFindingsOperation, listFindingsOperation, listMasksOperation } from '#operations/data-findings.ts';
export { listPseudonymKeysOperation, readScanOperation, reopenFindingOperation } from '#operations/data-findings.ts';
export { resolveFindingOperation, rotatePseudonymKeyOperation, startScanOperation } from '#operations/data-findings.ts';
export { waiveFindingOperation } from '#operations/data-findings.ts';
export { acceptAgreedOperation, addGuidelineOperation, adjudicateOperation } from '#operations/labels.ts';
export { createLabelSetOperation, deleteLabelSetOperation, exportLabelsOperation } from '#operations/labels.ts';
export { importLabelsOperation, listAnnotationVersionsOperation, listGuidelinesOperation } from '#operations/labels.ts';
export { listLabelSetsOperation, listLabelTasksOperation, publishLabelsOperation } from '#operations/labels.ts';
export { readAgreementOperation, readLabelSetOperation, readPublicationOperation } from '#operations/labels.ts';
export { reviewAnnotationOperation } from '#operations/labels.ts';
export { MOST_IMPORTED_TASKS } from '#records/labels.ts';
export type { Agreement, Annotation, Guideline, ImportedLabels, LabelPublication, LabelSet } from '#records/labels.ts';
export type { LabelStudioTask, LabelTask, Review } from '#records/labels.ts';
export { parseWhichVersion, versionTagSchema } from '#records/data-reference.ts';
export type { DatasetReference, WhichVersion } from '#records/data-reference.ts';
export { beginPushOperation, cancelIngestOperation, commitPushOperation } from '#operations/dataset-pushes.ts';
export { datasetPushOperations, listIngestsOperation, MOST_PUSHED_FILES } from '#operations/dataset-pushes.ts';
export { readIngestOperation, readRejectsOperation, refreshDatasetOperation } from '#operations/dataset-pushes.ts';
export { uploadPushedFileOperation } from '#operations/dataset-pushes.ts';
export {
  datasetOperations,
  deleteDatasetVersionOperation,
  diffDatasetVersionsOperation,
  exportDatasetVersionOperation,
  findDatasetVersionsOperation,
  headDatasetVersionOperation,
  listDatasetVersionsOperation,
  queryDataOperation,
  readDatasetFileOperation,
  readDatasetVersionOperation,
  restoreDatasetVersionOperation,
  tagDatasetVersionOperation,
  untagDatasetVersionOperation,
  type DatasetDiff,
} from '#operations/datasets.ts';
export {
  dataQualityOperations,
  listQualityChecksOperation,
  makeDatasetProfileOperation,
  readDatasetProfileOperation,
  readQualityCheckOperation,
  readQualityReportOperation,
  readQualityReportPageOperation,
  releaseDatasetVersionOperation,
  startQualityCheckOperation,
  suggestExpectationsOperation,
} from '#operations/data-quality.ts';
export { checkExpectations, expectationNames, expectationSchema, expectationsSchema } from '#records/expectation.ts';
export type { Distance, Expectation, ExpectationOf, ExpectationType, Severity } from '#records/expectation.ts';
export { MOST_CORRELATED, MOST_FINDINGS, MOST_SAMPLE_ROWS } from '#records/data-quality.ts';
export type { Anomaly, CheckFinding, ColumnFamily, ColumnProfile } from '#records/data-quality.ts';
export type {
  Correlation,
  DatasetProfile,
  ExpectationResult,
  QualityCheck,
  QualityCheckResults,
} from '#records/data-quality.ts';
export type { QualityReport, RowSample, SampleCell, Suggestion } from '#records/data-quality.ts';
export { durationMicroseconds } from '#features/duration.ts';
export { expressionType, fits, typeOfExpression } from '#features/expression-types.ts';
export { parseExpression, type Expression, type FunctionWord } from '#features/expression.ts';
export { elementType, scalarTypes, valueTypes } from '#features/value-type.ts';
export type { KeyType, ScalarType, ValueType } from '#features/value-type.ts';
export { entityKind, entitySpec } from '#kinds/entity.ts';
export { featureServiceKind, featureServiceSpec } from '#kinds/feature-service.ts';
export { featureViewKind, featureViewSpec, type FeatureViewSource, type FeatureViewSpec } from '#kinds/feature-view.ts';
export { buildFeaturesOperation, checkFeaturesOperation, listFeatureBuildsOperation } from '#operations/features.ts';
export { listFeatureViewStatesOperation, listMaterializationsOperation } from '#operations/features.ts';
export {
  materializeFeaturesOperation,
  pushFeaturesOperation,
  readFeatureBuildOperation,
} from '#operations/features.ts';
export { readFeaturesOperation, readHistoryOperation, readMaterializationOperation } from '#operations/features.ts';
export type { FeatureBuild, FeatureColumn, FeatureRows, FeatureSkew, FeatureStatus } from '#records/features.ts';
export type { FeatureViewState, Materialization, OnlineFeatures } from '#records/features.ts';
export {
  deleteDefinitionOperation,
  listDefinitionsOperation,
  putDefinitionOperation,
} from '#operations/definitions.ts';
export { readDefinitionOperation } from '#operations/definitions.ts';
export { MOST_DEFINITION_BYTES, type Definition } from '#records/definition.ts';
