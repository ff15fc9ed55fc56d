import { z } from 'zod';
import { baseStatus, reference, type KindSpec } from '#manifest.ts';
import { columnNameSchema, columnTypeSchema, MOST_COLUMNS } from '#records/data.ts';
import { expectationSchema } from '#records/expectation.ts';
import { datasetNameSchema, datasetReferenceSchema } from '#records/data-reference.ts';

const secretValue = z.strictObject({
  secret: reference('Secret').describe('Name of a Secret in the same project.'),
  key: z.string().min(1).max(128).describe('The key inside that Secret.'),
});
const column = columnNameSchema;

const modeField = z
  .enum(['managed', 'reference'])
  .default('managed')
  .describe(
    '`reference`: the objects stay where they are, pinned by digest; when one changes, the version is `broken`, never silently different.',
  );

const uploadSource = z.strictObject({
  type: z.literal('upload').describe('Files that somebody pushes: `dais data push`.'),
});
/** How a bucket is reached. */
const ofBucket = {
  endpoint: z
    .url({ protocol: /^https?$/ })
    .max(2048)
    .optional()
    .describe('Of a store that is not Amazon’s.'),
  region: z.string().min(1).max(64).default('us-east-1').describe('Region of the bucket.'),
  accessKeyId: secretValue.optional().describe('Default: the bucket is read without signing.'),
  secretAccessKey: secretValue.optional().describe('The secret beside it.'),
  mode: modeField,
};
const filesSource = z.strictObject({
  type: z.literal('files').describe('Objects of an S3 bucket.'),
  bucket: z.string().min(1).max(255).describe('Name of the bucket.'),
  glob: z
    .string()
    .min(1)
    .max(1024)
    .describe('Which objects: `raw/2026-*/part-*.parquet`; `*` ends at `/`, `**` does not.'),
  ...ofBucket,
});
const deltaSource = z.strictObject({
  type: z.literal('delta').describe('A Delta table in an S3 bucket, as of one of its versions.'),
  bucket: z.string().min(1).max(255).describe('Name of the bucket.'),
  path: z
    .string()
    .min(1)
    .max(1024)
    .regex(/^[^*?]+$/, { message: 'a path without `*` and `?`' })
    .describe('Where the table lies in it: the folder above `_delta_log`.'),
  version: z.int().min(0).max(1_000_000).optional().describe('Its version. Default: the newest.'),
  ...ofBucket,
});
const icebergSource = z.strictObject({
  type: z.literal('iceberg').describe('An Iceberg table in an S3 bucket, as of one of its snapshots.'),
  bucket: z.string().min(1).max(255).describe('Name of the bucket.'),
  path: z
    .string()
    .min(1)
    .max(1024)
    .regex(/^[^*?]+$/, { message: 'a path without `*` and `?`' })
    .describe('Where the table lies in it: the folder above `metadata`.'),
  metadata: z
    .string()
    .min(1)
    .max(512)
    .regex(/^[^/]+$/, { message: 'the name of a file, without folders' })
    .optional()
    .describe(
      'The file below `metadata` that says what the table is, as its catalog names it. Default: the one with the highest number.',
    ),
  snapshot: z
    .string()
    .regex(/^\d{1,19}$/, { message: 'digits, in quotes' })
    .optional()
    .describe('Id of its snapshot, in quotes. Default: the current one.'),
  ...ofBucket,
});
const httpSource = z.strictObject({
  type: z.literal('http').describe('Addresses that are fetched.'),
  urls: z
    .array(z.url({ protocol: /^https?$/ }).max(2048))
    .min(1)
    .max(100)
    .describe('Each one file.'),
  headers: z
    .record(z.string().regex(/^[A-Za-z0-9-]{1,64}$/), secretValue)
    .optional()
    .describe('Headers whose values Secrets have: `Authorization`.'),
  mode: modeField,
});
/** Of a server that answers queries. */
const ofDatabase = (usualPort: number, longestName: number) => ({
  host: z.string().min(1).max(253).describe('Name or address of the server.'),
  port: z.int().min(1).max(65_535).default(usualPort).describe('Its port.'),
  database: z.string().min(1).max(longestName).describe('Name of the database.'),
  user: z.string().min(1).max(longestName).describe('Who reads; needs no more than the right to.'),
  password: secretValue.optional().describe('The password, kept in a Secret.'),
  tls: z
    .enum(['verify', 'require', 'off'])
    .default('verify')
    .describe('`verify`: encrypted, and the certificate is checked. `require`: encrypted. `off`: in the clear.'),
  sql: z.string().min(1).max(65_536).describe('One query; what it gives, in its order, are the rows.'),
});
const postgresSource = z.strictObject({
  type: z.literal('postgres').describe('A query to a PostgreSQL server, read in one snapshot.'),
  ...ofDatabase(5432, 63),
});
const mysqlSource = z.strictObject({
  type: z.literal('mysql').describe('A query to a MySQL or MariaDB server, read in one snapshot.'),
  ...ofDatabase(3306, 64),
});
const datasetsSource = z.strictObject({
  type: z.literal('dataset').describe('A query over other datasets of the project.'),
  sql: z.string().min(1).max(65_536).describe('One SELECT; the tables are those of `tables`.'),
  tables: z
    .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,62}$/), datasetReferenceSchema)
    .describe('Name of each table in the query, with the version that it is: `flights@latest`.'),
});
export const datasetSourceSchema = z.discriminatedUnion('type', [
  uploadSource,
  filesSource,
  deltaSource,
  icebergSource,
  httpSource,
  postgresSource,
  mysqlSource,
  datasetsSource,
]);
export type DatasetSource = z.output<typeof datasetSourceSchema>;

