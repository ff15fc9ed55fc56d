import { z } from 'zod';
import { maskMethods } from '#kinds/dataset.ts';
import { defineOperation, type Operation } from '#operations/operation.ts';
import { pageInput } from '#operations/resources.ts';
import { datasetNameSchema } from '#records/data-reference.ts';
import {
  columnMaskSchema,
  dataFindingSchema,
  dataScanSchema,
  findingStates,
  pseudonymKeySchema,
} from '#records/data-findings.ts';

const base = '/api/v1/data/datasets/:name' as const;
const name = datasetNameSchema.describe('Name of the dataset.');
const ofDataset = (input: { readonly name: string }) => ({ kind: 'Dataset', name: input.name });
const ofDatasets = () => ({ kind: 'Dataset' });
const one = { name, finding: z.uuid().describe('Id of the finding.') };
const reason = z.string().max(4096);
const findingPage = z.strictObject({ items: z.array(dataFindingSchema), nextCursor: z.string().optional() });
const state = z.enum(findingStates).optional().describe('Only objects in this state.');

export const listFindingsOperation = defineOperation({
  name: 'datasetFinding.list',
  action: 'dataset:read',
  mode: 'read',
  scope: 'project',
  summary: 'Lists personal-data and secret findings of a dataset, newest first.',
  input: z.strictObject({ name, state, ...pageInput }),
  output: findingPage,
  target: ofDataset,
  http: { method: 'GET', path: `${base}/findings`, status: 200, query: ['state', 'limit', 'cursor'] },
});

export const listAllFindingsOperation = defineOperation({
  name: 'datasetFinding.listAll',
  action: 'dataset:read',
  mode: 'read',
  scope: 'project',
  summary: 'Lists the findings in all datasets of a project, newest first.',
  input: z.strictObject({ state, ...pageInput }),
  output: findingPage,
  target: ofDatasets,
  http: { method: 'GET', path: '/api/v1/data/findings', status: 200, query: ['state', 'limit', 'cursor'] },
});

export const resolveFindingOperation = defineOperation({
  name: 'datasetFinding.resolve',
  action: 'dataset:classify',
  mode: 'write',
  scope: 'project',
  summary: 'Confirms a finding. The column stays masked for users without `dataset:unmask`.',
  input: z.strictObject({
    ...one,
    mask: z.enum(maskMethods).default('redact').describe('Masking method.'),
    reason: reason.default('').describe('Why.'),
  }),
  output: dataFindingSchema,
  target: ofDataset,
  roles: ['editor'],
  http: { method: 'POST', path: `${base}/findings/:finding/resolve`, status: 200 },
});

export const waiveFindingOperation = defineOperation({
  name: 'datasetFinding.waive',
  action: 'dataset:classify',
  mode: 'write',
  scope: 'project',
  summary: 'Waives a finding permanently or for some days. The column is unmasked.',
  input: z.strictObject({
    ...one,
    reason: reason.min(1).describe('Reason of the waiver.'),
    days: z.int().min(1).max(3650).optional().describe('Days until the finding reopens. Default: never.'),
  }),
  output: dataFindingSchema,
  target: ofDataset,
  roles: ['editor'],
  http: { method: 'POST', path: `${base}/findings/:finding/waive`, status: 200 },
});

export const reopenFindingOperation = defineOperation({
  name: 'datasetFinding.reopen',
  action: 'dataset:classify',
  mode: 'write',
  scope: 'project',
  summary: 'Reopens a finding.',
  input: z.strictObject({ ...one, reason: reason.default('').describe('Why.') }),
  output: dataFindingSchema,
  target: ofDataset,
  roles: ['editor'],
  http: { method: 'POST', path: `${base}/findings/:finding/reopen`, status: 200 },
});

const version = z.string().min(1).max(128).describe('Number, `latest`, a day, or a tag.');

