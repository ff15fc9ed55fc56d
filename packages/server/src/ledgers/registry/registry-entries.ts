import {
  approveOperation,
  createModelOperation,
  createModelVersionOperation,
  deleteModelOperation,
  deleteModelVersionOperation,
  importModelOperation,
  importModelVersionOperation,
  listAllApprovalsOperation,
  listApprovalsOperation,
  readApprovalOperation,
  readModelAliasOperation,
  readModelOperation,
  readModelVersionOperation,
  rejectOperation,
  removeModelAliasOperation,
  renameModelOperation,
  requestApprovalOperation,
  searchModelsOperation,
  searchModelVersionsOperation,
  setModelAliasOperation,
  stageModelVersionOperation,
  updateModelOperation,
  updateModelVersionOperation,
  withdrawApprovalOperation,
} from '@dais/api/registry';
import { entry, type OperationEntry } from '#kernel/entry.ts';
import {
  approve,
  listApprovalsOfAll,
  listModelApprovals,
  readModelApproval,
  reject,
  requestApproval,
  withdraw,
} from './approvals/approvals.ts';
import { importModel, importVersion } from './imports.ts';
import { readByAlias, readModel, readVersion } from './model-rows.ts';
import { createModel, deleteModel, renameModel, updateModel } from './models.ts';
import { removeAlias, setAlias, stageVersion } from './moves.ts';
import type { RegistryParts } from './registry-parts.ts';
import { searchModels, searchVersions } from './search.ts';
import { createVersion, deleteVersion, updateVersion } from './versions/versions.ts';

export function registryEntries(parts: RegistryParts): readonly OperationEntry[] {
  return [
    entry(createModelOperation, (tx, call) => createModel(tx, call, parts)),
    entry(readModelOperation, (tx, { input, tenant }) => readModel(tx.sql, tenant.id, input.name)),
    entry(searchModelsOperation, searchModels),
    entry(searchModelVersionsOperation, searchVersions),
    entry(updateModelOperation, (tx, call) => updateModel(tx, call, parts)),
    entry(renameModelOperation, (tx, call) => renameModel(tx, call, parts)),
    entry(deleteModelOperation, (tx, call) => deleteModel(tx, call, parts)),
    entry(createModelVersionOperation, (tx, call) => createVersion(tx, call, parts)),
    entry(readModelVersionOperation, (tx, { input, tenant }) =>
      readVersion(tx.sql, tenant.id, input.name, Number(input.version)),
    ),
    entry(updateModelVersionOperation, (tx, call) => updateVersion(tx, call, parts)),
    entry(deleteModelVersionOperation, (tx, call) => deleteVersion(tx, call, parts)),
    entry(stageModelVersionOperation, (tx, call) => stageVersion(tx, call, parts)),
    entry(setModelAliasOperation, setAlias),
    entry(readModelAliasOperation, (tx, { input, tenant }) => readByAlias(tx.sql, tenant.id, input.name, input.alias)),
    entry(removeModelAliasOperation, removeAlias),
    entry(importModelOperation, (tx, call) => importModel(tx, call, parts)),
    entry(importModelVersionOperation, (tx, call) => importVersion(tx, call, parts)),
    entry(requestApprovalOperation, (tx, call) => requestApproval(tx, call, parts)),
    entry(listApprovalsOperation, listModelApprovals),
    entry(listAllApprovalsOperation, listApprovalsOfAll),
    entry(readApprovalOperation, readModelApproval),
    entry(approveOperation, (tx, call) => approve(tx, call, parts)),
    entry(rejectOperation, (tx, call) => reject(tx, call, parts)),
    entry(withdrawApprovalOperation, withdraw),
  ];
}
