import { z } from 'zod';
import { defineOperation, type HttpBinding, type Operation } from '#operations/operation.ts';
import { ingestSchema } from '#records/data.ts';
import { datasetNameSchema, versionTagSchema } from '#records/data-reference.ts';

const dataset = '/api/v1/data/datasets/:name' as const;
const name = datasetNameSchema.describe('Name of the dataset.');
const id = z.uuid().describe('Id of the push.');
const ofDataset = ({ name: of }: { readonly name: string }) => ({ kind: 'Dataset', name: of });
const http = (
  method: HttpBinding['method'],
  path: HttpBinding['path'],
  more: Partial<HttpBinding> = {},
): HttpBinding => ({ method, path, status: 200, ...more });
const PUSHERS: Operation['roles'] = ['operator', 'editor'];

/** Name of a file of a push: a relative path, as in the sender's folder. */
const fileName = z
  .string()
  .min(1)
  .max(1024)
  // oxlint-disable-next-line no-control-regex -- the pattern excludes control characters
  .regex(/^[^\u0000-\u001f\u007f]+$/, { message: 'no control characters' });

/** Maximum number of files of one push. */
export const MOST_PUSHED_FILES = 20_000;

export const beginPushOperation = defineOperation({
  name: 'datasetPush.begin',
  action: 'dataset:push',
  mode: 'write',
  scope: 'project',
  summary: 'Starts a push. The response lists the files that must be uploaded; known files are not sent again.',
  input: z.strictObject({
    name,
    files: z
      .array(
        z.strictObject({
          name: fileName.describe('File name, as in error messages. Its extension determines the format.'),
          bytes: z.int().min(0).describe('Size in bytes.'),
          sha256: z
            .string()
            .regex(/^[0-9a-f]{64}$/)
            .describe('SHA-256 of the bytes.'),
        }),
      )
      .min(1)
      .max(MOST_PUSHED_FILES)
      .describe('Files in row order.'),
    message: z.string().max(2000).default('').describe('Description of the change.'),
    tags: z.array(versionTagSchema).max(20).default([]).describe('Tag of the version.'),
    invalidRows: z
      .enum(['refuse', 'keep'])
      .default('refuse')
      .describe('`keep`: unreadable rows are rejected and kept for download instead of failing the push.'),
    create: z.boolean().default(true).describe('Whether a missing dataset is created.'),
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
  summary: 'Uploads one file of a push. Idempotent.',
  input: z.strictObject({ name, id, file: fileName.describe('File name in the push.') }),
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
  summary: 'Completes a push and starts the ingestion. Follow it with `datasetIngest.get`.',
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
  summary: 'Cancels an ingestion. A finished ingestion stays unchanged.',
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
  summary: 'Ingests from the source of a dataset and creates a version if the source has new data.',
  input: z.strictObject({
    name,
    message: z.string().max(2000).default('').describe('Why.'),
    tags: z.array(versionTagSchema).max(20).default([]).describe('Tag of the version.'),
    invalidRows: z.enum(['refuse', 'keep']).default('refuse').describe('Same as in `datasetPush.begin`.'),
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
  summary: 'Returns the progress and errors of an ingestion.',
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
  summary: 'Lists the ingestions of a dataset, newest first.',
  input: z.strictObject({
    name,
    limit: z.int().min(1).max(1000).default(100).describe('Maximum items per page.'),
    cursor: z.string().max(4096).optional().describe('`nextCursor` of the previous page.'),
  }),
  output: z.strictObject({ items: z.array(ingestSchema), nextCursor: z.string().optional() }),
  target: ofDataset,
  http: http('GET', `${dataset}/ingests`, { query: ['limit', 'cursor'] }),
});

/** The rows are unmasked: roles other than those of its action would see every masked column. */
export const readRejectsOperation = defineOperation({
  name: 'datasetIngest.rejects',
  action: 'dataset:unmask',
  mode: 'read',
  scope: 'project',
  summary: 'Returns rejected rows, one JSON object per line, with file, line and column.',
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
