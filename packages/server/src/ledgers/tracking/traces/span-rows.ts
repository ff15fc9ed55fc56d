/** Reads spans, of which a row contains many. */
import type { Span } from '@dais/api';
import type { Transaction } from '#kernel/transaction.ts';
import { readSpan } from './span-text.ts';

interface SpanRead {
  readonly trace: bigint;
  readonly seq: bigint;
  readonly n: bigint;
  readonly id: string;
  readonly parent: string;
  readonly name: string;
  readonly state: string;
  readonly started: string;
  readonly ended: string;
  readonly content: string;
}

/** Position of a span: its row, and the index in the row. */
interface SpanPlace {
  readonly seq: bigint;
  readonly n: bigint;
}

interface PlacedSpan extends SpanPlace {
  readonly trace: bigint;
  readonly span: Span;
}

/** Reads spans in order of arrival. `hex`: the trace id in spans, by the internal number of the trace. */
export async function readSpans(
  { sql }: Transaction,
  hex: ReadonlyMap<bigint, string>,
  { after, limit }: { readonly after?: SpanPlace | undefined; readonly limit: number },
): Promise<PlacedSpan[]> {
  if (hex.size === 0) return [];
  const rows = await sql.query<SpanRead>(
    `select b.trace, b.seq, s.n, s.id, s.parent, s.name, s.state, s.started::text, s.ended::text, s.content
     from tracking.trace_spans b,
       unnest(b.ids, b.parents, b.names, b.states, b.starts, b.ends, b.texts)
         with ordinality s (id, parent, name, state, started, ended, content, n)
     where b.trace = any($1) and b.seq >= $2 and (b.seq, s.n) > ($2, $3)
     order by b.trace, b.seq, s.n limit $4`,
    [[...hex.keys()], after?.seq ?? 0n, after?.n ?? 0n, limit],
    'read_spans',
  );
  return rows.map(({ trace, seq, n, id, parent, name, state, started, ended, content }) => ({
    trace,
    seq,
    n,
    span: readSpan(
      { traceId: hex.get(trace) ?? '', id, parent, name, status: state, start: started, end: ended },
      content,
    ),
  }));
}
