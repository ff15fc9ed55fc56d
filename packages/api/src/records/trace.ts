import { z } from 'zod';

/** Traces of programs: a trace is one request, its spans are the steps. */

export const traceStates = ['UNSPECIFIED', 'IN_PROGRESS', 'OK', 'ERROR'] as const;
export type TraceState = (typeof traceStates)[number];

export const assessmentKinds = ['feedback', 'expectation', 'issue'] as const;
export type AssessmentKind = (typeof assessmentKinds)[number];

const milliseconds = z.int().describe('Milliseconds since 1970-01-01 UTC.');
const texts = z.record(z.string(), z.string());

/** 16 or 8 bytes as hexadecimal digits, not all zero. */
const traceHex = z.string().regex(/^(?!0{32})[0-9a-f]{32}$/);
const spanHex = z.string().regex(/^(?!0{16})[0-9a-f]{16}$/);
const nanoseconds = z
  .string()
  .regex(/^\d{1,19}$/)
  .describe('Nanoseconds since 1970-01-01 UTC, as a string, because JSON numbers lose precision.');

const attributes = z
  .record(z.string(), z.unknown())
  .describe(
    'Plain JSON. Values that JSON cannot represent are a map with the key `@`: `{"@": ["double", 1]}`, `{"@": ["int", "9007199254740993"]}`, `{"@": ["bytes", "aGk="]}`, `{"@": ["map", {…}]}` for a map that has a key `@`.',
  );

export const spanStatuses = ['UNSET', 'OK', 'ERROR'] as const;
export type SpanStatus = (typeof spanStatuses)[number];

export const spanSchema = z.strictObject({
  traceId: traceHex.describe('32 hexadecimal digits.'),
  id: spanHex.describe('16 hexadecimal digits.'),
  parentId: spanHex.optional().describe('Id of the parent span; absent for the root span.'),
  name: z.string().max(1024),
  kind: z.int().min(1).max(5).optional().describe('1 internal, 2 server, 3 client, 4 producer, 5 consumer.'),
  startNs: nanoseconds,
  endNs: nanoseconds.optional().describe('End time; absent while in progress.'),
  status: z.enum(spanStatuses).optional(),
  message: z.string().optional().describe('Status message.'),
  attributes: attributes.optional(),
  events: z
    .array(
      z.strictObject({ name: z.string().max(1024), ns: nanoseconds.optional(), attributes: attributes.optional() }),
    )
    .max(10_000)
    .optional(),
  links: z
    .array(z.strictObject({ traceId: traceHex, spanId: spanHex, attributes: attributes.optional() }))
    .max(10_000)
    .optional(),
  state: z.string().max(1024).optional().describe('W3C trace state.'),
});
export type Span = z.infer<typeof spanSchema>;

export const resourceSpansSchema = z.strictObject({
  resource: attributes.optional().describe('Resource attributes of the program that sent the spans.'),
  spans: z.array(spanSchema).max(10_000),
});
export type ResourceSpans = z.infer<typeof resourceSpansSchema>;

export const assessmentErrorSchema = z.strictObject({
  code: z.string().max(1000).optional(),
  message: z.string().max(65_536).optional(),
  stackTrace: z.string().max(65_536).optional(),
});

export const assessmentSchema = z.strictObject({
  id: z.string(),
  traceId: z.string().describe('Id of the trace.'),
  spanId: z.string().optional().describe('Id of the span, if the assessment refers to one.'),
  name: z.string().describe('Name of the assessment: `correctness`, …'),
  kind: z.enum(assessmentKinds),
  value: z.unknown().describe('Value: number, text, boolean, list or map.'),
  error: assessmentErrorSchema.optional().describe('Error that prevented the assessment.'),
  source: z.strictObject({
    type: z.string().describe('`HUMAN`, `LLM_JUDGE`, `CODE`, …'),
    id: z.string().describe('Source.'),
  }),
  rationale: z.string().optional().describe('Rationale.'),
  metadata: texts,
  overrides: z.string().optional().describe('Id of the assessment that this one overrides.'),
  valid: z.boolean().describe('Whether no other assessment overrides it.'),
  createdAt: milliseconds,
  updatedAt: milliseconds,
});
export type Assessment = z.infer<typeof assessmentSchema>;

export const traceSchema = z.strictObject({
  id: z.string(),
  experimentId: z.string().describe('Id of the experiment.'),
  requestedAt: milliseconds,
  durationMs: z.int().optional().describe('End time; absent while in progress.'),
  state: z.enum(traceStates),
  clientRequestId: z.string().optional().describe('Request id of the client.'),
  requestPreview: z.string().optional().describe('Preview of the request.'),
  responsePreview: z.string().optional().describe('Preview of the response.'),
  metadata: texts.describe('Metadata from the client. It does not change.'),
  tags: texts,
  usage: z.record(z.string(), z.number()).optional().describe('Tokens: `input_tokens`, `output_tokens`, …'),
  cost: z.record(z.string(), z.number()).optional().describe('Cost in USD: `input_cost`, `output_cost`, `total_cost`.'),
  spans: z.int().describe('Number of stored spans.'),
  artifactUri: z.string().describe('Artifact location.'),
  assessments: z.array(assessmentSchema),
});
export type Trace = z.infer<typeof traceSchema>;
