/** Exports traces to a running server. They keep their ids, which spans contain. */
import { keyValues } from '@dais/api/access';
import type { Assessment, Span, Trace } from '@dais/api/tracking';
import { fingerprint } from '#import/fingerprint.ts';
import { TRACE_WORDS } from '#import/trace-words.ts';
import { sendFiles } from './send-files.ts';
import { API, API_3, object, searched, STATE, text } from './server-dependencies.ts';
import type { Json, TargetExperiment, ServerDependencies } from './server-dependencies.ts';
import type { TraceLinks } from './trace-rows.ts';

const PAGE = 500;
const SPANS_AT_ONCE = 1000;
/** Placeholder in a span for content other than text. */
const ATTACHMENT = 'mlflow-attachment://';
/** Fields that the server sets itself. */
const FINAL = 'mlflow.trace.infoFinalized';

interface There {
  readonly state: string | undefined;
  /** Metadata of assessments. */
  readonly judged: ReadonlySet<string>;
}

export async function sendTraces(dependencies: ServerDependencies, target: TargetExperiment): Promise<void> {
  const { source, tally, signal, failed, progress } = dependencies;
  let there: ReadonlyMap<string, There> | undefined;
  for await (const { trace, links } of source.traces(target.from.id)) {
    signal.throwIfAborted();
    tally.found.traces += 1;
    there ??= await tracesThere(dependencies, target);
    const known = there.get(trace.id);
    const state = fingerprint({ ...trace, ...links, artifactUri: '' });
    if (known?.state === state) continue;
    try {
      await target.wake();
      await sendTrace(dependencies, target, { trace, links, state, known });
      tally.written.traces += 1;
    } catch (error) {
      failed(`trace ${trace.id} of experiment "${target.from.name}"`, error);
    }
    progress(`${tally.written.traces} traces with ${tally.amounts.spans} spans written`);
  }
}

async function tracesThere(
  { rest }: ServerDependencies,
  target: TargetExperiment,
): Promise<ReadonlyMap<string, There>> {
  const found = new Map<string, There>();
  const location = { type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: target.id } };
  const body = { locations: [location], max_results: PAGE };
  for await (const json of searched(rest, `${API_3}/traces/search`, body, 'traces')) {
    const { [STATE]: state } = object(json['tags']);
    const judged = ((json['assessments'] ?? []) as readonly Json[]).map((one) => text(one['assessment_id']));
    found.set(text(json['trace_id']), { state: text(state), judged: new Set(judged) });
  }
  return found;
}

interface Sent {
  readonly trace: Trace;
  readonly links: TraceLinks;
  readonly state: string;
  readonly known: There | undefined;
}

async function sendTrace(
  dependencies: ServerDependencies,
  target: TargetExperiment,
  { trace, links, state, known }: Sent,
): Promise<void> {
  const { rest, source, ids, tally } = dependencies;
  let waiting: Span[] = [];
  let attached = false;
  let total = 0;
  const flush = async () => {
    if (waiting.length > 0) await sendSpans(dependencies, target, waiting);
    total += waiting.length;
    waiting = [];
  };
  for await (const span of source.spans(trace.id)) {
    waiting.push(span);
    attached ||= JSON.stringify(span.attributes).includes(ATTACHMENT);
    if (waiting.length === SPANS_AT_ONCE) await flush();
  }
  await flush();
  const judged = known?.judged ?? new Set<string>();
  const [first, corrections] = parted(trace.assessments, judged);
  const { trace: made } = await rest.post(`${API_3}/traces`, {
    trace: { trace_info: infoOf(dependencies, target, trace, first) },
  });
  for (const one of corrections) {
    await rest.post(`${API_3}/traces/${trace.id}/assessments`, { assessment: assessmentOf(one) });
  }
  const reported = object(object(object(made)['trace_info'])['tags']);
  if (attached)
    await sendFiles(dependencies, trace.artifactUri, text(reported[TRACE_WORDS.artifacts]), known === undefined);
  for (const run of links.runIds.flatMap((id) => ids.runs.get(id) ?? [])) {
    await rest.post(`${API}/traces/link-to-run`, { trace_ids: [trace.id], run_id: run });
  }
  if (links.prompts.length > 0) {
    const prompts = links.prompts.map((one) => {
      const slash = one.lastIndexOf('/');
      return { name: one.slice(0, slash), version: one.slice(slash + 1) };
    });
    await rest.post(`${API}/traces/link-prompts`, { trace_id: trace.id, prompt_versions: prompts });
  }
  await rest.patch(`${API_3}/traces/${trace.id}/tags`, { trace_id: trace.id, key: STATE, value: state });
  tally.add({ spans: total, assessments: trace.assessments.length });
}

