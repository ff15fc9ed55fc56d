/** Traces and assessments as messages of the wire, and back. */
import { keyValues, type KeyValue } from '@dais/api/access';
import type { Assessment, NewAssessment, Span, Trace } from '@dais/api/tracking';
import type { Values } from './message.ts';
import { invalid } from './mlflow-error.ts';
import type { assessment as assessmentMessage } from './trace-messages.ts';

/** Tags and metadata that the server computes; the ledger stores them differently. */
export const WORDS = {
  spansLocation: 'mlflow.trace.spansLocation',
  artifactLocation: 'mlflow.artifactLocation',
  usage: 'mlflow.trace.tokenUsage',
  cost: 'mlflow.trace.cost',
  sizeStats: 'mlflow.trace.sizeStats',
} as const;

/** `2026-11-24T23:26:11.223Z`, without a fraction of 0, as protocol buffers write times. */
function timestamp(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace('.000Z', 'Z');
}

/** `0.836s` */
function duration(milliseconds: number): string {
  const fraction = milliseconds % 1000;
  return `${Math.floor(milliseconds / 1000)}${fraction === 0 ? '' : `.${String(fraction).padStart(3, '0')}`}s`;
}

/** @throws MlflowError for what is no time. */
export function milliseconds(text: string, name: string): number {
  const value = Date.parse(text);
  if (Number.isInteger(value) && value >= 0 && /^\d{4}-\d\d-\d\dT/.test(text)) return value;
  throw invalid(
    `Invalid value "${text.slice(0, 80)}" for parameter '${name}' supplied: it must be an RFC 3339 timestamp.`,
  );
}

/** @throws MlflowError for what is no duration. */
export function durationMs(text: string): number {
  const seconds = /^(\d{1,12}(?:\.\d{1,9})?)s$/.exec(text)?.[1];
  if (seconds !== undefined) return Math.round(Number(seconds) * 1000);
  throw invalid(
    `Invalid value "${text.slice(0, 80)}" for parameter 'execution_duration' supplied: it must be a duration such as "1.5s".`,
  );
}

function tagsOf(trace: Trace): Readonly<Record<string, string>> {
  return {
    ...trace.tags,
    [WORDS.artifactLocation]: trace.artifactUri,
    ...(trace.spans > 0 && { [WORDS.spansLocation]: 'TRACKING_STORE' }),
  };
}

function metadataOf(trace: Trace): Readonly<Record<string, string>> {
  return {
    ...trace.metadata,
    ...(trace.usage !== undefined && { [WORDS.usage]: JSON.stringify(trace.usage) }),
    ...(trace.cost !== undefined && { [WORDS.cost]: JSON.stringify(trace.cost) }),
  };
}

export function traceInfoMessage(trace: Trace) {
  return {
    trace_id: trace.id,
    client_request_id: trace.clientRequestId,
    trace_location: { type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: trace.experimentId } },
    request_preview: trace.requestPreview,
    response_preview: trace.responsePreview,
    request_time: timestamp(trace.requestedAt),
    ...(trace.durationMs !== undefined && { execution_duration: duration(trace.durationMs) }),
    state: trace.state === 'UNSPECIFIED' ? 'STATE_UNSPECIFIED' : trace.state,
    trace_metadata: metadataOf(trace),
    assessments: trace.assessments.length === 0 ? undefined : trace.assessments.map(assessmentToWire),
    tags: tagsOf(trace),
  };
}

const pairs = (map: Readonly<Record<string, string>>) => Object.entries(map).map(([key, value]) => ({ key, value }));

/** For clients before 3.0. */
export function traceInfoV2Message(trace: Trace) {
  return {
    request_id: trace.id,
    experiment_id: trace.experimentId,
    timestamp_ms: trace.requestedAt,
    execution_time_ms: trace.durationMs ?? 0,
    status: trace.state === 'UNSPECIFIED' ? 'TRACE_STATUS_UNSPECIFIED' : trace.state,
    request_metadata: pairs(metadataOf(trace)),
    tags: pairs(tagsOf(trace)),
  };
}

export function assessmentToWire(one: Assessment) {
  const { error } = one;
  return {
    assessment_id: one.id,
    assessment_name: one.name,
    trace_id: one.traceId,
    span_id: one.spanId,
    source: { source_type: one.source.type, source_id: one.source.id },
    create_time: timestamp(one.createdAt),
    last_update_time: timestamp(one.updatedAt),
    ...(one.kind === 'feedback' && {
      feedback: {
        value: one.value,
        ...(error !== undefined && {
          error: { error_code: error.code, error_message: error.message, stack_trace: error.stackTrace },
        }),
      },
    }),
    ...(one.kind === 'expectation' && { expectation: expectationToWire(one.value) }),
    ...(one.kind === 'issue' && { issue: { issue_name: typeof one.value === 'string' ? one.value : '' } }),
    rationale: one.rationale,
    metadata: Object.keys(one.metadata).length === 0 ? undefined : one.metadata,
    overrides: one.overrides,
    valid: one.valid,
  };
}

/** Lists and maps travel as text: their numbers then keep their form. */
function expectationToWire(value: unknown) {
  return typeof value === 'object' && value !== null
    ? { serialized_value: { serialization_format: 'JSON_FORMAT', value: JSON.stringify(value) } }
    : { value };
}

type SentAssessment = Values<typeof assessmentMessage>;
type Judgment = Pick<NewAssessment, 'kind' | 'value' | 'error'>;

