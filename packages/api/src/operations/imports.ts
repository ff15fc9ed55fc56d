import { z } from 'zod';
import { defineOperation, type HttpBinding, type Operation } from '#operations/operation.ts';
import { loggedModelStatuses } from '#records/logged-model.ts';
import { datasetInputSchema, metricValueSchema, modelOutputSchema, runStatuses } from '#records/tracking.ts';

/**
 * Imports of another tracking server's content unchanged: with ids, times and complete histories. A repeated write
 * takes the state of the source; content that exists only here stays.
 */

const imports = '/api/v1/tracking/imports' as const;

/** Maximum number of points in one request. Some 40 bytes of JSON each, so that the body stays below its limit. */
export const MOST_IMPORTED_POINTS = 100_000;

const text = (longest: number) => z.string().max(longest);
const milliseconds = z.int().describe('Milliseconds since 1970-01-01 UTC.');
const key = z.string().min(1).max(250);
const values = z.record(key, text(100_000));
const deleted = z.boolean().default(false).describe('Whether it is deleted there.');
const source = z.string().min(1).max(512).describe('Id of the source server, equal in every call.');
const sourceId = z.string().min(1).max(512).describe('Name at the source.');
const recordId = z.string().regex(/^[A-Za-z0-9][\w-]{0,255}$/);
const experimentId = z
  .string()
  .regex(/^\d{1,18}$/)
  .describe('Id of the experiment in Dais.');
const nothing = z.strictObject({});

export const importedKinds = [
  'experiment',
  'run',
  'logged-model',
  'model',
  'model-version',
  'trace',
  'evaluation-dataset',
  'scorer',
] as const;
export type ImportedKind = (typeof importedKinds)[number];

const EDITORS = ['editor'] as const;
const ofImports = () => ({ kind: 'Import' });
const post = (path: string): HttpBinding => ({ method: 'POST', path: `${imports}/${path}`, status: 200 });

export const listImportedOperation = defineOperation({
  name: 'import.list',
  action: 'import:read',
  mode: 'read',
  scope: 'project',
  summary: 'Lists imported objects of a server with their state at the source.',
  input: z.strictObject({
    source,
    kind: z.enum(importedKinds),
    limit: z.int().min(1).max(10_000).default(1000).describe('Maximum items per page.'),
    cursor: z.string().max(4096).optional().describe('`nextCursor` of the previous page.'),
  }),
  output: z.strictObject({
    items: z.array(
      z.strictObject({
        sourceId: z.string().describe('Name at the source.'),
        id: z.string().describe('Name in Dais.'),
        state: z.string().describe('Digest recorded with `import.note`; empty: the import is incomplete.'),
      }),
    ),
    nextCursor: z.string().optional(),
  }),
  target: ofImports,
  http: { method: 'GET', path: `${imports}/records`, status: 200, query: ['source', 'kind', 'limit', 'cursor'] },
});

export const noteImportedOperation = defineOperation({
  name: 'import.note',
  action: 'import:write',
  mode: 'write',
  scope: 'project',
  summary: 'Records that an object is completely imported, with a digest for detecting changes.',
  input: z.strictObject({
    source,
    kind: z.enum(importedKinds),
    sourceId,
    id: z.string().min(1).max(512).describe('Name in Dais.'),
    state: text(256).describe('Digest of the imported object.'),
  }),
  output: nothing,
  target: ofImports,
  roles: EDITORS,
  http: post('records'),
});

const placed = z.strictObject({
  id: z.string().describe('Name in Dais.'),
  artifactUri: z.string().describe('Artifact location in Dais.'),
});

export const importExperimentOperation = defineOperation({
  name: 'import.experiment',
  action: 'import:write',
  mode: 'write',
  scope: 'project',
  summary: 'Imports an experiment. An existing experiment of the same name is used.',
  input: z.strictObject({
    source,
    sourceId,
    isDefault: z.boolean().default(false).describe('Whether it becomes the default experiment of the project.'),
    name: z.string().min(1).max(500),
    createdAt: milliseconds,
    updatedAt: milliseconds,
    deleted,
    tags: values.default({}),
  }),
  output: placed,
  target: ofImports,
  roles: EDITORS,
  http: post('experiments'),
});

export const importRunOperation = defineOperation({
  name: 'import.run',
  action: 'import:write',
  mode: 'write',
  scope: 'project',
  summary: 'Imports a run without its metrics. It keeps its ID.',
  input: z.strictObject({
    source,
    experimentId,
    id: recordId.describe('Id of the run, equal at the source and in Dais.'),
    name: text(250).default(''),
    user: text(256).default(''),
    status: z.enum(runStatuses),
    startedAt: milliseconds,
    endedAt: milliseconds.optional(),
    deleted,
    params: values.default({}),
    tags: values.default({}),
    datasets: z.array(datasetInputSchema).max(10_000).default([]),
    modelInputs: z.array(recordId).max(10_000).default([]),
    modelOutputs: z.array(modelOutputSchema).max(10_000).default([]),
  }),
  output: placed,
  target: ofImports,
  roles: EDITORS,
  http: post('runs'),
});

const column = <Item extends z.ZodType>(item: Item) => z.array(item).max(MOST_IMPORTED_POINTS);

export const importMetricsOperation = defineOperation({
  name: 'import.metrics',
  action: 'import:write',
  mode: 'write',
  scope: 'project',
  summary: `Adds whole histories of metrics to a run, deleted ones too. At most ${MOST_IMPORTED_POINTS} points in one call.`,
  input: z.strictObject({
    runId: recordId,
    series: z
      .array(
        z.strictObject({
          key,
          steps: column(z.int()),
          timestamps: column(z.int()).describe('Milliseconds since 1970-01-01 UTC.'),
          values: column(metricValueSchema),
        }),
      )
      .min(1)
      .max(10_000)
      .describe('Points as columns of equal length.'),
  }),
  output: z.strictObject({
    series: z.array(z.strictObject({ key: z.string(), points: z.int().describe('Current number of points.') })),
  }),
  target: ofImports,
  roles: EDITORS,
  http: post('metrics'),
});

export const importLoggedModelOperation = defineOperation({
  name: 'import.loggedModel',
  action: 'import:write',
  mode: 'write',
  scope: 'project',
  summary: 'Imports a logged model. It keeps its ID. Import the runs with its metrics first.',
  input: z.strictObject({
    source,
    experimentId,
    id: recordId.describe('Id of the logged model, equal at the source and in Dais.'),
    name: text(250).default(''),
    type: text(500).optional(),
    sourceRunId: text(256).optional(),
    status: z.enum(loggedModelStatuses),
    statusMessage: text(1000).optional(),
    createdAt: milliseconds,
    updatedAt: milliseconds,
    deleted,
    params: values.default({}),
    tags: values.default({}),
    metrics: z
      .array(
        z.strictObject({
          runId: recordId,
          key,
          value: metricValueSchema,
          timestamp: milliseconds,
          step: z.int(),
          datasetName: text(500).optional(),
          datasetDigest: text(36).optional(),
        }),
      )
      .max(MOST_IMPORTED_POINTS)
      .default([]),
  }),
  output: placed,
  target: ofImports,
  roles: EDITORS,
  http: post('logged-models'),
});

export const importOperations: readonly Operation[] = [
  listImportedOperation,
  noteImportedOperation,
  importExperimentOperation,
  importRunOperation,
  importMetricsOperation,
  importLoggedModelOperation,
];
