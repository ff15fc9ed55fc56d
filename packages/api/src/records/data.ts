import { z } from 'zod';
import { actorSchema } from '#manifest.ts';

/** Records of data: versions of datasets, their files and their creation. */

const milliseconds = z.int().describe('Milliseconds since 1970-01-01 UTC.');
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/**
 * `building`: its checks are running. `ready`: it can be used. `quarantined`: a blocking check failed or did not
 * complete. `broken`: its external files have changed. `deleted`: its files are removed, its record stays.
 */
export const datasetVersionStates = ['building', 'ready', 'quarantined', 'broken', 'deleted'] as const;
export type DatasetVersionState = (typeof datasetVersionStates)[number];

/** `managed`: Dais stores the files. `reference`: they stay at their location, pinned. */
export const datasetModes = ['managed', 'reference'] as const;
export type DatasetMode = (typeof datasetModes)[number];

/**
 * Column types with the names of Dais: `boolean`, `int8` to `int64`, `uint8` to `uint64`, `float32`, `float64`,
 * `decimal(p,s)`, `string`, `binary`, `date`, `time`, `timestamp` (microseconds, UTC), `list<…>`, `struct<name: …, …>`.
 */
export const columnTypeSchema = z
  .string()
  .min(1)
  .max(4096)
  .regex(
    /^(boolean|u?int(8|16|32|64)|float(32|64)|decimal\([1-9]\d?,\d\d?\)|string|binary|date|time|timestamp|(list|struct|map)<.+>)$/,
    {
      message:
        'a type: `boolean`, `int64`, `float64`, `decimal(18,2)`, `string`, `binary`, `date`, `time`, `timestamp`, `list<int64>` …',
    },
  );

export const columnNameSchema = z.string().min(1).max(1024);

export const dataColumnSchema = z.strictObject({
  name: columnNameSchema.describe('Column name in the files.'),
  type: columnTypeSchema.describe('`int64`, `float64`, `string`, `timestamp` (microseconds, UTC), …'),
  nullable: z.boolean().default(true).describe('Whether the column may contain nulls.'),
});
export type DataColumn = z.output<typeof dataColumnSchema>;

/** Maximum number of columns of a dataset. */
export const MOST_COLUMNS = 10_000;

export const dataSchemaSchema = z.strictObject({
  columns: z.array(dataColumnSchema).max(MOST_COLUMNS).describe('Columns in the order of the files.'),
});
export type DataSchema = z.output<typeof dataSchemaSchema>;

const datasetFileSchema = z.strictObject({
  name: z.string().describe('File name, unique in the version.'),
  digest: sha256.describe('SHA-256 of the bytes.'),
  bytes: z.int().describe('Size in bytes.'),
  rows: z.int().describe('Number of rows.'),
  uri: z.string().optional().describe('Location of the file, for a version with external files.'),
  pin: z.string().optional().describe('Version id or ETag of the external object.'),
  format: z.string().optional().describe('Format of an external file; managed files are Parquet.'),
});
export type DatasetFile = z.output<typeof datasetFileSchema>;

/** Origin of a version, as given by the client or detected. */
export const versionSourceSchema = z.strictObject({
  type: z
    .enum([
      'upload',
      'files',
      'delta',
      'iceberg',
      'http',
      'postgres',
      'mysql',
      'query',
      'step',
      'restore',
      'labels',
      'features',
      'predictions',
    ])
    .describe('Import method.'),
  files: z
    .array(
      z.strictObject({
        name: z.string().describe('Name of the source file.'),
        digest: z.string().nullable().describe('SHA-256 of the bytes; null if the file was not read completely.'),
        bytes: z.int().nullable().describe('Size in bytes.'),
      }),
    )
    .max(1000)
    .optional()
    .describe('Source files; at most 1,000.'),
  uri: z.string().max(4096).optional().describe('Where it was read, without credentials.'),
  snapshot: z
    .string()
    .max(256)
    .optional()
    .describe('Version of the external table: `delta 12`, `iceberg 3051729675574597004`.'),
  sql: z.string().max(65_536).optional().describe('Query that created the version.'),
  versions: z.array(z.uuid()).max(1000).optional().describe('Ids of the source dataset versions.'),
  execution: z.string().max(256).optional().describe('Pipeline run or job that created the version.'),
  step: z.string().max(256).optional().describe('Step that created the version.'),
});
export type VersionSource = z.output<typeof versionSourceSchema>;

