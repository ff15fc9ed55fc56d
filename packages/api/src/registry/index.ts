/** Models, their versions, aliases and approvals. */
export { aliasSchema, isReservedAlias, modelKind, modelSpec, modelTypes, stages } from '#kinds/model.ts';
export type { ApprovalRule, ModelSpec, Stage } from '#kinds/model.ts';
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
  importModelOperation,
  importModelVersionOperation,
  registryImportOperations,
} from '#operations/registry-imports.ts';
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
  searchModelVersionsOperation,
  searchModelsOperation,
  setModelAliasOperation,
  stageModelVersionOperation,
  updateModelOperation,
  updateModelVersionOperation,
} from '#operations/registry.ts';
export { approvalStates } from '#records/registry.ts';
export type {
  Approval,
  ApprovalDecision,
  ApprovalState,
  MissingApproval,
  ModelVersion,
  RegisteredModel,
} from '#records/registry.ts';
