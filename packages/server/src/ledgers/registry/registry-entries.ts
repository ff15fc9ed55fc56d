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
  type Operation,
} from '@dais/api';
import type { Call, OperationEntry } from '#kernel/dispatch.ts';
import type { Transaction } from '#kernel/transaction.ts';
import {
  approve,
  listApprovalsOfAll,
  listModelApprovals,
  readModelApproval,
  reject,
  requestApproval,
  withdraw,
} from './approvals.ts';
import { importModel, importVersion } from './imports.ts';
import { readByAlias, readModel, readVersion } from './model-rows.ts';
import { createModel, deleteModel, renameModel, updateModel } from './models.ts';
import { removeAlias, setAlias, stageVersion } from './moves.ts';
import type { RegistryParts } from './registry-parts.ts';
import { searchModels, searchVersions } from './search.ts';
import { createVersion, deleteVersion, updateVersion, type VersionInput } from './versions.ts';

type Named = Call<{ readonly name: string }>;

export function registryEntries(parts: RegistryParts): readonly OperationEntry[] {
  const entry = <Input>(
    operation: Operation,
    handle: (tx: Transaction, call: Call<Input>, parts: RegistryParts) => Promise<unknown>,
  ): OperationEntry => ({ operation, handle: (tx, call: Call<Input>) => handle(tx, call, parts) });
  return [
    entry(createModelOperation, createModel),
    entry(readModelOperation, (tx, { input, tenant }: Named) => readModel(tx.sql, tenant.id, input.name)),
    entry(searchModelsOperation, searchModels),
    entry(searchModelVersionsOperation, searchVersions),
    entry(updateModelOperation, updateModel),
    entry(renameModelOperation, renameModel),
    entry(deleteModelOperation, deleteModel),
    entry(createModelVersionOperation, createVersion),
    entry(readModelVersionOperation, (tx, { input, tenant }: Call<VersionInput>) =>
      readVersion(tx.sql, tenant.id, input.name, Number(input.version)),
    ),
    entry(updateModelVersionOperation, updateVersion),
    entry(deleteModelVersionOperation, deleteVersion),
    entry(stageModelVersionOperation, stageVersion),
    entry(setModelAliasOperation, setAlias),
    entry(readModelAliasOperation, (tx, { input, tenant }: Call<{ name: string; alias: string }>) =>
      readByAlias(tx.sql, tenant.id, input.name, input.alias),
    ),
    entry(removeModelAliasOperation, removeAlias),
    entry(importModelOperation, importModel),
    entry(importModelVersionOperation, importVersion),
    entry(requestApprovalOperation, requestApproval),
    entry(listApprovalsOperation, listModelApprovals),
    entry(listAllApprovalsOperation, listApprovalsOfAll),
    entry(readApprovalOperation, readModelApproval),
    entry(approveOperation, approve),
    entry(rejectOperation, reject),
    entry(withdrawApprovalOperation, withdraw),
  ];
}