export const datasetVersionSchema = z.strictObject({
  id: z.uuid().describe('Id of the version. It never changes.'),
  dataset: z.string().describe('Name of the dataset.'),
  project: z.string().describe('Id of the project.'),
  number: z.int().describe('Version number, from 1. Numbers of deleted versions are not reused.'),
  digest: sha256.describe('SHA-256 of the version manifest. Equal files, schema and keys give an equal digest.'),
  state: z.enum(datasetVersionStates).describe('State of the version. `@latest` always resolves to a `ready` version.'),
  reason: z.string().optional().describe('Reason why the version is quarantined or broken.'),
  mode: z.enum(datasetModes).describe('`reference`: the files stay at their external location.'),
  rows: z.int().describe('Number of rows.'),
  bytes: z.int().describe('Size of all files in bytes.'),
  newBytes: z.int().describe('Bytes that no earlier version of the dataset has.'),
  files: z.array(datasetFileSchema).describe('Files in row order; at most 1,000 in lists.'),
  fileCount: z.int().describe('Number of files.'),
  schema: dataSchemaSchema,
  keys: z.array(z.string()).describe('Key columns. Can be empty.'),
  eventTime: z.string().optional().describe('Event time column.'),
  label: z.string().optional().describe('Label column.'),
  tags: z.array(z.string()).describe('Tags of the version.'),
  message: z.string().describe('Description of the change; can be empty.'),
  createdAt: milliseconds,
  createdBy: actorSchema.describe('Creator.'),
  origin: z.string().describe('Type of the client that created the version.'),
  parent: z.uuid().optional().describe('Id of the previous version, or of the version that it restores.'),
  source: versionSourceSchema.describe('Where it came from.'),
});
export type DatasetVersion = z.output<typeof datasetVersionSchema>;

/** States of an ingest; `open`: files are still being uploaded. */
export const ingestStates = ['open', 'pending', 'running', 'succeeded', 'failed', 'canceled'] as const;
export type IngestState = (typeof ingestStates)[number];

/** One problem that Dais found when it read a file. */
export const ingestProblemSchema = z.strictObject({
  file: z.string().optional().describe('File name.'),
  line: z.int().optional().describe('Line number, from 1.'),
  column: z.string().optional().describe('Name of the column.'),
  value: z.string().optional().describe('Invalid value; at most 100 characters.'),
  message: z.string().describe('Problem.'),
  remedy: z.string().optional().describe('Remedy.'),
});
export type IngestProblem = z.output<typeof ingestProblemSchema>;

export const ingestSchema = z.strictObject({
  id: z.uuid(),
  dataset: z.string().describe('Name of the dataset.'),
  state: z.enum(ingestStates),
  phase: z.string().describe('Current stage: `fetch`, `infer`, `read`, `check`, `store`.'),
  done: z.number().describe('Progress, 0 to 1.'),
  problems: z.array(ingestProblemSchema).describe('Problems in the files; at most 100.'),
  rejects: z.int().describe('Number of rejected rows. You can download them.'),
  version: z.int().optional().describe('Number of the created version.'),
  versionId: z.uuid().optional().describe('Id.'),
  needed: z.array(z.string()).describe('While the push is open: files that are not uploaded yet; at most 1,000.'),
  unchanged: z.boolean().describe('Whether the data equals the latest version, so that no version was created.'),
  createdAt: milliseconds,
  createdBy: actorSchema,
  endedAt: milliseconds.optional(),
});
export type Ingest = z.output<typeof ingestSchema>;
