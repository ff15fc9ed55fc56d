import { z } from 'zod';
import { defineOperation, type HttpBinding, type Operation } from '#operations/operation.ts';
import { columnTypeSchema, datasetVersionSchema, datasetVersionStates } from '#records/data.ts';
import { datasetNameSchema, datasetReferenceSchema, versionTagSchema } from '#records/data-reference.ts';

const dataset = '/api/v1/data/datasets/:name' as const;
const versions = `${dataset}/versions` as const;
const name = datasetNameSchema.describe('Name of the dataset.');
const whichVersion = z
  .string()
  .min(1)
  .max(150)
  .regex(/^[A-Za-z0-9._:+-]+$/)
  .describe('Version: `3`, `latest`, `2026-11-01` or a tag.');
const one = { name, version: whichVersion };
const ofDataset = ({ name: of }: { readonly name: string }) => ({ kind: 'Dataset', name: of });
const http = (
  method: HttpBinding['method'],
  path: HttpBinding['path'],
  more: Partial<HttpBinding> = {},
): HttpBinding => ({ method, path, status: 200, ...more });
const PUSHERS: Operation['roles'] = ['operator', 'editor'];
const paging = {
  limit: z.int().min(1).max(1000).default(100).describe('Maximum items per page.'),
  cursor: z.string().max(4096).optional().describe('`nextCursor` of the previous page.'),
};
const versionPage = z.strictObject({ items: z.array(datasetVersionSchema), nextCursor: z.string().optional() });

export const listDatasetVersionsOperation = defineOperation({
  name: 'datasetVersion.list',
  action: 'dataset:read',
  mode: 'read',
  scope: 'project',
  summary: 'Lists the versions of a dataset, newest first, each with its first files.',
  input: z.strictObject({
    name,
    state: z.enum(datasetVersionStates).optional().describe('Only versions in this state.'),
    ...paging,
  }),
  output: versionPage,
  target: ofDataset,
  http: http('GET', versions, { query: ['state', 'limit', 'cursor'] }),
});

export const readDatasetVersionOperation = defineOperation({
  name: 'datasetVersion.get',
  action: 'dataset:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns a version with all its files.',
  input: z.strictObject(one),
  output: datasetVersionSchema,
  target: ofDataset,
  http: http('GET', `${versions}/:version`),
});

export const findDatasetVersionsOperation = defineOperation({
  name: 'datasetVersion.find',
  action: 'dataset:read',
  mode: 'read',
  scope: 'project',
  summary: 'Searches versions of all datasets, newest first.',
  input: z.strictObject({
    digest: z
      .string()
      .min(4)
      .max(64)
      .regex(/^[0-9a-f]+$/)
      .optional()
      .describe('Digest or digest prefix.'),
    ...paging,
  }),
  output: versionPage,
  target: () => ({ kind: 'Dataset' }),
  http: http('GET', '/api/v1/data/versions', { query: ['digest', 'limit', 'cursor'] }),
});

export const tagDatasetVersionOperation = defineOperation({
  name: 'datasetVersion.tag',
  action: 'dataset:push',
  mode: 'write',
  scope: 'project',
  summary: 'Sets a tag on a version. An existing tag moves.',
  input: z.strictObject({ ...one, tag: versionTagSchema.describe('Tag.') }),
  output: datasetVersionSchema,
  target: ofDataset,
  roles: PUSHERS,
  http: http('POST', `${versions}/:version/tags`),
});

export const untagDatasetVersionOperation = defineOperation({
  name: 'datasetVersion.untag',
  action: 'dataset:push',
  mode: 'write',
  scope: 'project',
  summary: 'Removes a tag. Idempotent.',
  input: z.strictObject({ name, tag: versionTagSchema.describe('Tag.') }),
  output: z.strictObject({}),
  target: ofDataset,
  roles: PUSHERS,
  http: http('DELETE', `${dataset}/tags/:tag`),
});

