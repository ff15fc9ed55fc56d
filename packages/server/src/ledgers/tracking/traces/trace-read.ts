/** Reads traces by id. */
import { DaisError } from '@dais/api';
import {
  listSpansOperation,
  listTraceLinksOperation,
  readTraceOperation,
  readTracesOperation,
  type Span,
  type Trace,
} from '@dais/api/tracking';
import { entry, type OperationEntry } from '#kernel/entry.ts';
import { cutPage, decodePageCursor } from '#kernel/page-cursor.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { readSpans } from './span-rows.ts';
import { findTraces, hydrateTraces, requireTrace } from './trace-rows.ts';
import type { TraceDependencies } from './trace-conventions.ts';

/** Limit of spans in one response. */
const MOST_SPANS = 100_000;

export function traceReadEntries({ options, conventions }: TraceDependencies): readonly OperationEntry[] {
  const { idPrefix } = conventions;
  const hexOf = (id: string): string => (id.startsWith(idPrefix) ? id.slice(idPrefix.length) : id);
  return [
    entry(readTraceOperation, async (tx, { input }) => {
      const [trace] = await hydrateTraces(tx, [await requireTrace(tx, input.id)], options);
      if (trace === undefined) throw new Error('a trace row produced no record');
      return trace;
    }),
    entry(listSpansOperation, async (tx, { input: { id, limit, cursor } }) => {
      const binding = ['spans', tx.projectId, id];
      const position = positionOf(decodePageCursor(binding, cursor));
      const { num } = await requireTrace(tx, id);
      const found = await readSpans(tx, new Map([[num, hexOf(id)]]), { after: position, limit: limit + 1 });
      const { page, next } = cutPage(found, limit, binding, ({ seq, n }) => `${seq}:${n}`);
      return { items: page.map(({ span }) => span), ...next };
    }),
    entry(readTracesOperation, async (tx, { input }) => {
      const rows = await findTraces(tx, input.ids);
      const traces = await hydrateTraces(tx, rows, options);
      const hex = new Map(rows.map(({ num, id }) => [num, hexOf(id)]));
      const spans = input.spans ? await spansOf(tx, traces, hex) : new Map<bigint, Span[]>();
      return { items: traces.map((trace, index) => ({ trace, spans: spans.get(rows[index]?.num ?? 0n) ?? [] })) };
    }),
    entry(listTraceLinksOperation, async (tx, { input }) => await linksOf(tx, input.ids)),
  ];
}

function positionOf(text: string | undefined): { readonly seq: bigint; readonly n: bigint } | undefined {
  if (text === undefined) return undefined;
  const [, seq, n] = /^(\d{1,18}):(\d{1,9})$/.exec(text) ?? [];
  if (seq === undefined || n === undefined) {
    throw new DaisError(
      'invalid_cursor',
      'The cursor is invalid or belongs to another list. Start again without a cursor.',
    );
  }
  return { seq: BigInt(seq), n: BigInt(n) };
}

async function spansOf(
  tx: Transaction,
  traces: readonly Trace[],
  hex: ReadonlyMap<bigint, string>,
): Promise<ReadonlyMap<bigint, Span[]>> {
  const together = traces.reduce((sum, { spans }) => sum + spans, 0);
  if (together > MOST_SPANS) {
    const message = `The traces have ${together} spans together, and the limit of one response is ${MOST_SPANS}`;
    throw new DaisError('too_large', `${message}. Request fewer traces.`);
  }
  const spans = new Map<bigint, Span[]>();
  for (const { trace, span } of await readSpans(tx, hex, { limit: MOST_SPANS })) {
    const list = spans.get(trace) ?? [];
    spans.set(trace, list);
    list.push(span);
  }
  return spans;
}

async function linksOf({ sql, projectId }: Transaction, ids: readonly string[]) {
  const rows = await sql.query<{ id: string; runs: string[]; prompts: string[] }>(
    `select t.id, array(
         select run from tracking.trace_run l where l.trace = t.num
         union select run from tracking.early_trace_run l where l.project_id = t.project_id and l.trace = t.id order by 1) as runs,
       array(select prompt from tracking.trace_prompt l where l.trace = t.num order by prompt) as prompts
     from tracking.trace t where t.project_id = $1 and t.id = any($2) order by t.id`,
    [projectId, ids],
    'trace_links',
  );
  const linked = rows.filter(({ runs, prompts }) => runs.length > 0 || prompts.length > 0);
  return { items: linked.map(({ id, runs, prompts }) => ({ id, runIds: runs, prompts })) };
}
