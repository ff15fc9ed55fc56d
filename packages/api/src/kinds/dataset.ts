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
  .describe('`reference`: objects stay at the source, pinned by digest. If one changes, the version becomes `broken`.');

const uploadSource = z.strictObject({
  type: z.literal('upload').describe('Files from `dais data push`.'),
});
/** Connection settings of a bucket. */
const ofBucket = {
  endpoint: z
    .url({ protocol: /^https?$/ })
    .max(2048)
    .optional()
    .describe('Endpoint of an S3-compatible store.'),
  region: z.string().min(1).max(64).default('us-east-1').describe('Region of the bucket.'),
  accessKeyId: secretValue.optional().describe('Access key. Default: unsigned requests.'),
  secretAccessKey: secretValue.optional().describe('Secret access key.'),
  mode: modeField,
};
const filesSource = z.strictObject({
  type: z.literal('files').describe('Objects in an S3 bucket.'),
  bucket: z.string().min(1).max(255).describe('Name of the bucket.'),
  glob: z
    .string()
    .min(1)
    .max(1024)
    .describe('Glob of objects: `raw/2026-*/part-*.parquet`; `*` does not match `/`, `**` does.'),
  ...ofBucket,
});
const deltaSource = z.strictObject({
  type: z.literal('delta').describe('A Delta table in an S3 bucket, at one of its versions.'),
  bucket: z.string().min(1).max(255).describe('Name of the bucket.'),
  path: z
    .string()
    .min(1)
    .max(1024)
    .regex(/^[^*?]+$/, { message: 'a path without `*` and `?`' })
    .describe('Path of the table: the folder above `_delta_log`.'),
  version: z.int().min(0).max(1_000_000).optional().describe('Table version. Default: the latest.'),
  ...ofBucket,
});
const icebergSource = z.strictObject({
  type: z.literal('iceberg').describe('An Iceberg table in an S3 bucket, at one of its snapshots.'),
  bucket: z.string().min(1).max(255).describe('Name of the bucket.'),
  path: z
    .string()
    .min(1)
    .max(1024)
    .regex(/^[^*?]+$/, { message: 'a path without `*` and `?`' })
    .describe('Path of the table: the folder above `metadata`.'),
  metadata: z
    .string()
    .min(1)
    .max(512)
    .regex(/^[^/]+$/, { message: 'the name of a file, without folders' })
    .optional()
    .describe('Metadata file below `metadata`. Default: the one with the highest number.'),
  snapshot: z
    .string()
    .regex(/^\d{1,19}$/, { message: 'digits, in quotes' })
    .optional()
    .describe('Snapshot ID, in quotes. Default: the current snapshot.'),
  ...ofBucket,
});
const httpSource = z.strictObject({
  type: z.literal('http').describe('Files from HTTP URLs.'),
  urls: z
    .array(z.url({ protocol: /^https?$/ }).max(2048))
    .min(1)
    .max(100)
    .describe('URLs, one file each.'),
  headers: z
    .record(z.string().regex(/^[A-Za-z0-9-]{1,64}$/), secretValue)
    .optional()
    .describe('Request headers with values from Secrets: `Authorization`.'),
  mode: modeField,
});
/** Connection settings of a database server. */
const ofDatabase = (usualPort: number, longestName: number) => ({
  host: z.string().min(1).max(253).describe('Host name or IP address of the server.'),
  port: z.int().min(1).max(65_535).default(usualPort).describe('Port.'),
  database: z.string().min(1).max(longestName).describe('Name of the database.'),
  user: z.string().min(1).max(longestName).describe('User name with read permission.'),
  password: secretValue.optional().describe('The password, from a Secret.'),
  tls: z
    .enum(['verify', 'require', 'off'])
    .default('verify')
    .describe('`verify`: encrypted with certificate verification. `require`: encrypted. `off`: unencrypted.'),
  sql: z.string().min(1).max(65_536).describe('SQL query. The result, in its order, is the data.'),
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
    .describe('Tables of the query with their dataset version: `flights@latest`.'),
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
    .describe('Format. Default: by file name: `.csv`, `.json`, `.ndjson`, `.jsonl`, `.parquet`, `.arrow`.'),
  compression: z
    .enum(['none', 'gzip', 'zstd'])
    .optional()
    .describe('Compression of CSV and JSON. Default: by file name: `.gz`, `.zst`.'),
  delimiter: one.optional().describe('Delimiter of CSV. Default: detected.'),
  header: z.boolean().optional().describe('Whether the first line of a CSV file has column names. Default: yes.'),
  quote: one.optional().describe('Quote character of CSV. Default: `"`.'),
  escape: one.optional().describe('Escape character of CSV. Default: the quote, doubled.'),
  encoding: z.enum(['utf-8', 'utf-16', 'latin-1']).optional().describe('Encoding of CSV. Default: utf-8.'),
  nulls: z.array(z.string().max(64)).max(20).optional().describe('Text of a missing value in CSV. Default: empty.'),
  dateFormat: z.string().min(1).max(64).optional().describe('Date format of CSV: `%d.%m.%Y`. Default: ISO 8601.'),
  timestampFormat: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .describe('Timestamp format of CSV. Default: ISO 8601; without a zone it is UTC.'),
});
export type DatasetFormat = z.output<typeof datasetFormatSchema>;

