/** Writes spans, and creates or updates their traces. A request is written completely or not at all. */
import { DaisError } from '@dais/api';
import type { ResourceSpans } from '@dais/api/tracking';
import type { Transaction } from '#kernel/transaction.ts';
import { DEFAULT_NUMBER } from '../experiments/experiment-lookup.ts';
import type { TraceDependencies } from './trace-conventions.ts';
import { requireRun } from '../runs/run-lookup.ts';
import { spanBatches, type SpanBatch } from './span-batch.ts';
import { deleteSpans, insertSpans, knownNodes } from './span-rows.ts';
import { writableExperiment } from './trace-experiment.ts';
import { sumAmounts, type AmountNode, type SpanAmounts } from './usage.ts';

interface LogSpansInput {
  readonly experimentId: string;
  readonly runId?: string;
  readonly resources: readonly ResourceSpans[];
}

/** Limit per trace, because reading a trace reads all spans, and adding spans compares all ids. */
export const MOST_SPANS = 100_000;

/** @throws DaisError `not_found`, `invalid_state` for the experiment and the run, `too_large`, `invalid_request`. */
export async function logSpans(
  tx: Transaction,
  input: LogSpansInput,
  dependencies: TraceDependencies,
): Promise<{ readonly accepted: number; readonly rejected: number }> {
  const conventions = dependencies.conventions;
  const batches = spanBatches(input.resources, conventions);
  const accepted = batches.reduce((sum, { rows }) => sum + rows.length, 0);
  if (accepted === 0) return { accepted, rejected: 0 };
  const runId = input.runId === undefined ? undefined : (await requireRun(tx, input.runId)).id;
  let rows = await upsertTraces(tx, input.experimentId, batches, conventions.idPrefix);
  if (rows.length === 0) {
    // Throws the reason, or creates the default experiment.
    await writableExperiment(tx, input.experimentId, dependencies.clock.now());
    rows = await upsertTraces(tx, input.experimentId, batches, conventions.idPrefix);
  }
  const traces = new Map(rows.map((row) => [row.id, row]));
  const nodes = await knownNodes(
    tx,
    rows.filter(({ fresh }) => !fresh),
  );
  for (const batch of batches) {
    const trace = traces.get(conventions.idPrefix + batch.traceId);
    if (trace === undefined) throw new Error('the inserted trace was not found');
    const known = nodes.get(trace.num) ?? [];
    if (!trace.fresh) await mergeInto(tx, trace, batch, known);
    if (trace.spans > MOST_SPANS) {
      throw new DaisError(
        'too_large',
        `Trace "${trace.id}" has ${MOST_SPANS} spans, which is the limit. Log further spans to a new trace.`,
      );
    }
    insertSpans(tx, trace.num, batch.rows);
  }
  if (runId !== undefined) {
    const nums = rows.map(({ num }) => num);
    tx.sql.defer(
      `insert into tracking.trace_run (trace, run, project_id) select t.num, $2, $3 from unnest($1::bigint[]) t (num)
       on conflict do nothing`,
      [nums, runId, tx.projectId],
      'link_traces',
    );
  }
  return { accepted, rejected: 0 };
}

interface WrittenTrace {
  readonly num: bigint;
  readonly id: string;
  readonly info_received: boolean;
  readonly fresh: boolean;
  readonly spans: number;
  /** Whether tokens and costs were set by the client for the whole trace. */
  readonly has_usage: boolean;
  readonly has_cost: boolean;
}

const json = (value: object | undefined): string | null => (value === undefined ? null : JSON.stringify(value));

/**
 * Creates or updates a trace. Values set by a person or the client take precedence over those of spans, and earlier values
 * over later ones. Nothing is written if the experiment is not active; checking it before would need another round trip.
 */
