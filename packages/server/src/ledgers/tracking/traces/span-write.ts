/** Reads, deletes and inserts rows of spans. */
import type { Transaction } from '#kernel/transaction.ts';
import type { SpanRow } from './span-batch.ts';
import type { AmountNode, SpanAmounts } from './usage.ts';

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
export async function forgetSpans({ sql }: Transaction, trace: bigint, again: readonly string[]): Promise<void> {
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
  const amounts = rows.flatMap(({ id, amounts: told }) => (told === undefined ? [] : [[id, told] as const]));
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
