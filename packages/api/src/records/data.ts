import { z } from 'zod';
import { actorSchema } from '#manifest.ts';

/** What is kept of data: versions of datasets, the files they are made of, and how they came. */

const milliseconds = z.int().describe('Milliseconds since 1970-01-01 UTC.');
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/**
 * `building`: its checks have not ended. `ready`: it may be used. `quarantined`: a check that blocks failed, or did not
 * end. `broken`: what it points at elsewhere has changed. `deleted`: its files are gone, what it was stays.
 */
export const datasetVersionStates = ['building', 'ready', 'quarantined', 'broken', 'deleted'] as const;
export type DatasetVersionState = (typeof datasetVersionStates)[number];

/** `managed`: its files lie in Dais. `reference`: they stay where they are, pinned. */
export const datasetModes = ['managed', 'reference'] as const;
export type DatasetMode = (typeof datasetModes)[number];

/**
 * The types of columns, in words of Dais: `boolean`, `int8` to `int64`, `uint8` to `uint64`, `float32`, `float64`,
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
  name: columnNameSchema.describe('As in the header of its files.'),
  type: columnTypeSchema.describe('`int64`, `float64`, `string`, `timestamp` (microseconds, UTC), …'),
  nullable: z.boolean().default(true).describe('Whether a row may have no value.'),
});
export type DataColumn = z.output<typeof dataColumnSchema>;

/** Most columns of a dataset. */
export const MOST_COLUMNS = 10_000;

export const dataSchemaSchema = z.strictObject({
  columns: z.array(dataColumnSchema).max(MOST_COLUMNS).describe('In the order of its files.'),
});
export type DataSchema = z.output<typeof dataSchemaSchema>;

const datasetFileSchema = z.strictObject({
  name: z.string().describe('Unique in the version.'),
  digest: sha256.describe('SHA-256 of its bytes.'),
  bytes: z.int().describe('Its size.'),
  rows: z.int().describe('How many rows it has.'),
  uri: z.string().optional().describe('Location of the file, for a version with external files.'),
  pin: z.string().optional().describe('Version id or entity tag of the object there.'),
  format: z.string().optional().describe('Format of an external file; all others are Parquet.'),
});
export type DatasetFile = z.output<typeof datasetFileSchema>;

/** Where a version came from, as it was told or found. */
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
    .describe('How it came.'),
  files: z
    .array(
      z.strictObject({
        name: z.string().describe('Name of the file that was read.'),
        digest: z.string().nullable().describe('SHA-256 of its bytes; null if not read completely.'),
        bytes: z.int().nullable().describe('Its size.'),
      }),
    )
    .max(1000)
    .optional()
    .describe('What was read; the first 1,000.'),
  uri: z.string().max(4096).optional().describe('Where it was read, without credentials.'),
  snapshot: z
    .string()
    .max(256)
    .optional()
    .describe('Which state of a table outside it is: `delta 12`, `iceberg 3051729675574597004`.'),
  sql: z.string().max(65_536).optional().describe('The query that made it.'),
  versions: z.array(z.uuid()).max(1000).optional().describe('IDs of the source dataset versions.'),
  execution: z.string().max(256).optional().describe('The run of a pipeline or command that made it.'),
  step: z.string().max(256).optional().describe('Its step.'),
});
export type VersionSource = z.output<typeof versionSourceSchema>;

export const datasetVersionSchema = z.strictObject({
  id: z.uuid().describe('Stays, whatever becomes of the dataset.'),
  dataset: z.string().describe('Name of its dataset.'),
  project: z.string().describe('Id of its project.'),
  number: z.int().describe('Counted from 1; one that was deleted is not given again.'),
  digest: sha256.describe('SHA-256 of its manifest: the same files, schema and keys give the same.'),
  state: z.enum(datasetVersionStates).describe('State of the version. `@latest` always resolves to a `ready` version.'),
  reason: z.string().optional().describe('Why it is quarantined or broken.'),
  mode: z.enum(datasetModes).describe('`reference`: its files stay where they are.'),
  rows: z.int().describe('How many rows it has.'),
  bytes: z.int().describe('Size of its files.'),
  newBytes: z.int().describe('Of these, what no version of the dataset had before.'),
  files: z.array(datasetFileSchema).describe('In the order of the rows; the first 1,000 in lists.'),
  fileCount: z.int().describe('How many files.'),
  schema: dataSchemaSchema,
  keys: z.array(z.string()).describe('Columns that name a row. May be empty.'),
  eventTime: z.string().optional().describe('Column that says when a row was true.'),
  label: z.string().optional().describe('Column that is to be predicted.'),
  tags: z.array(z.string()).describe('Tags of the version.'),
  message: z.string().describe('Description of the change; may be empty.'),
  createdAt: milliseconds,
  createdBy: actorSchema.describe('Creator.'),
  origin: z.string().describe('Which kind of client made it.'),
  parent: z.uuid().optional().describe('Id of the version that was the newest before it, or that it restores.'),
  source: versionSourceSchema.describe('Where it came from.'),
});
export type DatasetVersion = z.output<typeof datasetVersionSchema>;

/** States of the making of a version; `open`: files are still coming. */
export const ingestStates = ['open', 'waiting', 'running', 'done', 'failed', 'canceled'] as const;
export type IngestState = (typeof ingestStates)[number];

/** One fault in a file, found while it was read. */
export const ingestFaultSchema = z.strictObject({
  file: z.string().optional().describe('Name of the file.'),
  line: z.int().optional().describe('Line in it, from 1 on.'),
  column: z.string().optional().describe('Name of the column.'),
  value: z.string().optional().describe('Invalid value; at most 100 characters.'),
  message: z.string().describe('What is wrong.'),
  remedy: z.string().optional().describe('What to do.'),
});
export type IngestFault = z.output<typeof ingestFaultSchema>;

export const ingestSchema = z.strictObject({
  id: z.uuid(),
  dataset: z.string().describe('Name of the dataset.'),
  state: z.enum(ingestStates),
  phase: z.string().describe('What it does now: `fetch`, `infer`, `read`, `check`, `store`.'),
  done: z.number().describe('Share that is done, 0 to 1.'),
  faults: z.array(ingestFaultSchema).describe('What was wrong with the files; at most 100.'),
  rejects: z.int().describe('Rows that could not be read; they can be downloaded.'),
  version: z.int().optional().describe('Number of the version that it made.'),
  versionId: z.uuid().optional().describe('Its id.'),
  needed: z.array(z.string()).describe('While it is open: files whose bytes are not here yet; the first 1,000.'),
  unchanged: z.boolean().describe('Whether the data equals the latest version, so that no version was created.'),
  createdAt: milliseconds,
  createdBy: actorSchema,
  endedAt: milliseconds.optional(),
});
export type Ingest = z.output<typeof ingestSchema>;
