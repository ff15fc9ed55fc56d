/** Imports traces with their spans, assessments and links. */
import { DaisError } from '@dais/api';
import type { AssessmentKind, Assessment, Span, TraceState } from '@dais/api/tracking';
import type { Transaction } from '#kernel/transaction.ts';
import { artifactsOf, below, findExperiments, noExperiment } from '../experiments/experiment-lookup.ts';
import { MOST_SPANS } from '../traces/log-spans.ts';
import { spanBatches } from '../traces/span-batch.ts';
import { deleteSpans, insertSpans, knownNodes } from '../traces/span-rows.ts';
import { lockTrace } from '../traces/trace-rows.ts';
import type { TraceDependencies, TraceConventions } from '../traces/trace-conventions.ts';
import type { Amounts } from '../traces/usage.ts';
import { noteImported } from './imported-records.ts';

type Texts = Readonly<Record<string, string>>;

interface ImportedAssessment {
  readonly id: string;
  readonly spanId?: string;
  readonly name: string;
  readonly kind: AssessmentKind;
  readonly value?: unknown;
  readonly error?: Assessment['error'];
  readonly source: { readonly type: string; readonly id: string };
  readonly rationale?: string;
  readonly metadata: Texts;
  readonly overrides?: string;
  readonly valid: boolean;
  readonly createdAt: number;
  readonly updatedAt: number;
}

export interface ImportedTrace {
  readonly source: string;
  readonly experimentId: string;
  readonly id: string;
  readonly requestedAt: number;
  readonly durationMs?: number;
  readonly state: TraceState;
  readonly clientRequestId?: string;
  readonly requestPreview?: string;
  readonly responsePreview?: string;
  readonly metadata: Texts;
  readonly tags: Texts;
  readonly usage?: Amounts;
  readonly cost?: Amounts;
  readonly assessments: readonly ImportedAssessment[];
  readonly runIds: readonly string[];
  readonly prompts: readonly string[];
  readonly spans: readonly Span[];
}

const json = (value: object | undefined): string | null => (value === undefined ? null : JSON.stringify(value));

/** Imports a trace. Local tags, spans and assessments are kept. @throws DaisError `not_found`, `already_exists`. */
export async function importTrace(tx: Transaction, input: ImportedTrace, { conventions, options }: TraceDependencies) {
  const [experiment] = await findExperiments(tx, [input.experimentId]);
  if (experiment === undefined) throw noExperiment(input.experimentId);
  const { source, id } = input;
  const [row] = await tx.sql.query<{ num: bigint }>(
    `insert into tracking.trace as t
       (project_id, id, experiment, requested_at, duration, state, info_received, client_request_id, request_preview, response_preview,
        run, metadata, tags, usage, cost, spans)
     values ($1, $2, $3, $4, $5, $6, true, $7, $8, $9, $10, $11::jsonb, $12::jsonb, $13::jsonb, $14::jsonb, 0)
     on conflict (project_id, id) do update set
       requested_at = excluded.requested_at, duration = excluded.duration, state = excluded.state, info_received = true,
       client_request_id = excluded.client_request_id, request_preview = excluded.request_preview,
       response_preview = excluded.response_preview, run = excluded.run, metadata = t.metadata || excluded.metadata,
       tags = t.tags || excluded.tags, usage = excluded.usage, cost = excluded.cost
     where t.experiment = excluded.experiment
     returning num`,
    [
      tx.projectId,
      id,
      experiment.id,
      input.requestedAt,
      input.durationMs ?? null,
      input.state,
      input.clientRequestId ?? null,
      input.requestPreview ?? null,
      input.responsePreview ?? null,
      input.metadata[conventions.runKey] ?? null,
      JSON.stringify(input.metadata),
      JSON.stringify(input.tags),
      json(input.usage),
      json(input.cost),
    ],
    'import_trace',
  );
  if (row === undefined) throw new DaisError('already_exists', `Trace "${id}" already exists in another experiment.`);
  await putAssessments(tx, row.num, input.assessments);
  await putLinks(tx, row.num, input);
  const spans = await putSpans(tx, { num: row.num, id }, input.spans, conventions);
  await noteImported(tx, { source, kind: 'trace', sourceId: id, id, state: '' });
  return { id, spans, artifactUri: below(artifactsOf(experiment, options), `traces/${id}/artifacts`) };
}

