/** Converts received spans to batches for writing: one for each trace, with the values of the trace in its spans. */
import { DaisError } from '@dais/api';
import { simpleValue } from '@dais/api/access';
import type { ResourceSpans, Span } from '@dais/api/tracking';
import { truncateText } from '../texts.ts';
import { previewOf } from './preview.ts';
import { spanText } from './span-rows.ts';
import type { TraceConventions } from './trace-conventions.ts';
import { amountsOf, type Amounts, type SpanAmounts } from './usage.ts';

/** One span as columns. */
export interface SpanRow {
  readonly id: string;
  /** Empty: none. */
  readonly parent: string;
  readonly name: string;
  readonly type: string;
  readonly status: string;
  /** Nanoseconds. */
  readonly start: string;
  /** `0` while it is in progress. */
  readonly end: string;
  readonly text: string;
  readonly amounts: SpanAmounts | undefined;
}

/** Spans of one trace, with the values of the trace in them. */
export interface SpanBatch {
  readonly traceId: string;
  readonly rows: readonly SpanRow[];
  /** Milliseconds. */
  readonly start: number;
  readonly end: number | undefined;
  /** From the root span; absent if the batch does not contain it. */
  readonly state: 'OK' | 'ERROR' | undefined;
  readonly requestPreview: string | undefined;
  readonly responsePreview: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Returns batches in order of trace ids, so that calls that write the same traces cannot deadlock. */
export function spanBatches(resources: readonly ResourceSpans[], conventions: TraceConventions): SpanBatch[] {
  const traces = new Map<string, BatchDraft>();
  for (const given of resources) {
    const { resource, spans } = conventions.translate(given);
    const tags = resourceTags(resource, conventions);
    for (const span of spans) {
      const draft = traces.get(span.traceId) ?? newDraft(tags);
      traces.set(span.traceId, draft);
      addSpan(draft, span, conventions);
    }
  }
  return [...traces.keys()].toSorted().map((traceId) => {
    const { rows, start, end, ...draft } = traces.get(traceId) as BatchDraft;
    return {
      ...draft,
      traceId,
      rows: [...rows.values()],
      start: Number(start / 1_000_000n),
      end: end === 0n ? undefined : Number(end / 1_000_000n),
    };
  });
}

/** Largest nanoseconds in a bigint of the database. */
const LATEST = 2n ** 63n - 1n;

interface BatchDraft {
  readonly rows: Map<string, SpanRow>;
  start: bigint;
  end: bigint;
  state: 'OK' | 'ERROR' | undefined;
  requestPreview: string | undefined;
  responsePreview: string | undefined;
  tags: Record<string, string>;
  readonly metadata: Record<string, string>;
}

function newDraft(tags: Readonly<Record<string, string>>): BatchDraft {
  return {
    rows: new Map(),
    start: LATEST,
    end: 0n,
    state: undefined,
    requestPreview: undefined,
    responsePreview: undefined,
    tags: { ...tags },
    metadata: {},
  };
}

type Attributes = Readonly<Record<string, unknown>>;
type Known = (keys: readonly string[]) => unknown;

function addSpan(draft: BatchDraft, span: Span, conventions: TraceConventions): void {
  const text = spanText(span);
  const known = lookup(span.attributes ?? {});
  const { attributes } = conventions;
  const [start, end] = [BigInt(span.startNs), BigInt(span.endNs ?? 0)];
  if (start > LATEST || end > LATEST) {
    throw new DaisError('invalid_request', `Span ${span.id} has a time after the year 2262, which cannot be stored.`);
  }
  if (start < draft.start) draft.start = start;
  if (end > draft.end) draft.end = end;
  const usage = amountsOf(known(attributes.usage));
  const cost = amountsOf(known(attributes.cost));
  const amounts = {
    ...(usage !== undefined && { usage: withTotal(usage) }),
    ...(cost !== undefined && { cost }),
  };
  draft.rows.set(span.id, {
    id: span.id,
    parent: span.parentId ?? '',
    name: span.name,
    type: typeOf(known, conventions),
    status: span.status ?? 'UNSET',
    start: span.startNs,
    end: span.endNs ?? '0',
    text,
    amounts: usage === undefined && cost === undefined ? undefined : amounts,
  });
  note(draft.metadata, conventions.sessionKey, known(attributes.session));
  note(draft.metadata, conventions.userKey, known(attributes.user));
  if (span.parentId === undefined) addFirst(draft, span, known, conventions);
}

/** Returns the values of the trace in its root span. */
function addFirst(draft: BatchDraft, span: Span, known: Known, conventions: TraceConventions): void {
  if (span.endNs !== undefined) draft.state = span.status === 'ERROR' ? 'ERROR' : 'OK';
  draft.requestPreview = previewOf(known(conventions.attributes.inputs), 'user');
  draft.responsePreview = previewOf(known(conventions.attributes.outputs), 'assistant');
  const own: Record<string, string> = { [conventions.nameTag]: truncateText(span.name, 250) };
  for (const [key, value] of Object.entries(span.attributes ?? {})) {
    if (!key.startsWith(conventions.tagPrefix) || key.length === conventions.tagPrefix.length) continue;
    note(own, key.slice(conventions.tagPrefix.length), simpleValue(value));
  }
  draft.tags = { ...draft.tags, ...own };
}

/** Reads few attributes of spans that mostly have few. */
function lookup(attributes: Attributes): Known {
  return (keys) => {
    for (const key of keys) {
      if (Object.hasOwn(attributes, key)) return simpleValue(attributes[key]);
    }
    return undefined;
  };
}

function typeOf(known: Known, { attributes }: TraceConventions): string {
  const type = known(attributes.type);
  if (typeof type !== 'string' || type === '') return 'UNKNOWN';
  return truncateText(/^".*"$/.test(type) ? type.slice(1, -1) : type, 250);
}

function withTotal(usage: Amounts): Amounts {
  const { input_tokens: input, output_tokens: output, total_tokens: total } = usage;
  if (total !== undefined || input === undefined || output === undefined) return usage;
  return { ...usage, total_tokens: input + output };
}

function resourceTags(resource: Attributes | undefined, conventions: TraceConventions): Record<string, string> {
  const tags: Record<string, string> = {};
  for (const [key, value] of Object.entries(resource ?? {})) {
    if (conventions.hiddenResource.some((prefix) => key.startsWith(prefix))) continue;
    note(tags, key, simpleValue(value));
  }
  return tags;
}

/** The first attribute applies. Values too long for a tag are ignored. */
function note(into: Record<string, string>, key: string, value: unknown): void {
  if (
    value === undefined ||
    value === null ||
    key === '' ||
    key === '__proto__' ||
    key.length > 250 ||
    Object.hasOwn(into, key)
  )
    return;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  if (text === '' || text.length > 8000) return;
  into[key] = text;
}
