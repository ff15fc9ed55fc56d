/** Maps the spans of a trace to the rows of its waterfall. Pure functions. */
import type { Span } from '@dais/api/tracking';

export interface WaterfallRow {
  readonly span: Span;
  readonly depth: number;
  /** Offset from the start of the trace and duration, in milliseconds; undefined: in progress. */
  readonly startMs: number;
  readonly durationMs: number | undefined;
  /** Share of the total, between 0 and 1. */
  readonly left: number;
  readonly width: number;
  readonly children: number;
}

export interface Waterfall {
  readonly rows: readonly WaterfallRow[];
  readonly totalMs: number;
}

/** A span without a known parent is at the top level. Siblings are sorted by their start. */
export function waterfallOf(spans: readonly Span[]): Waterfall {
  const known = new Map(spans.map((span) => [span.id, span]));
  const children = new Map<string, Span[]>();
  for (const span of spans) {
    const parent = span.parentId !== undefined && known.has(span.parentId) ? span.parentId : '';
    children.set(parent, [...(children.get(parent) ?? []), span]);
  }
  const starts = spans.map(({ startNs }) => BigInt(startNs));
  const begin = starts.reduce((a, b) => (b < a ? b : a), starts[0] ?? 0n);
  const ends = spans.map(({ endNs, startNs }) => BigInt(endNs ?? startNs));
  const end = ends.reduce((a, b) => (b > a ? b : a), begin);
  const totalMs = milliseconds(end - begin);
  const rows: WaterfallRow[] = [];
  const seen = new Set<string>();
  const open = inOrder(children.get('') ?? []).map((span) => ({ span, depth: 0 }));
  // Spans that are each other's parents have no root: each cycle gets one.
  const roots = [...open, ...spans.map((span) => ({ span, depth: 0 }))];
  for (const root of roots) {
    const stack = [root];
    for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
      const { span, depth } = next;
      if (seen.has(span.id)) continue;
      seen.add(span.id);
      const own = inOrder(children.get(span.id) ?? []);
      rows.push(rowOf(span, { depth, begin, totalMs, children: own.length }));
      stack.push(...own.toReversed().map((child) => ({ span: child, depth: depth + 1 })));
    }
  }
  return { rows, totalMs };
}

interface Placed {
  readonly depth: number;
  readonly begin: bigint;
  readonly totalMs: number;
  readonly children: number;
}

function rowOf(span: Span, { depth, begin, totalMs, children }: Placed): WaterfallRow {
  const startMs = milliseconds(BigInt(span.startNs) - begin);
  const durationMs = span.endNs === undefined ? undefined : milliseconds(BigInt(span.endNs) - BigInt(span.startNs));
  const share = (ms: number) => (totalMs === 0 ? 0 : Math.min(Math.max(ms / totalMs, 0), 1));
  const left = share(startMs);
  const width = durationMs === undefined ? 1 - left : share(durationMs);
  return { span, depth, startMs, durationMs, left, width, children };
}

/** Converts nanoseconds to milliseconds, with microseconds. */
function milliseconds(ns: bigint): number {
  return Number(ns / 1000n) / 1000;
}

function inOrder(spans: readonly Span[]): readonly Span[] {
  return spans.toSorted((a, b) => {
    const [one, other] = [BigInt(a.startNs), BigInt(b.startNs)];
    return one < other ? -1 : one > other ? 1 : 0;
  });
}

/** Visible rows, without descendants of `closed` spans. */
export function openRows(rows: readonly WaterfallRow[], closed: ReadonlySet<string>): readonly WaterfallRow[] {
  const shown: WaterfallRow[] = [];
  let hidden = Infinity;
  for (const row of rows) {
    if (row.depth > hidden) continue;
    hidden = closed.has(row.span.id) ? row.depth : Infinity;
    shown.push(row);
  }
  return shown;
}