export const dataFormats = ['csv', 'json', 'ndjson', 'parquet', 'arrow'] as const;
export type DataFormat = (typeof dataFormats)[number];

const one = z.string().length(1);
export const datasetFormatSchema = z.strictObject({
  type: z
    .enum(dataFormats)
    .optional()
    .describe('Default: by the name of each file: `.csv`, `.json`, `.ndjson`, `.jsonl`, `.parquet`, `.arrow`.'),
  compression: z
    .enum(['none', 'gzip', 'zstd'])
    .optional()
    .describe('Of CSV and JSON. Default: by the name: `.gz`, `.zst`.'),
  delimiter: one.optional().describe('Of CSV. Default: found out.'),
  header: z.boolean().optional().describe('Of CSV: whether the first line names the columns. Default: yes.'),
  quote: one.optional().describe('Of CSV. Default: `"`.'),
  escape: one.optional().describe('Of CSV. Default: the quote, doubled.'),
  encoding: z.enum(['utf-8', 'utf-16', 'latin-1']).optional().describe('Of CSV. Default: utf-8.'),
  nulls: z.array(z.string().max(64)).max(20).optional().describe('Of CSV: what stands for no value. Default: nothing.'),
  dateFormat: z.string().min(1).max(64).optional().describe('Of CSV: `%d.%m.%Y`. Default: ISO 8601.'),
  timestampFormat: z.string().min(1).max(64).optional().describe('Of CSV. Default: ISO 8601; without zone it is UTC.'),
});
export type DatasetFormat = z.output<typeof datasetFormatSchema>;

export const maskMethods = ['redact', 'hash', 'pseudonym', 'generalise'] as const;
export type MaskMethod = (typeof maskMethods)[number];

const sensitiveColumn = z.strictObject({
  column: column.describe('Name of the column.'),
  category: z
    .string()
    .min(1)
    .max(64)
    .regex(/^[a-z][a-z0-9_-]*$/, { message: 'lower-case letters, digits, `_` and `-`' })
    .describe('What it tells: `email`, `name`, `health`.'),
  mask: z
    .enum(maskMethods)
    .default('redact')
    .describe('What those see who may not `dataset:unmask`: nothing, a hash, a pseudonym, or something coarser.'),
});

