import { z } from 'zod';
import { defineOperation, type HttpBinding, type Operation } from '#operations/operation.ts';
import { newAssessment, traceId } from '#operations/assessment-input.ts';
import { readTraceMetricsOperation } from '#operations/trace-metrics.ts';
import { resourceSpansSchema, spanSchema, traceSchema, traceStates } from '#records/trace.ts';

const traces = '/api/v1/tracking/traces' as const;
const found = '/api/v1/tracking/search/traces' as const;
const ofTrace = () => ({ kind: 'Trace' });
/** As for runs: running programs write traces; only editors delete them. */
const WRITERS = ['operator', 'editor'] as const;
const EDITORS = ['editor'] as const;

const http = (
  method: HttpBinding['method'],
  path: HttpBinding['path'],
  more: Partial<HttpBinding> = {},
): HttpBinding => ({ method, path, status: 200, ...more });
const nothing = z.strictObject({});
const text = (longest: number) => z.string().max(longest);
const experimentId = z
  .string()
  .regex(/^\d{1,18}$/)
  .describe('Id of the experiment.');
const runId = z
  .string()
  .regex(/^[A-Za-z0-9][\w-]{0,255}$/)
  .describe('Id of the run.');
const key = z.string().min(1).max(250);
const tags = z.record(key, text(8000));
const metadata = z.record(key, z.string()).describe('Values are truncated to 65,536 characters.');
const milliseconds = z.int().min(0).max(8_640_000_000_000_000).describe('Milliseconds since 1970-01-01 UTC.');
const duration = z.int().min(0).max(8_640_000_000_000_000).describe('Duration in milliseconds.');
const amounts = z.record(z.string().regex(/^[a-z0-9_]{1,60}$/), z.number());
const preview = text(65_536);
const filter = text(65_536);

export const logSpansOperation = defineOperation({
  name: 'span.log',
  action: 'trace:log',
  mode: 'write',
  scope: 'project',
  summary: 'Adds spans to traces; missing traces are created. Idempotent per span.',
  input: z.strictObject({
    experimentId,
    runId: runId.optional().describe('Id of the linked run.'),
    resources: z.array(resourceSpansSchema).max(1000),
  }),
  output: z.strictObject({
    accepted: z.int(),
    rejected: z.int().describe('Number of rejected spans.'),
    message: z.string().optional().describe('Error of the first rejected span.'),
  }),
  target: ofTrace,
  roles: WRITERS,
  http: http('POST', '/api/v1/tracking/spans'),
});

export const putTraceOperation = defineOperation({
  name: 'trace.put',
  action: 'trace:log',
  mode: 'write',
  scope: 'project',
  summary: 'Sets the metadata of a trace. Later spans do not change it.',
  input: z.strictObject({
    experimentId,
    id: traceId.optional().describe('Default: generated.'),
    requestedAt: milliseconds,
    durationMs: duration.optional(),
    state: z.enum(traceStates),
    clientRequestId: text(250).optional(),
    requestPreview: preview.optional(),
    responsePreview: preview.optional(),
    metadata: metadata.optional(),
    tags: tags.optional(),
    usage: amounts.optional().describe('Token counts, overriding those of the spans.'),
    cost: amounts.optional().describe('Cost in USD, overriding that of the spans.'),
    assessments: z.array(newAssessment).max(100).optional(),
  }),
  output: traceSchema,
  target: ofTrace,
  roles: WRITERS,
  http: http('POST', traces, { status: 201 }),
});

export const endTraceOperation = defineOperation({
  name: 'trace.end',
  action: 'trace:log',
  mode: 'write',
  scope: 'project',
  summary: 'Sets the end state of a trace.',
  input: z.strictObject({
    id: traceId,
    endedAt: milliseconds,
    state: z.enum(traceStates),
    metadata: metadata.optional().describe('Metadata to add.'),
    usage: amounts.optional(),
    cost: amounts.optional(),
    tags: tags.optional().describe('Metadata to add.'),
  }),
  output: traceSchema,
  target: ofTrace,
  roles: WRITERS,
  http: http('POST', `${traces}/:id/end`),
});

export const readTraceOperation = defineOperation({
  name: 'trace.get',
  action: 'trace:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns the metadata of a trace without spans.',
  input: z.strictObject({ id: traceId }),
  output: traceSchema,
  target: ofTrace,
  http: http('GET', `${traces}/:id`),
});

export const listSpansOperation = defineOperation({
  name: 'span.list',
  action: 'trace:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns the spans of a trace.',
  input: z.strictObject({
    id: traceId,
    limit: z.int().min(1).max(10_000).default(1000).describe('Maximum spans per page.'),
    cursor: text(4096).optional().describe('`nextCursor` of the previous page.'),
  }),
  output: z.strictObject({ items: z.array(spanSchema), nextCursor: z.string().optional() }),
  target: ofTrace,
  http: http('GET', `${traces}/:id/spans`, { query: ['limit', 'cursor'] }),
});

export const readTracesOperation = defineOperation({
  name: 'trace.getMany',
  action: 'trace:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns several traces. Missing ones are omitted.',
  input: z.strictObject({
    ids: z.array(traceId).max(500),
    spans: z.boolean().default(false).describe('With their spans: of at most 100,000 spans together.'),
  }),
  output: z.strictObject({
    items: z.array(z.strictObject({ trace: traceSchema, spans: z.array(spanSchema) })),
  }),
  target: ofTrace,
  http: http('POST', `${found}/by-id`),
});

