import { z } from 'zod';
import {
  assessmentId,
  assessmentMetadata,
  assessmentName,
  assessmentValue,
  traceId,
} from '#operations/assessment-input.ts';
import { defineOperation, type HttpBinding, type Operation } from '#operations/operation.ts';
import { evaluationRecordSchema, evaluationSchemaSchema } from '#records/evaluation.ts';
import { assessmentErrorSchema, assessmentKinds, spanSchema, traceStates } from '#records/trace.ts';

/** Imports of another tracking server's traces and evaluation data unchanged, including ids and times. */

const imports = '/api/v1/tracking/imports' as const;
const EDITORS = ['editor'] as const;
const ofImports = () => ({ kind: 'Import' });
const post = (path: string): HttpBinding => ({ method: 'POST', path: `${imports}/${path}`, status: 200 });

const text = (longest: number) => z.string().max(longest);
const milliseconds = z.int().describe('Milliseconds since 1970-01-01 UTC.');
const source = z.string().min(1).max(512).describe('Id of the source server, equal in every call.');
const experimentId = z
  .string()
  .regex(/^\d{1,18}$/)
  .describe('Id of the experiment in Dais.');
const key = z.string().min(1).max(250);
const amounts = z.record(z.string().regex(/^[a-z0-9_]{1,60}$/), z.number());
const runId = z.string().regex(/^[A-Za-z0-9][\w-]{0,255}$/);
const spans = z.array(spanSchema).max(10_000);

const importedAssessment = z.strictObject({
  id: assessmentId,
  spanId: text(50).optional(),
  name: assessmentName,
  kind: z.enum(assessmentKinds),
  value: assessmentValue,
  error: assessmentErrorSchema.optional(),
  source: z.strictObject({ type: z.string().min(1).max(50), id: text(250) }),
  rationale: text(65_536).optional(),
  metadata: assessmentMetadata.default({}),
  overrides: assessmentId.optional().describe('Id of the assessment that it overrides.'),
  valid: z.boolean().default(true).describe('Whether no other assessment overrides it.'),
  createdAt: milliseconds,
  updatedAt: milliseconds,
});

export const importTraceOperation = defineOperation({
  name: 'import.trace',
  action: 'import:write',
  mode: 'write',
  scope: 'project',
  summary: 'Imports a trace with spans, assessments and links. It keeps its ID.',
  input: z.strictObject({
    source,
    experimentId,
    id: traceId.describe('Id of the trace, equal at the source and in Dais.'),
    requestedAt: milliseconds,
    durationMs: z.int().min(0).optional(),
    state: z.enum(traceStates),
    clientRequestId: text(250).optional(),
    requestPreview: text(65_536).optional(),
    responsePreview: text(65_536).optional(),
    metadata: z.record(key, text(65_536)).default({}),
    tags: z.record(key, text(8000)).default({}),
    usage: amounts.optional(),
    cost: amounts.optional(),
    assessments: z.array(importedAssessment).max(1000).default([]),
    runIds: z.array(runId).max(10_000).default([]).describe('Ids of linked runs.'),
    prompts: z.array(text(300)).max(1000).default([]).describe('Linked prompts as `NAME/VERSION`.'),
    spans: spans.default([]).describe('First spans of a large trace. Send the others with `import.spans`.'),
  }),
  output: z.strictObject({
    id: z.string(),
    spans: z.int().describe('Current number of points.'),
    artifactUri: z.string().describe('Artifact location in Dais.'),
  }),
  target: ofImports,
  roles: EDITORS,
  http: post('traces'),
});

export const importSpansOperation = defineOperation({
  name: 'import.spans',
  action: 'import:write',
  mode: 'write',
  scope: 'project',
  summary: 'Adds spans to an imported trace.',
  input: z.strictObject({ id: traceId, spans }),
  output: z.strictObject({ spans: z.int().describe('Current number of points.') }),
  target: ofImports,
  roles: EDITORS,
  http: post('spans'),
});

const datasetId = z.string().regex(/^[A-Za-z0-9][\w-]{0,63}$/);

export const importEvaluationDatasetOperation = defineOperation({
  name: 'import.evaluationDataset',
  action: 'import:write',
  mode: 'write',
  scope: 'project',
  summary: 'Imports an evaluation dataset without records. It keeps its ID.',
  input: z.strictObject({
    source,
    id: datasetId.describe('Id of the dataset, equal at the source and in Dais.'),
    name: z.string().min(1).max(255),
    digest: text(64),
    schema: evaluationSchemaSchema.optional(),
    experimentIds: z.array(experimentId).max(1000).default([]).describe('Ids of the experiments in Dais.'),
    tags: z.record(z.string().min(1).max(255), text(5000)).default({}),
    createdAt: milliseconds,
    updatedAt: milliseconds,
    createdBy: text(255).optional(),
    updatedBy: text(255).optional(),
  }),
  output: z.strictObject({ id: z.string() }),
  target: ofImports,
  roles: EDITORS,
  http: post('evaluation-datasets'),
});

export const importEvaluationRecordsOperation = defineOperation({
  name: 'import.evaluationRecords',
  action: 'import:write',
  mode: 'write',
  scope: 'project',
  summary: 'Imports records of an evaluation dataset. Records with existing inputs are overwritten.',
  input: z.strictObject({ id: datasetId, records: z.array(evaluationRecordSchema).max(1000) }),
  output: z.strictObject({ records: z.int().describe('Current number of records.') }),
  target: ofImports,
  roles: EDITORS,
  http: post('evaluation-records'),
});

export const importScorerOperation = defineOperation({
  name: 'import.scorer',
  action: 'import:write',
  mode: 'write',
  scope: 'project',
  summary: 'Imports a scorer version. It keeps its number.',
  input: z.strictObject({
    source,
    experimentId,
    name: z.string().min(1).max(256),
    id: text(64).describe('Id of the scorer, equal at the source and in Dais.'),
    version: z.int().min(1).max(2_147_483_647),
    definition: z.string().min(1).max(1_048_576).describe('Serialized scorer of the client. Dais never executes it.'),
    createdAt: milliseconds,
  }),
  output: z.strictObject({ id: z.string() }),
  target: ofImports,
  roles: EDITORS,
  http: post('scorers'),
});

export const traceImportOperations: readonly Operation[] = [
  importTraceOperation,
  importSpansOperation,
  importEvaluationDatasetOperation,
  importEvaluationRecordsOperation,
  importScorerOperation,
];