/** The value of an assessment; undefined when none was sent. @throws MlflowError for a serialization that there is not. */
export function assessmentValueOf(sent: SentAssessment): Judgment | undefined {
  const { feedback, expectation, issue } = sent;
  if (feedback !== undefined) {
    const { error_code: code, error_message: message, stack_trace: stackTrace } = feedback.error ?? sent.error ?? {};
    const error = {
      ...(code !== undefined && { code }),
      ...(message !== undefined && { message }),
      ...(stackTrace !== undefined && { stackTrace }),
    };
    return { kind: 'feedback', value: feedback.value, ...(Object.keys(error).length > 0 && { error }) };
  }
  if (expectation !== undefined) {
    const { serialized_value: text } = expectation;
    return { kind: 'expectation', value: text === undefined ? expectation.value : parsed(text) };
  }
  return issue === undefined ? undefined : { kind: 'issue', value: issue.issue_name ?? '' };
}

function parsed(sent: { readonly serialization_format?: string; readonly value?: string }): unknown {
  const { serialization_format: format = '', value = '' } = sent;
  if (format !== 'JSON_FORMAT') {
    throw invalid(`Unknown serialization format: ${format.slice(0, 80)}. Only JSON_FORMAT is supported.`);
  }
  try {
    return JSON.parse(value);
  } catch {
    throw invalid('The serialized value of the expectation is not valid JSON.');
  }
}

const SOURCES = ['SOURCE_TYPE_UNSPECIFIED', 'HUMAN', 'LLM_JUDGE', 'CODE'];

/** @throws MlflowError `INVALID_PARAMETER_VALUE` for one without a value. */
export function newAssessmentOf(sent: SentAssessment): NewAssessment {
  const judgment = assessmentValueOf(sent);
  if (judgment === undefined) throw invalid('Assessment must have either feedback, expectation, or issue value');
  const { assessment_name: name = '', source, create_time: created, last_update_time: updated } = sent;
  if (name === '') throw invalid("Missing value for required parameter 'assessment.assessment_name'.");
  const type = source?.source_type;
  return {
    ...judgment,
    name,
    source: {
      type: typeof type === 'number' ? (SOURCES[type] ?? 'SOURCE_TYPE_UNSPECIFIED') : named(type),
      id: source?.source_id ?? 'default',
    },
    ...(sent.assessment_id !== undefined && sent.assessment_id !== '' && { id: sent.assessment_id }),
    ...(sent.span_id !== undefined && sent.span_id !== '' && { spanId: sent.span_id }),
    ...(sent.rationale !== undefined && { rationale: sent.rationale }),
    ...(sent.metadata !== undefined && { metadata: sent.metadata }),
    ...(sent.overrides !== undefined && sent.overrides !== '' && { overrides: sent.overrides }),
    ...(created !== undefined && { createdAt: milliseconds(created, 'create_time') }),
    ...(updated !== undefined && { updatedAt: milliseconds(updated, 'last_update_time') }),
  };
}

function named(type: unknown): string {
  return typeof type === 'string' && type !== '' ? type : 'SOURCE_TYPE_UNSPECIFIED';
}

const CODES = { UNSET: 'STATUS_CODE_UNSET', OK: 'STATUS_CODE_OK', ERROR: 'STATUS_CODE_ERROR' } as const;
const base64 = (hex: string) => Buffer.from(hex, 'hex').toString('base64');

/** The first one first, then by their beginning. */
export function inOrder(spans: readonly Span[]): Span[] {
  const start = ({ startNs }: Span) => startNs.padStart(19, '0');
  return spans.toSorted((a, b) => {
    const [rootA, rootB] = [a.parentId === undefined, b.parentId === undefined];
    if (rootA !== rootB) return rootA ? -1 : 1;
    return start(a) < start(b) ? -1 : start(a) > start(b) ? 1 : 0;
  });
}

/** OpenTelemetry's span in protocol buffers' JSON, which has bytes in base64. */
export function spanMessage(span: Span) {
  const { parentId, events = [], links = [] } = span;
  return {
    trace_id: base64(span.traceId),
    span_id: base64(span.id),
    ...(parentId !== undefined && { parent_span_id: base64(parentId) }),
    trace_state: span.state,
    name: span.name,
    kind: span.kind,
    start_time_unix_nano: span.startNs,
    end_time_unix_nano: span.endNs,
    attributes: wireAttributes(span.attributes),
    events: events.map(({ name, ns, attributes }) => ({
      time_unix_nano: ns,
      name,
      attributes: wireAttributes(attributes),
    })),
    links: links.map(({ traceId, spanId, attributes }) => ({
      trace_id: base64(traceId),
      span_id: base64(spanId),
      attributes: wireAttributes(attributes),
    })),
    status: { code: CODES[span.status ?? 'UNSET'], message: span.message },
  };
}

/** With field names as MLflow writes them: `string_value`. JSON has no NaN, and protocol buffers' JSON uses its name. */
function wireAttributes(attributes: Span['attributes'] = {}) {
  return snakePairs(keyValues(attributes));
}

const snakePairs = (pairs: readonly KeyValue[]): KeyValue[] =>
  pairs.map(({ key, value }) => ({ key, value: snakeValue(value) }));

/** Each value has one field at most. */
function snakeValue(value: unknown): unknown {
  const [entry] = Object.entries(value as object) as [string, unknown][];
  if (entry === undefined) return value;
  const [field, content] = entry;
  const { values } = content as { readonly values: readonly unknown[] };
  switch (field) {
    case 'arrayValue':
      return { array_value: { values: values.map(snakeValue) } };
    case 'kvlistValue':
      return { kvlist_value: { values: snakePairs(values as readonly KeyValue[]) } };
    default:
      return { [field.replace('V', '_v')]: content };
  }
}
