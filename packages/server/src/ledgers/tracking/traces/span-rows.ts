/** Reads spans, of which a row contains many. */
import type { Span, SpanStatus } from '@dais/api/tracking';
import type { Transaction } from '#kernel/transaction.ts';
import type { SpanRow } from './span-batch.ts';
import type { AmountNode, SpanAmounts } from './usage.ts';

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
interface SpanPosition {
  readonly seq: bigint;
  readonly n: bigint;
}

interface PlacedSpan extends SpanPosition {
  readonly trace: bigint;
  readonly span: Span;
}

/** Reads spans in order of arrival. `hex`: the trace id in spans, by the internal number of the trace. */
export async function readSpans(
  { sql }: Transaction,
  hex: ReadonlyMap<bigint, string>,
  { after, limit }: { readonly after?: SpanPosition | undefined; readonly limit: number },
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

function readSpan(columns: SpanColumns, text: string): Span {
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

/** Returns the spans of earlier requests, with their amounts. */
export async function knownNodes(
  { sql }: Transaction,
  traces: readonly { readonly num: bigint }[],
): Promise<ReadonlyMap<bigint, readonly AmountNode[]>> {
  const nodes = new Map<bigint, AmountNode[]>();
  if (traces.length === 0) return nodes;
  const batches = await sql.query<{
    trace: bigint;
    ids: string[];
    parents: string[];
    amounts: Readonly<Record<string, SpanAmounts>> | null;
  }>(
    'select trace, ids, parents, amounts from tracking.trace_spans where trace = any($1)',
    [traces.map(({ num }) => num)],
    'known_spans',
  );
  for (const { trace, ids, parents, amounts } of batches) {
    const list = nodes.get(trace) ?? [];
    nodes.set(trace, list);
    ids.forEach((id, index) => list.push({ id, parent: parents[index] ?? '', amounts: amounts?.[id] }));
  }
  return nodes;
}

/** Deletes spans with these ids before they are written again. The caller holds the lock of the trace. */
export async function deleteSpans({ sql }: Transaction, trace: bigint, again: readonly string[]): Promise<void> {
  if (again.length === 0) return;
  await sql.query(
    'delete from tracking.trace_spans where trace = $1 and ids <@ $2::text[]',
    [trace, again],
    'forget_batches',
  );
  await sql.query(
    `update tracking.trace_spans b set
       (ids, parents, names, types, states, starts, ends, texts, amounts) = (
         select array_agg(s.id order by s.n), array_agg(s.parent order by s.n), array_agg(s.name order by s.n),
           array_agg(s.type order by s.n), array_agg(s.state order by s.n), array_agg(s.started order by s.n),
           array_agg(s.ended order by s.n), array_agg(s.content order by s.n), b.amounts - $2::text[]
         from unnest(b.ids, b.parents, b.names, b.types, b.states, b.starts, b.ends, b.texts)
           with ordinality s (id, parent, name, type, state, started, ended, content, n)
         where s.id <> all($2::text[]))
     where trace = $1 and ids && $2::text[]`,
    [trace, again],
    'forget_spans',
  );
}

/** Separator of the values of a column. It cannot occur in JSON texts, and is removed from names. */
const BETWEEN = '\u001E';

/** Joined text, because the array format of the driver quotes each value, which would dominate the time. */
function joined(rows: readonly SpanRow[], of: (row: SpanRow) => string): string {
  let text = '';
  for (const row of rows) text += of(row) + BETWEEN;
  return text;
}

const plain = (text: string): string => (text.includes(BETWEEN) ? text.replaceAll(BETWEEN, ' ') : text);

const INSERT_SPANS = `insert into tracking.trace_spans
    (trace, project_id, ids, parents, names, types, states, starts, ends, texts, amounts)
  values ($1, $2, ${[3, 4, 5, 6, 7, 8, 9, 10]
    .map((n) => `trim_array(string_to_array($${n}::text, E'\\x1e'), 1)${n === 8 || n === 9 ? '::bigint[]' : ''}`)
    .join(', ')}, $11)`;

/** Inserts spans. The caller holds the lock of the trace. */
export function insertSpans({ sql, projectId }: Transaction, trace: bigint, rows: readonly SpanRow[]): void {
  const amounts = rows.flatMap(({ id, amounts: spanAmounts }) =>
    spanAmounts === undefined ? [] : [[id, spanAmounts] as const],
  );
  sql.defer(
    INSERT_SPANS,
    [
      trace,
      projectId,
      joined(rows, ({ id }) => id),
      joined(rows, ({ parent }) => parent),
      joined(rows, ({ name }) => plain(name)),
      joined(rows, ({ type }) => plain(type)),
      joined(rows, ({ status }) => status),
      joined(rows, ({ start }) => start),
      joined(rows, ({ end }) => end),
      joined(rows, ({ text }) => text),
      amounts.length === 0 ? null : JSON.stringify(Object.fromEntries(amounts)),
    ],
    'insert_spans',
  );
}