export const restoreDatasetVersionOperation = defineOperation({
  name: 'datasetVersion.restore',
  action: 'dataset:push',
  mode: 'write',
  scope: 'project',
  summary: 'Restores an older version as a new version without copying data.',
  input: z.strictObject({ ...one, message: z.string().max(2000).default('').describe('Why.') }),
  output: datasetVersionSchema,
  target: ofDataset,
  roles: PUSHERS,
  http: http('POST', `${versions}/:version/restore`, { status: 201 }),
});

export const deleteDatasetVersionOperation = defineOperation({
  name: 'datasetVersion.delete',
  action: 'dataset:delete',
  mode: 'write',
  scope: 'project',
  summary: 'Deletes the files of a version without tags. Its record stays for lineage.',
  input: z.strictObject({ ...one, reason: z.string().max(2000).default('').describe('Why.') }),
  output: datasetVersionSchema,
  target: ofDataset,
  roles: ['editor'],
  http: http('DELETE', `${versions}/:version`, { query: ['reason'] }),
});

export const readDatasetFileOperation = defineOperation({
  name: 'datasetVersion.readFile',
  action: 'dataset:read',
  mode: 'read',
  scope: 'project',
  summary:
    'Downloads a Parquet file of a version, whole or a range. If columns are masked for the caller, use `datasetVersion.export`.',
  input: z.strictObject({ ...one, file: z.string().min(1).max(256).describe('File name in the version.') }),
  output: z.strictObject({ size: z.int(), sha256: z.string().nullable() }),
  target: ofDataset,
  http: http('GET', `${versions}/:version/files/:file`, { content: 'download' }),
});

const exportFormats = ['parquet', 'csv', 'arrow'] as const;

export const exportDatasetVersionOperation = defineOperation({
  name: 'datasetVersion.export',
  action: 'dataset:read',
  mode: 'read',
  scope: 'project',
  summary: 'Exports all rows of a version as one file, with the masks that apply to the caller.',
  input: z.strictObject({
    ...one,
    format: z.enum(exportFormats).default('parquet').describe('Format of the file; `arrow`: an IPC stream.'),
  }),
  output: z.strictObject({ size: z.int(), sha256: z.string().nullable() }),
  target: ofDataset,
  http: http('GET', `${versions}/:version/export`, { query: ['format'], content: 'download' }),
});

const cell: z.ZodType = z.unknown();
const rowsOutput = {
  columns: z
    .array(z.strictObject({ name: z.string(), type: columnTypeSchema.or(z.string()) }))
    .describe('Columns with names and types.'),
  rows: z
    .array(z.array(cell))
    .describe('Rows. Integers beyond 2^53 and decimals are strings; times are RFC 3339, UTC; binary is base64.'),
  truncated: z.boolean().describe('Whether there are more rows.'),
  masked: z.array(z.string()).describe('Columns that are masked for the caller.'),
};

export const headDatasetVersionOperation = defineOperation({
  name: 'datasetVersion.head',
  action: 'dataset:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns the first rows of a version, with the masks that apply to the caller.',
  input: z.strictObject({
    ...one,
    limit: z.int().min(1).max(10_000).default(20).describe('Maximum number of rows.'),
  }),
  output: z.strictObject({ version: z.int().describe('Number of the version.'), ...rowsOutput }),
  target: ofDataset,
  http: http('GET', `${versions}/:version/rows`, { query: ['limit'] }),
});

