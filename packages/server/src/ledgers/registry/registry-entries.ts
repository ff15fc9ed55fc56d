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
import type { RegistryDependencies } from './registry-dependencies.ts';
import { searchModels, searchVersions } from './search.ts';
import { createVersion, deleteVersion, updateVersion } from './versions/versions.ts';

export function registryEntries(dependencies: RegistryDependencies): readonly OperationEntry[] {
  return [
    entry(createModelOperation, (tx, call) => createModel(tx, call, dependencies)),
    entry(readModelOperation, (tx, { input, tenant }) => readModel(tx.sql, tenant.id, input.name)),
    entry(searchModelsOperation, searchModels),
    entry(searchModelVersionsOperation, searchVersions),
    entry(updateModelOperation, (tx, call) => updateModel(tx, call, dependencies)),
    entry(renameModelOperation, (tx, call) => renameModel(tx, call, dependencies)),
    entry(deleteModelOperation, (tx, call) => deleteModel(tx, call, dependencies)),
    entry(createModelVersionOperation, (tx, call) => createVersion(tx, call, dependencies)),
    entry(readModelVersionOperation, (tx, { input, tenant }) =>
      readVersion(tx.sql, tenant.id, input.name, Number(input.version)),
    ),
    entry(updateModelVersionOperation, (tx, call) => updateVersion(tx, call, dependencies)),
    entry(deleteModelVersionOperation, (tx, call) => deleteVersion(tx, call, dependencies)),
    entry(stageModelVersionOperation, (tx, call) => stageVersion(tx, call, dependencies)),
    entry(setModelAliasOperation, setAlias),
    entry(readModelAliasOperation, (tx, { input, tenant }) => readByAlias(tx.sql, tenant.id, input.name, input.alias)),
    entry(removeModelAliasOperation, removeAlias),
    entry(importModelOperation, (tx, call) => importModel(tx, call, dependencies)),
    entry(importModelVersionOperation, (tx, call) => importVersion(tx, call, dependencies)),
    entry(requestApprovalOperation, (tx, call) => requestApproval(tx, call, dependencies)),
    entry(listApprovalsOperation, listModelApprovals),
    entry(listAllApprovalsOperation, listApprovalsOfAll),
    entry(readApprovalOperation, readModelApproval),
    entry(approveOperation, (tx, call) => approve(tx, call, dependencies)),
    entry(rejectOperation, (tx, call) => reject(tx, call, dependencies)),
    entry(withdrawApprovalOperation, withdraw),
  ];
}