async function upsertTraces(
  { sql, projectId }: Transaction,
  experiment: string,
  batches: readonly SpanBatch[],
  prefix: string,
): Promise<WrittenTrace[]> {
  const sums = batches.map(({ rows }) => sumsOf(rows));
  return await sql.query<WrittenTrace>(
    `insert into tracking.trace as t
       (project_id, id, experiment, requested_at, duration, state, info_received, request_preview, response_preview, metadata, tags, usage, cost, spans)
     select $1, n.id, e.id, n.requested_at, n.duration, coalesce(n.state, 'IN_PROGRESS'), false, n.request, n.response,
       n.metadata::jsonb, n.tags::jsonb, n.usage::jsonb, n.cost::jsonb, n.spans
     from unnest($3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::int[])
       n (id, requested_at, duration, state, request, response, metadata, tags, usage, cost, spans),
       tracking.experiment e
     where e.project_id = $1 and (e.id = $2 and not e.is_default or e.is_default and $14) and e.deleted_at is null
     on conflict (project_id, id) do update set
       requested_at = case when t.info_received then t.requested_at else least(t.requested_at, excluded.requested_at) end,
       duration = case when t.info_received then t.duration else
         greatest(t.requested_at + t.duration, excluded.requested_at + excluded.duration)
           - least(t.requested_at, excluded.requested_at) end,
       state = case when t.state in ('IN_PROGRESS', 'UNSPECIFIED') and excluded.state <> 'IN_PROGRESS'
         then excluded.state else t.state end,
       request_preview = coalesce(t.request_preview, excluded.request_preview),
       response_preview = coalesce(t.response_preview, excluded.response_preview),
       metadata = excluded.metadata || t.metadata,
       tags = excluded.tags || t.tags,
       spans = t.spans + excluded.spans
     returning num, id, info_received, xmax = 0 as fresh, spans, usage is not null as has_usage, cost is not null as has_cost`,
    [
      projectId,
      BigInt(experiment),
      batches.map(({ traceId }) => prefix + traceId),
      batches.map(({ start }) => start),
      batches.map(({ start, end }) => (end === undefined ? null : Math.max(0, end - start))),
      batches.map(({ state }) => state ?? null),
      batches.map(({ requestPreview }) => requestPreview ?? null),
      batches.map(({ responsePreview }) => responsePreview ?? null),
      batches.map(({ metadata }) => JSON.stringify(metadata)),
      batches.map(({ tags }) => JSON.stringify(tags)),
      sums.map(({ usage }) => json(usage)),
      sums.map(({ cost }) => json(cost)),
      batches.map(({ rows }) => rows.length),
      experiment === DEFAULT_NUMBER,
    ],
    'upsert_traces',
  );
}

function sumsOf(rows: readonly AmountNode[]): SpanAmounts {
  const usage = sumAmounts(rows, 'usage');
  const cost = sumAmounts(rows, 'cost');
  return { ...(usage !== undefined && { usage }), ...(cost !== undefined && { cost }) };
}

/** Replaces existing spans by the new values, because a span may have been sent before it ended. */
async function mergeInto(
  tx: Transaction,
  trace: WrittenTrace,
  { rows }: SpanBatch,
  known: readonly AmountNode[],
): Promise<void> {
  const batchIds = new Set(rows.map(({ id }) => id));
  const repeated = known.filter(({ id }) => batchIds.has(id)).map(({ id }) => id);
  await deleteSpans(tx, trace.num, repeated);
  const all = [...known.filter(({ id }) => !batchIds.has(id)), ...rows];
  const sums = sumsOf(all);
  const keep = { usage: trace.info_received && trace.has_usage, cost: trace.info_received && trace.has_cost };
  if (repeated.length === 0 && (keep.usage || !sums.usage) && (keep.cost || !sums.cost)) return;
  await tx.sql.query(
    `update tracking.trace set spans = $2, usage = case when $3 then usage else $4::jsonb end,
       cost = case when $5 then cost else $6::jsonb end
     where num = $1`,
    [trace.num, all.length, keep.usage, json(sums.usage), keep.cost, json(sums.cost)],
    'sum_spans',
  );
}
