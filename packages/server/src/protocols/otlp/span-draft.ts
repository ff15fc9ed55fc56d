/** A validated span of the wire format: an invalid one is rejected, and the others of the request are stored. */
import type { ResourceSpans, Span } from '@dais/api/tracking';

export type Attributes = Record<string, unknown>;

export interface SpanDraft {
  traceId: string;
  spanId: string;
  parentId: string;
  name: string;
  kind: number;
  start: bigint;
  end: bigint;
  code: number;
  message: string;
  state: string;
  attributes: Attributes;
  events: { name: string; ns: bigint; attributes: Attributes }[];
  links: { traceId: string; spanId: string; attributes: Attributes }[];
}

export interface Decoded {
  readonly resources: ResourceSpans[];
  /** Received spans, including rejected ones. */
  readonly spans: number;
  readonly rejected: number;
  /** Why the first of them was. */
  readonly reason: string | undefined;
}

/** Spans of one request; more of them are refused. */
export const MOST_SPANS = 10_000;

export class TooManySpans extends Error {}

const TRACE = /^(?!0{32})[0-9a-f]{32}$/;
const SPAN = /^(?!0{16})[0-9a-f]{16}$/;
const LATEST = 2n ** 63n - 1n;
const LONGEST_NAME = 1024;
const CODES = ['UNSET', 'OK', 'ERROR'] as const;

export function newDraft(): SpanDraft {
  return {
    traceId: '',
    spanId: '',
    parentId: '',
    name: '',
    kind: 0,
    start: 0n,
    end: 0n,
    code: 0,
    message: '',
    state: '',
    attributes: {},
    events: [],
    links: [],
  };
}

/** Collects the spans of one request. */
export class SpanGatherer {
  readonly resources: { resource: Attributes; spans: Span[] }[] = [];
  #spans = 0;
  #rejected = 0;
  #reason: string | undefined;

  resource(): { resource: Attributes; spans: Span[] } {
    const one = { resource: {}, spans: [] };
    this.resources.push(one);
    return one;
  }

  /** @throws TooManySpans */
  add(into: Span[], draft: SpanDraft): void {
    this.#spans += 1;
    if (this.#spans > MOST_SPANS) throw new TooManySpans();
    const wrong = problemOf(draft);
    if (wrong === undefined) into.push(spanOf(draft));
    else {
      this.#rejected += 1;
      this.#reason ??= wrong;
    }
  }

  end(): Decoded {
    return { resources: this.resources, spans: this.#spans, rejected: this.#rejected, reason: this.#reason };
  }
}

function problemOf({ traceId, spanId, parentId, start, end }: SpanDraft): string | undefined {
  if (!TRACE.test(traceId)) return 'a trace id is not 16 bytes long, or all of its bytes are 0';
  if (!SPAN.test(spanId)) return 'a span id is not 8 bytes long, or all of its bytes are 0';
  if (parentId !== '' && !SPAN.test(parentId) && parentId !== NO_PARENT) return 'a parent span id is not 8 bytes long';
  if (start > LATEST || end > LATEST) return 'a timestamp is after the year 2262';
  return undefined;
}

const NO_PARENT = '0'.repeat(16);

function spanOf(draft: SpanDraft): Span {
  const { traceId, spanId, parentId, kind, end, message, state, events, links } = draft;
  return {
    traceId,
    id: spanId,
    ...(parentId !== '' && parentId !== NO_PARENT && { parentId }),
    name: short(draft.name),
    ...(kind >= 1 && kind <= 5 && { kind }),
    startNs: String(draft.start),
    ...(end > 0n && { endNs: String(end) }),
    status: CODES[draft.code] ?? 'UNSET',
    ...(message !== '' && { message }),
    attributes: draft.attributes,
    ...(events.length > 0 && {
      events: events
        .slice(0, 10_000)
        .map(({ name, ns, attributes }) => ({ name: short(name), ...(ns > 0n && { ns: String(ns) }), attributes })),
    }),
    ...(links.length > 0 && {
      links: links.filter((link) => TRACE.test(link.traceId) && SPAN.test(link.spanId)).slice(0, 10_000),
    }),
    ...(state !== '' && { state: short(state) }),
  };
}

function short(text: string): string {
  return text.length <= LONGEST_NAME ? text : text.slice(0, LONGEST_NAME).toWellFormed();
}

/** Text as PostgreSQL can keep it. */
export function clean(text: string): string {
  return text.includes('\0') ? text.replaceAll('\0', '\uFFFD') : text;
}
