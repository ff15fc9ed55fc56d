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
const state = z.enum(findingStates).optional().describe('Only those in this state.');

export const listFindingsOperation = defineOperation({
  name: 'datasetFinding.list',
  action: 'dataset:read',
  mode: 'read',
  scope: 'project',
  summary: 'Lists what was found in a dataset that is personal or secret, newest first.',
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
  summary: 'Says that a column holds what it looks like: it stays masked for whoever may not unmask.',
  input: z.strictObject({
    ...one,
    mask: z.enum(maskMethods).default('redact').describe('What stands in the place of its values.'),
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
  summary: 'Says that a column may be shown as it is, for good or for some days.',
  input: z.strictObject({
    ...one,
    reason: reason.min(1).describe('Why it may stay as it is.'),
    days: z.int().min(1).max(3650).optional().describe('After so many days it is open again. Default: never.'),
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
  summary: 'Takes back what was said of a finding.',
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
  summary: 'Looks for personal data in a version again. Every new version is looked at by itself.',
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
  summary: 'Tells how far the look for personal data in a version is.',
  input: z.strictObject({ name, version }),
  output: dataScanSchema,
  target: ofDataset,
  http: { method: 'GET', path: `${base}/versions/:version/scan`, status: 200 },
});

const masks = z.strictObject({
  items: z.array(columnMaskSchema).describe('By column.'),
});

export const listMasksOperation = defineOperation({
  name: 'datasetMask.list',
  action: 'dataset:read',
  mode: 'read',
  scope: 'project',
  summary: 'Tells which columns of a dataset are masked, and how, for whoever may not unmask.',
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
  summary: 'Tells whoever may see all of a dataset which columns others see masked. Refused to everybody else.',
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
  summary: 'Lists the keys that pseudonyms and hashes are made with; never the keys themselves.',
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
  summary: 'Makes a new key: pseudonyms made from now on are other ones, and cannot be joined with those before.',
  input: z.strictObject({
    dataset: datasetNameSchema.optional().describe('The salt of this dataset. Default: the key of the project.'),
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
    'Destroys a key for good: nobody can link its pseudonyms to anybody again. Backups made before still hold it, sealed.',
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
