/** Converts traces to rows of MLflow's tables. */
import { createHash } from 'node:crypto';
import { simpleValue } from '@dais/api/access';
import type { Assessment, Span, Trace } from '@dais/api/tracking';
import { exactText } from '#import/exact-json.ts';
import { TRACE_WORDS } from '#import/trace-words.ts';
import type { MlflowStore } from './mlflow-store.ts';

export interface TraceLinks {
  readonly runIds: readonly string[];
  readonly prompts: readonly string[];
}

/** The attribute with the trace id of a span; without it, clients read no spans. */
const TRACE_ID = 'mlflow.traceRequestId';
const TYPE = 'mlflow.spanType';
const COST = 'mlflow.llm.cost';

export function putTrace(store: MlflowStore, trace: Trace, { runIds, prompts }: TraceLinks): void {
  const { [TRACE_WORDS.name]: name } = trace.tags;
  const { [TRACE_WORDS.session]: session } = trace.metadata;
  store.put('trace_info', {
    request_id: trace.id,
    experiment_id: Number(trace.experimentId),
    timestamp_ms: trace.requestedAt,
    execution_time_ms: trace.durationMs ?? null,
    status: trace.state === 'UNSPECIFIED' ? 'STATE_UNSPECIFIED' : trace.state,
    client_request_id: trace.clientRequestId ?? null,
    request_preview: trace.requestPreview ?? null,
    response_preview: trace.responsePreview ?? null,
    trace_name: name ?? null,
    session_id: session ?? null,
    ...trace.usage,
    ...trace.cost,
  });
  // Since 3.18 these are separate columns.
  const inColumns = new Set<string>(
    store.has('trace_info', 'trace_name')
      ? [TRACE_WORDS.name, TRACE_WORDS.session, TRACE_WORDS.usage, TRACE_WORDS.cost]
      : [],
  );
  const tags = {
    ...trace.tags,
    [TRACE_WORDS.artifacts]: trace.artifactUri,
    ...(trace.spans > 0 && { [TRACE_WORDS.spans]: 'TRACKING_STORE' }),
  };
  const metadata = {
    ...trace.metadata,
    ...(trace.usage !== undefined && { [TRACE_WORDS.usage]: JSON.stringify(trace.usage) }),
    ...(trace.cost !== undefined && { [TRACE_WORDS.cost]: JSON.stringify(trace.cost) }),
  };
  for (const [table, pairs] of [
    ['trace_tags', tags],
    ['trace_request_metadata', metadata],
  ] as const) {
    for (const [key, value] of Object.entries(pairs)) {
      if (!inColumns.has(key)) store.put(table, { request_id: trace.id, key, value });
    }
  }
  for (const assessment of trace.assessments) putAssessment(store, trace, assessment);
  for (const run of runIds) putLink(store, trace, 'run', run);
  for (const prompt of prompts) putLink(store, trace, 'prompt_version', prompt);
}

function putLink(store: MlflowStore, trace: Trace, type: string, id: string): void {
  const hash = createHash('sha256')
    .update(JSON.stringify([trace.id, type, id]))
    .digest('hex');
  store.put('entity_associations', {
    association_id: `a-${hash.slice(0, 32)}`,
    source_type: 'trace',
    source_id: trace.id,
    destination_type: type,
    destination_id: id,
    created_time: trace.requestedAt,
  });
}

function putAssessment(store: MlflowStore, trace: Trace, one: Assessment): void {
  const value = one.kind === 'issue' ? { issue_name: one.value } : (one.value ?? null);
  const { error } = one;
  const isNumber = typeof one.value === 'number';
  store.put('assessments', {
    assessment_id: one.id,
    trace_id: trace.id,
    name: one.name,
    assessment_type: one.kind,
    value: JSON.stringify(value),
    error:
      error === undefined
        ? null
        : JSON.stringify({ error_code: error.code, error_message: error.message, stack_trace: error.stackTrace }),
    created_timestamp: one.createdAt,
    last_updated_timestamp: one.updatedAt,
    experiment_id: Number(trace.experimentId),
    trace_timestamp_ms: trace.requestedAt,
    aggregate_value: isNumber ? (one.value as number) : amountOf(one.value),
    is_numeric_value: isNumber ? 1 : 0,
    source_type: one.source.type,
    source_id: one.source.id,
    run_id: null,
    span_id: one.spanId ?? null,
    rationale: one.rationale ?? null,
    overrides: one.overrides ?? null,
    valid: one.valid ? 1 : 0,
    assessment_metadata: Object.keys(one.metadata).length === 0 ? null : JSON.stringify(one.metadata),
  });
}

