/** JSON text with the fields of a span that have no column. Keys have one letter, because there is one text per span. */
import type { Span, SpanStatus } from '@dais/api';

export function spanText({ attributes = {}, events, links, message, kind, state }: Span): string {
  return JSON.stringify({
    a: attributes,
    e: events?.map(({ name, ns, attributes: inner }) => ({ n: name, t: ns, a: inner })),
    l: links?.map(({ traceId, spanId, attributes: inner }) => ({ t: traceId, s: spanId, a: inner })),
    m: message,
    k: kind,
    s: state,
  });
}

type Attributes = Readonly<Record<string, unknown>>;

interface KeptSpan {
  readonly a: Attributes;
  readonly e?: readonly { readonly n: string; readonly t?: string; readonly a?: Attributes }[];
  readonly l?: readonly { readonly t: string; readonly s: string; readonly a?: Attributes }[];
  readonly m?: string;
  readonly k?: number;
  readonly s?: string;
}

/** The columns besides the text. */
export interface SpanColumns {
  readonly traceId: string;
  readonly id: string;
  readonly parent: string;
  readonly name: string;
  readonly status: string;
  readonly start: string;
  readonly end: string;
}

export function readSpan(columns: SpanColumns, text: string): Span {
  const { a, e, l, m, k, s } = JSON.parse(text) as KeptSpan;
  return {
    traceId: columns.traceId,
    id: columns.id,
    ...(columns.parent !== '' && { parentId: columns.parent }),
    name: columns.name,
    ...(k !== undefined && { kind: k }),
    startNs: columns.start,
    ...(columns.end !== '0' && { endNs: columns.end }),
    status: columns.status as SpanStatus,
    ...(m !== undefined && { message: m }),
    attributes: { ...a },
    ...(e !== undefined && {
      events: e.map(({ n, t, a: inner }) => ({
        name: n,
        ...(t !== undefined && { ns: t }),
        ...(inner !== undefined && { attributes: { ...inner } }),
      })),
    }),
    ...(l !== undefined && {
      links: l.map(({ t, s: spanId, a: inner }) => ({
        traceId: t,
        spanId,
        ...(inner !== undefined && { attributes: { ...inner } }),
      })),
    }),
    ...(s !== undefined && { state: s }),
  };
}
