import { z } from 'zod';

/**
 * What programs did, step by step: a trace is one request, its spans are the steps.
 */

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
  .describe('Nanoseconds since 1970-01-01 UTC, as text: JSON does not carry such numbers exactly.');

const attributes = z
  .record(z.string(), z.unknown())
  .describe(
    'Plain JSON. What JSON does not tell apart is a map with the one key `@`: `{"@": ["double", 1]}`, `{"@": ["int", "9007199254740993"]}`, `{"@": ["bytes", "aGk="]}`, `{"@": ["map", {…}]}` for a map that has a key `@`.',
  );

export const spanStatuses = ['UNSET', 'OK', 'ERROR'] as const;
export type SpanStatus = (typeof spanStatuses)[number];

export const spanSchema = z.strictObject({
  traceId: traceHex.describe('32 hexadecimal digits.'),
  id: spanHex.describe('16 hexadecimal digits.'),
  parentId: spanHex.optional().describe('Absent for the first span of a trace.'),
  name: z.string().max(1024),
  kind: z.int().min(1).max(5).optional().describe('1 internal, 2 server, 3 client, 4 producer, 5 consumer.'),
  startNs: nanoseconds,
  endNs: nanoseconds.optional().describe('Absent while it is under way.'),
  status: z.enum(spanStatuses).optional(),
  message: z.string().optional().describe('Of its status.'),
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
  state: z.string().max(1024).optional().describe('What the systems along the way noted of it.'),
});
export type Span = z.infer<typeof spanSchema>;

export const resourceSpansSchema = z.strictObject({
  resource: attributes.optional().describe('What is known of the program that they come from.'),
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
  traceId: z.string().describe('The trace that it is about.'),
  spanId: z.string().optional().describe('The span of it, when it is about one.'),
  name: z.string().describe('Name of the assessment: `correctness`, …'),
  kind: z.enum(assessmentKinds),
  value: z.unknown().describe('The judgment: a number, a text, true or false, a list, a map.'),
  error: assessmentErrorSchema.optional().describe('Why there is no judgment.'),
  source: z.strictObject({
    type: z.string().describe('`HUMAN`, `LLM_JUDGE`, `CODE`, …'),
    id: z.string().describe('Who, or what.'),
  }),
  rationale: z.string().optional().describe('Rationale.'),
  metadata: texts,
  overrides: z.string().optional().describe('Id of the assessment that this one corrects.'),
  valid: z.boolean().describe('False once another one has corrected it.'),
  createdAt: milliseconds,
  updatedAt: milliseconds,
});
export type Assessment = z.infer<typeof assessmentSchema>;

export const traceSchema = z.strictObject({
  id: z.string(),
  experimentId: z.string().describe('Number of the experiment.'),
  requestedAt: milliseconds,
  durationMs: z.int().optional().describe('Absent while it is under way.'),
  state: z.enum(traceStates),
  clientRequestId: z.string().optional().describe('What the program calls the request.'),
  requestPreview: z.string().optional().describe('The beginning of what was asked.'),
  responsePreview: z.string().optional().describe('The beginning of what was answered.'),
  metadata: texts.describe('What the client said of it; does not change afterwards.'),
  tags: texts,
  usage: z.record(z.string(), z.number()).optional().describe('Tokens: `input_tokens`, `output_tokens`, …'),
  cost: z.record(z.string(), z.number()).optional().describe('In USD: `input_cost`, `output_cost`, `total_cost`.'),
  spans: z.int().describe('How many spans of it are kept here.'),
  artifactUri: z.string().describe('Artifact location.'),
  assessments: z.array(assessmentSchema),
});
export type Trace = z.infer<typeof traceSchema>;