export const searchTracesOperation = defineOperation({
  name: 'trace.search',
  action: 'trace:read',
  mode: 'read',
  scope: 'project',
  summary: 'Searches traces by metadata, spans and assessments.',
  input: z.strictObject({
    experimentIds: z.array(experimentId).max(1000).describe('Ids of the experiments. An empty list returns no traces.'),
    filter: filter.optional().describe("`status = 'ERROR' and span.name = 'retrieve'`."),
    orderBy: z.array(text(1024)).max(20).optional().describe('Sort order: `timestamp desc`.'),
    limit: z.int().min(1).max(500).default(100).describe('Maximum items per page.'),
    cursor: text(131_072).optional().describe('`nextCursor` of the previous page.'),
  }),
  output: z.strictObject({ items: z.array(traceSchema), nextCursor: z.string().optional() }),
  target: ofTrace,
  http: http('POST', found),
});

export const deleteTracesOperation = defineOperation({
  name: 'trace.delete',
  action: 'trace:delete',
  mode: 'write',
  scope: 'project',
  summary: 'Permanently deletes traces of an experiment, oldest first.',
  input: z.strictObject({
    experimentId,
    ids: z.array(traceId).max(1000).optional(),
    before: z
      .int()
      .optional()
      .describe('Only traces up to this time, inclusive, in milliseconds since 1970-01-01 UTC.'),
    limit: z.int().min(1).max(1000).optional().describe('Maximum number of traces, up to 1,000.'),
  }),
  output: z.strictObject({ deleted: z.int() }),
  target: ofTrace,
  roles: EDITORS,
  http: http('POST', '/api/v1/tracking/delete-traces'),
});

export const tagTraceOperation = defineOperation({
  name: 'trace.tag',
  action: 'trace:log',
  mode: 'write',
  scope: 'project',
  summary: 'Sets or replaces tags of a trace.',
  input: z.strictObject({ id: traceId, tags }),
  output: nothing,
  target: ofTrace,
  roles: WRITERS,
  http: http('POST', `${traces}/:id/tags`),
});

export const untagTraceOperation = defineOperation({
  name: 'trace.untag',
  action: 'trace:log',
  mode: 'write',
  scope: 'project',
  summary: 'Removes a tag of a trace.',
  input: z.strictObject({ id: traceId, key }),
  output: nothing,
  target: ofTrace,
  roles: WRITERS,
  http: http('POST', `${traces}/:id/remove-tag`),
});

export const linkTracesOperation = defineOperation({
  name: 'trace.linkRun',
  action: 'trace:log',
  mode: 'write',
  scope: 'project',
  summary: 'Links traces to a run. Idempotent.',
  input: z.strictObject({ runId, ids: z.array(traceId).max(100) }),
  output: nothing,
  target: ofTrace,
  roles: WRITERS,
  http: http('POST', '/api/v1/tracking/runs/:runId/traces'),
});

export const linkPromptsOperation = defineOperation({
  name: 'trace.linkPrompts',
  action: 'trace:log',
  mode: 'write',
  scope: 'project',
  summary: 'Links prompt versions to a trace.',
  input: z.strictObject({
    id: traceId,
    prompts: z
      .array(z.strictObject({ name: z.string().min(1).max(256), version: z.string().regex(/^\d{1,18}$/) }))
      .max(100),
  }),
  output: nothing,
  target: ofTrace,
  roles: WRITERS,
  http: http('POST', `${traces}/:id/prompts`),
});

export const correlateTracesOperation = defineOperation({
  name: 'trace.correlate',
  action: 'trace:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns the correlation of two trace filters.',
  input: z.strictObject({
    experimentIds: z.array(experimentId).min(1).max(1000),
    filter1: filter,
    filter2: filter,
    base: filter.optional().describe('Only traces that match this filter.'),
  }),
  output: z.strictObject({
    total: z.int(),
    count1: z.int(),
    count2: z.int(),
    both: z.int(),
  }),
  target: ofTrace,
  http: http('POST', `${found}/correlation`),
});

export const listTraceLinksOperation = defineOperation({
  name: 'trace.links',
  action: 'trace:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns the linked runs and prompt versions of traces. Traces without links are omitted.',
  input: z.strictObject({ ids: z.array(traceId).max(500) }),
  output: z.strictObject({
    items: z.array(
      z.strictObject({
        id: z.string(),
        runIds: z.array(z.string()),
        prompts: z.array(z.string()).describe('Linked prompts as `NAME/VERSION`.'),
      }),
    ),
  }),
  target: ofTrace,
  http: http('POST', `${found}/links`),
});

export const traceOperations: readonly Operation[] = [
  logSpansOperation,
  putTraceOperation,
  endTraceOperation,
  readTraceOperation,
  listSpansOperation,
  readTracesOperation,
  searchTracesOperation,
  deleteTracesOperation,
  tagTraceOperation,
  untagTraceOperation,
  linkTracesOperation,
  linkPromptsOperation,
  correlateTracesOperation,
  listTraceLinksOperation,
  readTraceMetricsOperation,
];
