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
export { countNoun } from '#count-noun.ts';
export { errorCatalog } from '#error-catalog.ts';
export { DaisError, fromProblem, hasCatalogRemedy, toProblem } from '#errors.ts';
export type { ErrorCode } from '#error-catalog.ts';
export type { ErrorDetails, Issue, Problem } from '#errors.ts';
export { eventTypes } from '#events/event-types.ts';
export type { EventType } from '#events/event-type.ts';
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
export { projectKind, projectSpec, projectStatus, type ComputeQuota } from '#kinds/project.ts';
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
  contentOperations,
  contentStatusOperation,
  damagedContentSchema,
  listDamagedContentOperation,
  scrubContentOperation,
  type ContentStatus,
  type DamagedContent,
  type DamagedContentOwner,
} from '#operations/content.ts';
export { defineOperation } from '#operations/operation.ts';
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
export { collectGarbageOperation, garbageOperations } from '#operations/garbage.ts';