/**
 * A corrected assessment is created separately, after its original: only then does the original become invalid. An
 * already corrected one is not written again, which would make it valid again.
 */
function parted(assessments: readonly Assessment[], there: ReadonlySet<string>): [Assessment[], Assessment[]] {
  const isThere = ({ id }: Assessment) => there.has(id);
  return [
    assessments.filter((one) => (isThere(one) ? one.valid : one.overrides === undefined)),
    assessments.filter((one) => !isThere(one) && one.overrides !== undefined),
  ];
}

async function sendSpans(
  { rest }: ServerDependencies,
  target: TargetExperiment,
  spans: readonly Span[],
): Promise<void> {
  const body = { resourceSpans: [{ scopeSpans: [{ spans: spans.map(wireSpan) }] }] };
  await rest.post('/v1/traces', body, { 'x-mlflow-experiment-id': target.id });
}

const CODES = { UNSET: 0, OK: 1, ERROR: 2 } as const;

/** OpenTelemetry's JSON: ids as hexadecimal digits. */
function wireSpan(span: Span): object {
  const { parentId, events = [], links = [], kind, endNs, message, state } = span;
  return {
    traceId: span.traceId,
    spanId: span.id,
    ...(parentId !== undefined && { parentSpanId: parentId }),
    name: span.name,
    ...(kind !== undefined && { kind }),
    startTimeUnixNano: span.startNs,
    ...(endNs !== undefined && { endTimeUnixNano: endNs }),
    attributes: keyValues(span.attributes ?? {}),
    events: events.map(({ name, ns, attributes = {} }) => ({
      name,
      ...(ns !== undefined && { timeUnixNano: ns }),
      attributes: keyValues(attributes),
    })),
    links: links.map(({ traceId, spanId, attributes = {} }) => ({
      traceId,
      spanId,
      attributes: keyValues(attributes),
    })),
    status: { code: CODES[span.status ?? 'UNSET'], ...(message !== undefined && { message }) },
    ...(state !== undefined && { traceState: state }),
  };
}

const timeOf = (milliseconds: number): string => new Date(milliseconds).toISOString();

function infoOf(
  { ids }: ServerDependencies,
  target: TargetExperiment,
  trace: Trace,
  assessments: readonly Assessment[],
): object {
  const { [FINAL]: _final, ...metadata } = trace.metadata;
  return {
    trace_id: trace.id,
    trace_location: { type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: target.id } },
    request_time: timeOf(trace.requestedAt),
    ...(trace.durationMs !== undefined && { execution_duration: `${trace.durationMs / 1000}s` }),
    state: trace.state === 'UNSPECIFIED' ? 'STATE_UNSPECIFIED' : trace.state,
    ...(trace.clientRequestId !== undefined && { client_request_id: trace.clientRequestId }),
    ...(trace.requestPreview !== undefined && { request_preview: trace.requestPreview }),
    ...(trace.responsePreview !== undefined && { response_preview: trace.responsePreview }),
    trace_metadata: {
      ...ids.rewriteAll(metadata),
      ...(trace.usage !== undefined && { [TRACE_WORDS.usage]: JSON.stringify(trace.usage) }),
      ...(trace.cost !== undefined && { [TRACE_WORDS.cost]: JSON.stringify(trace.cost) }),
    },
    tags: ids.rewriteAll(trace.tags),
    assessments: assessments.map(assessmentOf),
  };
}

function assessmentOf(one: Assessment): object {
  const { error, value } = one;
  return {
    assessment_id: one.id,
    assessment_name: one.name,
    trace_id: one.traceId,
    ...(one.spanId !== undefined && { span_id: one.spanId }),
    source: { source_type: one.source.type, source_id: one.source.id },
    create_time: timeOf(one.createdAt),
    last_update_time: timeOf(one.updatedAt),
    ...(one.kind === 'feedback' && {
      feedback: {
        value: value ?? null,
        ...(error !== undefined && {
          error: { error_code: error.code, error_message: error.message, stack_trace: error.stackTrace },
        }),
      },
    }),
    ...(one.kind === 'expectation' && { expectation: expectationOf(value) }),
    ...(one.kind === 'issue' && { issue: { issue_name: typeof value === 'string' ? value : '' } }),
    ...(one.rationale !== undefined && { rationale: one.rationale }),
    metadata: one.metadata,
    ...(one.overrides !== undefined && { overrides: one.overrides }),
    valid: one.valid,
  };
}

/** Lists and maps are sent as text. */
function expectationOf(value: unknown): object {
  return typeof value === 'object' && value !== null
    ? { serialized_value: { serialization_format: 'JSON_FORMAT', value: JSON.stringify(value) } }
    : { value };
}