export const maskMethods = ['redact', 'hash', 'pseudonym', 'generalize'] as const;
export type MaskMethod = (typeof maskMethods)[number];

const sensitiveColumn = z.strictObject({
  column: column.describe('Name of the column.'),
  category: z
    .string()
    .min(1)
    .max(64)
    .regex(/^[a-z][a-z0-9_-]*$/, { message: 'lower-case letters, digits, `_` and `-`' })
    .describe('Category: `email`, `name`, `health`.'),
  mask: z.enum(maskMethods).default('redact').describe('Masking method for users without `dataset:unmask`.'),
});

export const datasetSpec = z.strictObject({
  description: z.string().max(5000).optional().describe('Description of the data.'),
  owner: reference('Team').optional().describe('Owner team.'),
  license: z.string().max(256).optional().describe('License: `CC-BY-4.0`, `internal`.'),
  source: datasetSourceSchema.optional().describe('Source of the data. Default: pushed files.'),
  refreshMinutes: z
    .int()
    .min(1)
    .max(525_600)
    .optional()
    .describe('Interval in minutes for reading the source. Default: on request only.'),
  format: datasetFormatSchema.optional().describe('Format of the files.'),
  columns: z
    .array(
      z.strictObject({
        name: column.describe('Name in the header of the files.'),
        type: columnTypeSchema.describe('`int64`, `float64`, `string`, `date`, `timestamp`, `decimal(18,2)` …'),
        nullable: z.boolean().default(true).describe('Whether values may be missing.'),
        description: z.string().max(5000).optional().describe('Description with unit.'),
      }),
    )
    .min(1)
    .max(MOST_COLUMNS)
    .optional()
    .describe('Pins the schema; other data is rejected. Default: inferred from the first version and then pinned.'),
  schemaChanges: z
    .enum(['refuse', 'add', 'any'])
    .default('refuse')
    .describe(
      'Allowed schema changes without `columns`, relative to the previous version. `add`: new columns. `any`: all changes.',
    ),
  keys: z.array(column).max(32).optional().describe('Key columns; unique per row.'),
  eventTime: column.optional().describe('Event time column.'),
  createdTime: column.optional().describe('Column with the time when a row became known.'),
  label: column.optional().describe('Label column (prediction target).'),
  sensitive: z.array(sensitiveColumn).max(1000).optional().describe('Sensitive columns, which are masked.'),
  protected: z
    .array(column)
    .max(100)
    .optional()
    .describe('Protected columns for fairness checks: `gender`, `age_group`.'),
  retention: z
    .strictObject({
      versions: z.int().min(1).max(1_000_000).optional().describe('Number of versions to keep.'),
      days: z.int().min(1).max(36_500).optional().describe('Number of days to keep versions.'),
    })
    .optional()
    .describe(
      'Retention: versions outside of both limits are deleted. Tagged versions and the latest ready version are kept. Default: keep all.',
    ),
  expectations: z.array(expectationSchema).max(500).optional().describe('Expectations that each version must meet.'),
});
export type DatasetSpec = z.output<typeof datasetSpec>;
export type DatasetSpecInput = z.input<typeof datasetSpec>;

export const datasetStatus = z.strictObject({
  ...baseStatus,
  latestVersion: z.int().optional().describe('Number of the latest ready version.'),
  newestVersion: z.int().optional().describe('Number of the latest version in any state.'),
  rows: z.int().optional().describe('Rows of the latest ready version.'),
  bytes: z.int().optional().describe('Size of all files in bytes.'),
  columns: z.int().optional().describe('Number of columns.'),
  updatedAt: z.string().optional().describe('Creation time; RFC 3339, UTC.'),
});

export const datasetKind = {
  kind: 'Dataset',
  plural: 'datasets',
  shortNames: ['ds'],
  scope: 'project',
  description:
    'A versioned table with its source, schema, expectations and masks. Versions are records, not part of the manifest.',
  name: datasetNameSchema,
  spec: datasetSpec,
  status: datasetStatus,
  actions: [],
  attributes: [{ name: 'team', path: 'spec.owner', type: 'string', fallback: '', description: 'Owner team.' }],
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
  description: One row per landed flight
  license: CC-BY-4.0
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
