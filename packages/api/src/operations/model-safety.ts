import { z } from 'zod';
import { modelKind } from '#kinds/model.ts';
import { defineOperation, type Operation } from '#operations/operation.ts';
import { modelName, versionNumber } from '#operations/model-address.ts';
import { pageInput } from '#operations/resources.ts';
import { blockedVersionSchema, modelFindingSchema, modelScanSchema } from '#records/model-safety.ts';

const base = '/api/v1/registry/models/:name/versions/:version/scan' as const;
const version = { name: modelName, version: versionNumber };
const one = { ...version, finding: z.uuid().describe('Id of the finding.') };
const ofModel = ({ name }: { readonly name: string }) => ({ kind: modelKind.kind, name });

export const readModelScanOperation = defineOperation({
  name: 'modelScan.get',
  action: 'model:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns the scan findings of a model version.',
  input: z.strictObject(version),
  output: modelScanSchema,
  target: ofModel,
  http: { method: 'GET', path: base, status: 200 },
});

export const listBlockedVersionsOperation = defineOperation({
  name: 'modelScan.listBlocked',
  action: 'model:read',
  mode: 'read',
  scope: 'project',
  summary:
    'Lists the models of a project whose newest version is blocked by its scan, the newest scan first. Versions whose files Dais does ' +
    'not store are not listed. A page may have fewer items than `limit`, and another page after it.',
  input: z.strictObject({ ...pageInput }),
  output: z.strictObject({ items: z.array(blockedVersionSchema), nextCursor: z.string().optional() }),
  target: () => ({ kind: modelKind.kind }),
  http: { method: 'GET', path: '/api/v1/registry/blocked-versions', status: 200, query: ['limit', 'cursor'] },
});

export const startModelScanOperation = defineOperation({
  name: 'modelScan.start',
  action: 'model:scan',
  mode: 'write',
  scope: 'project',
  summary: 'Rescans the files of a version. Every new version is scanned automatically.',
  input: z.strictObject(version),
  output: modelScanSchema,
  target: ofModel,
  roles: ['editor', 'operator'],
  http: { method: 'POST', path: base, status: 202 },
});

export const waiveModelFindingOperation = defineOperation({
  name: 'modelFinding.waive',
  action: 'model:waive',
  mode: 'write',
  scope: 'project',
  summary: 'Waives a scan finding. It no longer blocks loading the version.',
  input: z.strictObject({ ...one, reason: z.string().min(1).max(4096).describe('Reason of the waiver.') }),
  output: modelFindingSchema,
  target: ofModel,
  roles: ['approver'],
  http: { method: 'POST', path: `${base}/findings/:finding/waive`, status: 200 },
});

export const reopenModelFindingOperation = defineOperation({
  name: 'modelFinding.reopen',
  action: 'model:waive',
  mode: 'write',
  scope: 'project',
  summary: 'Revokes the waiver of a finding.',
  input: z.strictObject({ ...one, reason: z.string().max(4096).default('').describe('Why.') }),
  output: modelFindingSchema,
  target: ofModel,
  roles: ['approver'],
  http: { method: 'POST', path: `${base}/findings/:finding/reopen`, status: 200 },
});

export const modelSafetyOperations: readonly Operation[] = [
  readModelScanOperation,
  listBlockedVersionsOperation,
  startModelScanOperation,
  waiveModelFindingOperation,
  reopenModelFindingOperation,
];