/** Numeric values of booleans and answers for averages. */
function amountOf(value: unknown): number | null {
  const text = typeof value === 'string' ? value.trim().toLowerCase() : value;
  if (text === true || text === 'yes') return 1;
  return text === false || text === 'no' ? 0 : null;
}

export function putSpan(store: MlflowStore, trace: Trace, span: Span): void {
  const plain = span.attributes ?? {};
  const type = simpleValue(plain[TYPE]);
  const cost = costOf(plain[COST]);
  store.put('spans', {
    trace_id: trace.id,
    experiment_id: Number(trace.experimentId),
    span_id: span.id,
    parent_span_id: span.parentId ?? null,
    name: span.name,
    type: typeof type === 'string' ? type : 'UNKNOWN',
    status: span.status ?? 'UNSET',
    start_time_unix_nano: BigInt(span.startNs),
    end_time_unix_nano: span.endNs === undefined ? null : BigInt(span.endNs),
    content: contentOf(trace.id, span),
    input_cost: cost('input_cost'),
    output_cost: cost('output_cost'),
    total_cost: cost('total_cost'),
    model_name: textOf(plain['mlflow.llm.model']),
    model_provider: textOf(plain['mlflow.llm.provider']),
  });
}

const textOf = (value: unknown): string | null => (typeof value === 'string' ? value.slice(0, 500) : null);

function costOf(value: unknown): (key: string) => number | null {
  const map = simpleValue(value);
  return (key) => {
    const amount =
      typeof map === 'object' && map !== null ? (map as Readonly<Record<string, unknown>>)[key] : undefined;
    return typeof amount === 'number' && Number.isFinite(amount) ? amount : null;
  };
}

const KINDS = ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'];
const base64 = (hex: string) => Buffer.from(hex, 'hex').toString('base64');

/**
 * A span in MLflow's format: a map with each attribute as JSON text, and times as integers beyond the exact range of
 * JavaScript.
 */
function contentOf(traceId: string, span: Span): string {
  const attributes = Object.fromEntries(
    Object.entries(span.attributes ?? {}).map(([key, value]) => [key, exactText(value)]),
  );
  const head = JSON.stringify({
    trace_id: base64(span.traceId),
    span_id: base64(span.id),
    parent_span_id: span.parentId === undefined ? null : base64(span.parentId),
    name: span.name,
    kind: `SPAN_KIND_${KINDS[span.kind ?? 1] ?? 'INTERNAL'}`,
    status: { code: `STATUS_CODE_${span.status ?? 'UNSET'}`, message: span.message ?? '' },
    attributes: { [TRACE_ID]: JSON.stringify(traceId), ...attributes },
  });
  const events = (span.events ?? []).map(
    ({ name, ns = '0', attributes: inner = {} }) =>
      `{"name": ${JSON.stringify(name)}, "time_unix_nano": ${ns}, "attributes": ${exactText(inner)}}`,
  );
  const links = (span.links ?? []).map(
    ({ traceId: other, spanId, attributes: inner = {} }) =>
      `{"trace_id": "tr-${other}", "span_id": "${spanId}", "attributes": ${exactText(inner)}}`,
  );
  const times = `"start_time_unix_nano": ${span.startNs}, "end_time_unix_nano": ${span.endNs ?? 'null'}`;
  return `${head.slice(0, -1)}, ${times}, "events": [${events.join(', ')}], "links": [${links.join(', ')}]}`;
}