export const queryDataOperation = defineOperation({
  name: 'data.query',
  action: 'dataset:read',
  mode: 'read',
  scope: 'project',
  summary:
    'Runs one SELECT over datasets, with the masks that apply to the caller. A table is a dataset, `flights`, or one of its versions, `"flights@3"`.',
  input: z.strictObject({
    sql: z.string().min(1).max(65_536).describe('One SELECT in the SQL dialect of DuckDB.'),
    tables: z
      .record(z.string().min(1).max(256), datasetReferenceSchema)
      .optional()
      .describe('Table aliases: `{"a": "flights@3"}`.'),
    limit: z.int().min(1).max(100_000).default(1000).describe('Maximum number of rows.'),
  }),
  output: z.strictObject({
    ...rowsOutput,
    versions: z.record(z.string(), z.string()).describe('Dataset version of each table: `flights@3`.'),
  }),
  target: () => ({ kind: 'Dataset' }),
  http: http('POST', '/api/v1/data/query'),
});

const columnChange = z.strictObject({ name: z.string(), before: z.string().optional(), after: z.string().optional() });

export const diffDatasetVersionsOperation = defineOperation({
  name: 'datasetVersion.diff',
  action: 'dataset:read',
  mode: 'read',
  scope: 'project',
  summary: 'Compares two versions: columns, rows by their keys, and column statistics.',
  input: z.strictObject({
    ...one,
    from: whichVersion.optional().describe('The other one. Default: the newest ready one before.'),
    samples: z.int().min(0).max(100).default(5).describe('Rows of each sort that are shown.'),
  }),
  output: z.strictObject({
    dataset: z.string(),
    from: z.int().describe('Number of the other version.'),
    to: z.int().describe('Number of this version.'),
    identical: z.boolean().describe('They have the same digest.'),
    schema: z.strictObject({
      added: z.array(columnChange),
      removed: z.array(columnChange),
      changed: z.array(columnChange),
    }),
    files: z
      .strictObject({ shared: z.int(), added: z.int(), removed: z.int() })
      .describe('Size of the files in bytes.'),
    keys: z.array(z.string()).describe('Key columns; without them, whole rows are compared.'),
    rows: z.strictObject({
      before: z.int(),
      after: z.int(),
      added: z.int(),
      removed: z.int(),
      changed: z.int().describe('Number of rows with equal keys and different values; 0 without keys.'),
    }),
    changedColumns: z
      .array(z.strictObject({ name: z.string(), rows: z.int() }))
      .describe('Number of changed rows per column, largest first.'),
    samples: z.strictObject({
      columns: z.array(z.string()),
      added: z.array(z.array(cell)),
      removed: z.array(z.array(cell)),
      changedColumns: z.array(z.string()).describe('Examples: keys, then each column before and after.'),
      changed: z.array(z.array(cell)),
    }),
    distribution: z
      .array(
        z.strictObject({
          name: z.string(),
          type: z.string(),
          nulls: z.tuple([z.number(), z.number()]).describe('Share of nulls, before and after.'),
          distinct: z
            .tuple([z.number(), z.number()])
            .describe('Approximate number of distinct values, before and after.'),
          mean: z
            .tuple([z.number().nullable(), z.number().nullable()])
            .optional()
            .describe('Statistics of numeric columns.'),
          deviation: z
            .tuple([z.number().nullable(), z.number().nullable()])
            .optional()
            .describe('Statistics of numeric columns.'),
        }),
      )
      .describe('Statistics of common columns; at most 200.'),
    masked: z.array(z.string()).describe('Columns that are masked for the caller.'),
  }),
  target: ofDataset,
  http: http('GET', `${versions}/:version/diff`, { query: ['from', 'samples'] }),
});

/** The result of `datasetVersion.diff`. */
export type DatasetDiff = z.output<typeof diffDatasetVersionsOperation.output>;

export const datasetOperations: readonly Operation[] = [
  listDatasetVersionsOperation,
  readDatasetVersionOperation,
  findDatasetVersionsOperation,
  tagDatasetVersionOperation,
  untagDatasetVersionOperation,
  restoreDatasetVersionOperation,
  deleteDatasetVersionOperation,
  readDatasetFileOperation,
  exportDatasetVersionOperation,
  headDatasetVersionOperation,
  queryDataOperation,
  diffDatasetVersionsOperation,
];