/** @throws DaisError `not_found`, `too_large`. */
export async function importSpans(
  tx: Transaction,
  { id, spans }: { readonly id: string; readonly spans: readonly Span[] },
  { conventions }: TraceDependencies,
) {
  return { spans: await putSpans(tx, { num: await lockTrace(tx, id), id }, spans, conventions) };
}

/** Imports spans and returns their total. They do not change the trace, which has the values of its source. */
async function putSpans(
  tx: Transaction,
  { num, id }: { readonly num: bigint; readonly id: string },
  spans: readonly Span[],
  conventions: TraceConventions,
): Promise<number> {
  const known = (await knownNodes(tx, [{ num }])).get(num) ?? [];
  const rows = spanBatches([{ spans: [...spans] }], conventions).flatMap((batch) => batch.rows);
  const batchIds = new Set(rows.map((row) => row.id));
  const repeated = known.flatMap((node) => (batchIds.has(node.id) ? [node.id] : []));
  const total = known.length - repeated.length + batchIds.size;
  if (total > MOST_SPANS) {
    throw new DaisError('too_large', `Trace "${id}" has ${total} spans, and the limit is ${MOST_SPANS}.`);
  }
  await deleteSpans(tx, num, repeated);
  if (rows.length > 0) insertSpans(tx, num, rows);
  await tx.sql.query('update tracking.trace set spans = $2 where num = $1', [num, total], 'count_imported_spans');
  return total;
}

async function putAssessments(
  { sql, projectId }: Transaction,
  trace: bigint,
  assessments: readonly ImportedAssessment[],
): Promise<void> {
  if (assessments.length === 0) return;
  const rows = assessments.map((one) => ({
    id: one.id,
    name: one.name,
    kind: one.kind,
    value: one.value === undefined ? null : JSON.stringify(one.value),
    error: one.error ?? null,
    span: one.spanId ?? null,
    source_type: one.source.type,
    source_id: one.source.id,
    rationale: one.rationale ?? null,
    metadata: one.metadata,
    overrides: one.overrides ?? null,
    valid: one.valid,
    created_at: one.createdAt,
    updated_at: one.updatedAt,
  }));
  await sql.query(
    `insert into tracking.assessment
       (trace, project_id, id, name, kind, value, error, span, source_type, source_id, rationale, metadata, overrides, valid, created_at, updated_at)
     select $1, $2, n.* from jsonb_to_recordset($3::jsonb) n (id text, name text, kind text, value text, error jsonb, span text,
       source_type text, source_id text, rationale text, metadata jsonb, overrides text, valid boolean, created_at bigint, updated_at bigint)
     on conflict (trace, id) do update set name = excluded.name, kind = excluded.kind, value = excluded.value,
       error = excluded.error, span = excluded.span, source_type = excluded.source_type, source_id = excluded.source_id,
       rationale = excluded.rationale, metadata = excluded.metadata, overrides = excluded.overrides, valid = excluded.valid,
       created_at = excluded.created_at, updated_at = excluded.updated_at`,
    [trace, projectId, JSON.stringify(rows)],
    'import_assessments',
  );
}

async function putLinks(
  { sql, projectId }: Transaction,
  trace: bigint,
  { runIds, prompts }: Pick<ImportedTrace, 'runIds' | 'prompts'>,
): Promise<void> {
  for (const [table, column, values] of [
    ['trace_run', 'run', runIds],
    ['trace_prompt', 'prompt', prompts],
  ] as const) {
    if (values.length === 0) continue;
    await sql.query(
      `insert into tracking.${table} (trace, ${column}, project_id) select $1, v, $2 from unnest($3::text[]) v
       on conflict do nothing`,
      [trace, projectId, values],
      `import_${table}`,
    );
  }
}
