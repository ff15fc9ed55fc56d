import { z } from 'zod';
import { defineOperation, type HttpBinding, type Operation } from '#operations/operation.ts';
import { ingestSchema } from '#records/data.ts';
import { datasetNameSchema, versionTagSchema } from '#records/data-reference.ts';

const dataset = '/api/v1/data/datasets/:name' as const;
const name = datasetNameSchema.describe('Name of the dataset.');
const id = z.uuid().describe('Of the push.');
const ofDataset = ({ name: of }: { readonly name: string }) => ({ kind: 'Dataset', name: of });
const http = (
  method: HttpBinding['method'],
  path: HttpBinding['path'],
  more: Partial<HttpBinding> = {},
): HttpBinding => ({ method, path, status: 200, ...more });
const PUSHERS: Operation['roles'] = ['operator', 'editor'];

/** Name of a file of a push: a relative path, as the sender's folder has it. */
const fileName = z
  .string()
  .min(1)
  .max(1024)
  // oxlint-disable-next-line no-control-regex -- control characters are exactly what is refused here
  .regex(/^[^\u0000-\u001f\u007f]+$/, { message: 'no control characters' });

/** Most files of one push. */
export const MOST_PUSHED_FILES = 20_000;

export const beginPushOperation = defineOperation({
  name: 'datasetPush.begin',
  action: 'dataset:push',
  mode: 'write',
  scope: 'project',
  summary:
    'Begins a version of files that are sent one by one. Files that are known already need not be sent; the answer names the others.',
  input: z.strictObject({
    name,
    files: z
      .array(
        z.strictObject({
          name: fileName.describe('As faults name it; its ending says the format.'),
          bytes: z.int().min(0).describe('Its size.'),
          sha256: z
            .string()
            .regex(/^[0-9a-f]{64}$/)
            .describe('SHA-256 of its bytes.'),
        }),
      )
      .min(1)
      .max(MOST_PUSHED_FILES)
      .describe('In the order of their rows.'),
    message: z.string().max(2000).default('').describe('Why, or what is new.'),
    tags: z.array(versionTagSchema).max(20).default([]).describe('What the version is called beside its number.'),
    faults: z
      .enum(['refuse', 'keep'])
      .default('refuse')
      .describe('`keep`: rows that cannot be read are left out and kept for download, instead of refusing all.'),
    create: z.boolean().default(true).describe('Whether a dataset that is not there is made.'),
  }),
  output: ingestSchema,
  target: ofDataset,
  roles: PUSHERS,
  http: http('POST', `${dataset}/pushes`, { status: 201 }),
});

export const uploadPushedFileOperation = defineOperation({
  name: 'datasetPush.upload',
  action: 'dataset:push',
  mode: 'write',
  scope: 'project',
  summary: 'Keeps the bytes of the request as one file of a push. Sending it again changes nothing.',
  input: z.strictObject({ name, id, file: fileName.describe('Its name, as the push has it.') }),
  output: z.strictObject({ file: z.string(), size: z.int(), sha256: z.string() }),
  target: ofDataset,
  roles: PUSHERS,
  http: http('PUT', `${dataset}/pushes/:id/files`, { query: ['file'], content: 'upload' }),
});

export const commitPushOperation = defineOperation({
  name: 'datasetPush.commit',
  action: 'dataset:push',
  mode: 'write',
  scope: 'project',
  summary: 'Says that all files have come: a version is made of them. Follow it with `datasetIngest.get`.',
  input: z.strictObject({ name, id }),
  output: ingestSchema,
  target: ofDataset,
  roles: PUSHERS,
  http: http('POST', `${dataset}/pushes/:id/commit`, { status: 202 }),
});

export const cancelIngestOperation = defineOperation({
  name: 'datasetIngest.cancel',
  action: 'dataset:push',
  mode: 'write',
  scope: 'project',
  summary: 'Gives a version up that is not made yet. One that has ended stays as it is.',
  input: z.strictObject({ name, id }),
  output: ingestSchema,
  target: ofDataset,
  roles: PUSHERS,
  http: http('DELETE', `${dataset}/ingests/:id`),
});

export const refreshDatasetOperation = defineOperation({
  name: 'dataset.refresh',
  action: 'dataset:push',
  mode: 'write',
  scope: 'project',
  summary: 'Reads the source of a dataset again, and makes a version if there is something new.',
  input: z.strictObject({
    name,
    message: z.string().max(2000).default('').describe('Why.'),
    tags: z.array(versionTagSchema).max(20).default([]).describe('What the version is called beside its number.'),
    faults: z.enum(['refuse', 'keep']).default('refuse').describe('As of `datasetPush.begin`.'),
  }),
  output: ingestSchema,
  target: ofDataset,
  roles: PUSHERS,
  http: http('POST', `${dataset}/refresh`, { status: 202 }),
});

export const readIngestOperation = defineOperation({
  name: 'datasetIngest.get',
  action: 'dataset:read',
  mode: 'read',
  scope: 'project',
  summary: 'Tells how far the making of a version is, and what was wrong with its files.',
  input: z.strictObject({ name, id }),
  output: ingestSchema,
  target: ofDataset,
  http: http('GET', `${dataset}/ingests/:id`),
});

export const listIngestsOperation = defineOperation({
  name: 'datasetIngest.list',
  action: 'dataset:read',
  mode: 'read',
  scope: 'project',
  summary: 'Gives the makings of versions of a dataset, the newest first.',
  input: z.strictObject({
    name,
    limit: z.int().min(1).max(1000).default(100).describe('Most items in one page.'),
    cursor: z.string().max(4096).optional().describe('`nextCursor` of the page before.'),
  }),
  output: z.strictObject({ items: z.array(ingestSchema), nextCursor: z.string().optional() }),
  target: ofDataset,
  http: http('GET', `${dataset}/ingests`, { query: ['limit', 'cursor'] }),
});

/** Its rows are as they came, unmasked: roles beside its action would give them every masked column. */
export const readRejectsOperation = defineOperation({
  name: 'datasetIngest.rejects',
  action: 'dataset:unmask',
  mode: 'read',
  scope: 'project',
  summary: 'Gives the rows that could not be read, one JSON object on each line, with file, line and column.',
  input: z.strictObject({ name, id }),
  output: z.strictObject({ size: z.int(), sha256: z.string().nullable() }),
  target: ofDataset,
  roles: [],
  http: http('GET', `${dataset}/ingests/:id/rejects`, { content: 'download' }),
});

export const datasetPushOperations: readonly Operation[] = [
  beginPushOperation,
  uploadPushedFileOperation,
  commitPushOperation,
  cancelIngestOperation,
  refreshDatasetOperation,
  readIngestOperation,
  listIngestsOperation,
  readRejectsOperation,
];