export const startScanOperation = defineOperation({
  name: 'datasetScan.start',
  action: 'dataset:classify',
  mode: 'write',
  scope: 'project',
  summary: 'Rescans a version for personal data. Every new version is scanned automatically.',
  input: z.strictObject({ name, version }),
  output: dataScanSchema,
  target: ofDataset,
  roles: ['editor'],
  http: { method: 'POST', path: `${base}/versions/:version/scan`, status: 202 },
});

export const readScanOperation = defineOperation({
  name: 'datasetScan.get',
  action: 'dataset:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns the progress of a personal-data scan.',
  input: z.strictObject({ name, version }),
  output: dataScanSchema,
  target: ofDataset,
  http: { method: 'GET', path: `${base}/versions/:version/scan`, status: 200 },
});

const masks = z.strictObject({
  items: z.array(columnMaskSchema).describe('Findings by column.'),
});

export const listMasksOperation = defineOperation({
  name: 'datasetMask.list',
  action: 'dataset:read',
  mode: 'read',
  scope: 'project',
  summary: 'Lists the masked columns of a dataset with their masking methods.',
  input: z.strictObject({ name }),
  output: masks,
  target: ofDataset,
  http: { method: 'GET', path: `${base}/masks`, status: 200 },
});

export const checkUnmaskOperation = defineOperation({
  name: 'datasetMask.unmasked',
  action: 'dataset:unmask',
  mode: 'read',
  scope: 'project',
  summary: 'Lists masked columns for callers that may unmask. Denied to all others.',
  input: z.strictObject({ name }),
  output: masks,
  target: ofDataset,
  roles: [],
  http: { method: 'GET', path: `${base}/masks/unmasked`, status: 200 },
});

const keyId = z
  .string()
  .regex(/^[kd]\d{1,9}$/)
  .describe('Id of the key.');

export const listPseudonymKeysOperation = defineOperation({
  name: 'pseudonymKey.list',
  action: 'dataset:read',
  mode: 'read',
  scope: 'project',
  summary: 'Lists pseudonym and hash keys, without key material.',
  input: z.strictObject(pageInput),
  output: z.strictObject({ items: z.array(pseudonymKeySchema), nextCursor: z.string().optional() }),
  target: ofDatasets,
  http: { method: 'GET', path: '/api/v1/data/pseudonym-keys', status: 200, query: ['limit', 'cursor'] },
});

export const rotatePseudonymKeyOperation = defineOperation({
  name: 'pseudonymKey.rotate',
  action: 'dataset:keys',
  mode: 'write',
  scope: 'project',
  summary: 'Rotates the pseudonym key. New pseudonyms cannot be joined with old ones.',
  input: z.strictObject({
    dataset: datasetNameSchema.optional().describe('Dataset of the salt. Default: the key of the project.'),
  }),
  output: pseudonymKeySchema,
  target: ofDatasets,
  roles: [],
  http: { method: 'POST', path: '/api/v1/data/pseudonym-keys/rotate', status: 200 },
});

export const destroyPseudonymKeyOperation = defineOperation({
  name: 'pseudonymKey.destroy',
  action: 'dataset:keys',
  mode: 'write',
  scope: 'project',
  summary:
    'Permanently destroys a pseudonym key. Its pseudonyms can no longer be linked to persons. Earlier backups still contain the encrypted key.',
  input: z.strictObject({ key: keyId, reason: reason.min(1).describe('Why.') }),
  output: pseudonymKeySchema,
  target: ofDatasets,
  roles: [],
  http: { method: 'POST', path: '/api/v1/data/pseudonym-keys/:key/destroy', status: 200 },
});

export const dataFindingOperations: readonly Operation[] = [
  listFindingsOperation,
  listAllFindingsOperation,
  resolveFindingOperation,
  waiveFindingOperation,
  reopenFindingOperation,
  startScanOperation,
  readScanOperation,
  listMasksOperation,
  checkUnmaskOperation,
  listPseudonymKeysOperation,
  rotatePseudonymKeyOperation,
  destroyPseudonymKeyOperation,
];