export const datasetSpec = z.strictObject({
  description: z.string().max(5000).optional().describe('What it holds, in a sentence or two.'),
  owner: reference('Team').optional().describe('The Team that answers for it.'),
  licence: z.string().max(256).optional().describe('Under which it may be used: `CC-BY-4.0`, `internal`.'),
  source: datasetSourceSchema.optional().describe('Where its rows come from. Default: files that somebody pushes.'),
  refreshMinutes: z
    .int()
    .min(1)
    .max(525_600)
    .optional()
    .describe('The source is read again after so many minutes. Default: when somebody asks.'),
  format: datasetFormatSchema.optional().describe('How its files are written.'),
  columns: z
    .array(
      z.strictObject({
        name: column.describe('As in the header of its files.'),
        type: columnTypeSchema.describe('`int64`, `float64`, `string`, `date`, `timestamp`, `decimal(18,2)` …'),
        nullable: z.boolean().default(true).describe('Whether a row may have no value.'),
        description: z.string().max(5000).optional().describe('What it says, and in which unit.'),
      }),
    )
    .min(1)
    .max(MOST_COLUMNS)
    .optional()
    .describe(
      'Pins the schema: what does not fit is refused. Default: found out from the first version, and then pinned.',
    ),
  schemaChanges: z
    .enum(['refuse', 'add', 'any'])
    .default('refuse')
    .describe(
      'Against the version before, where `columns` says nothing. `add`: new columns may come. `any`: also others.',
    ),
  keys: z.array(column).max(32).optional().describe('Columns that name a row; no two rows may share them.'),
  eventTime: column.optional().describe('Column that says when a row was true.'),
  createdTime: column.optional().describe('Column that says when a row became known.'),
  label: column.optional().describe('Column that is to be predicted.'),
  sensitive: z.array(sensitiveColumn).max(1000).optional().describe('Columns that are masked.'),
  protected: z
    .array(column)
    .max(100)
    .optional()
    .describe('Columns by which results must be fair: `gender`, `age_group`.'),
  retention: z
    .strictObject({
      versions: z.int().min(1).max(1_000_000).optional().describe('As many versions are kept, the newest.'),
      days: z.int().min(1).max(36_500).optional().describe('Versions are kept for so many days.'),
    })
    .optional()
    .describe(
      'Which versions are deleted: those that neither counts for. Tagged versions and the newest ready one stay. Default: none.',
    ),
  expectations: z.array(expectationSchema).max(500).optional().describe('What must be so of each version.'),
});
export type DatasetSpec = z.output<typeof datasetSpec>;
export type DatasetSpecInput = z.input<typeof datasetSpec>;

export const datasetStatus = z.strictObject({
  ...baseStatus,
  latestVersion: z.int().optional().describe('Number of the newest version that is ready.'),
  newestVersion: z.int().optional().describe('Number of the newest version, whatever its state.'),
  rows: z.int().optional().describe('Rows of the newest ready version.'),
  bytes: z.int().optional().describe('Size of its files.'),
  columns: z.int().optional().describe('How many columns it has.'),
  updatedAt: z.string().optional().describe('When it was made; RFC 3339, UTC.'),
});

export const datasetKind = {
  kind: 'Dataset',
  plural: 'datasets',
  shortNames: ['ds'],
  scope: 'project',
  description:
    'Rows that people and models work with: where they come from, what they must be like and who may see what. Its versions are records, not part of the manifest.',
  name: datasetNameSchema,
  spec: datasetSpec,
  status: datasetStatus,
  actions: [],
  attributes: [
    { name: 'team', path: 'spec.owner', type: 'string', fallback: '', description: 'The Team that answers for it.' },
  ],
  columns: [
    { title: 'Latest', path: 'status.latestVersion' },
    { title: 'Rows', path: 'status.rows' },
    { title: 'Bytes', path: 'status.bytes' },
    { title: 'Ready', path: 'status.conditions[Ready]' },
    { title: 'Owner', path: 'spec.owner', wide: true },
    { title: 'Description', path: 'spec.description', wide: true },
  ],
  example: `apiVersion: dais.dev/v1
kind: Dataset
metadata:
  name: flights
spec:
  description: One row for each flight that landed
  licence: CC-BY-4.0
  keys: [flight_id]
  eventTime: landed_at
  label: delay_minutes
  sensitive:
    - column: pilot_email
      category: email
  retention:
    versions: 30
`,
} as const satisfies KindSpec;
