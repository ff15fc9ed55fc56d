/** Operations on traces as a whole: values set by clients at the end, and tags. */
import { DaisError } from '@dais/api';
import {
  endTraceOperation,
  linkPromptsOperation,
  linkTracesOperation,
  putTraceOperation,
  tagTraceOperation,
  untagTraceOperation,
  type NewAssessment,
  type Trace,
  type TraceState,
} from '@dais/api/tracking';
import { entry, type OperationEntry } from '#kernel/entry.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { TraceDependencies } from './trace-conventions.ts';
import { requireRun } from '../runs/run-lookup.ts';
import { truncateText } from '../texts.ts';
import { insertAssessments } from './assessments.ts';
import { writableExperiment } from './trace-experiment.ts';
import { hydrateTraces, lockTrace, noTrace, requireTrace } from './trace-rows.ts';
import type { Amounts } from './usage.ts';

type Texts = Readonly<Record<string, string>>;

interface Put {
  readonly experimentId: string;
  readonly id?: string;
  readonly requestedAt: number;
  readonly durationMs?: number;
  readonly state: TraceState;
  readonly clientRequestId?: string;
  readonly requestPreview?: string;
  readonly responsePreview?: string;
  readonly metadata?: Texts;
  readonly tags?: Texts;
  readonly usage?: Amounts;
  readonly cost?: Amounts;
  readonly assessments?: readonly NewAssessment[];
}

interface End {
  readonly id: string;
  readonly endedAt: number;
  readonly state: TraceState;
  readonly metadata?: Texts;
  readonly tags?: Texts;
  readonly usage?: Amounts;
  readonly cost?: Amounts;
}

/** Characters of a metadata value. */
const LONGEST = 65_536;

export function traceInfoEntries(dependencies: TraceDependencies): readonly OperationEntry[] {
  const read = async (tx: Transaction, id: string): Promise<Trace> => {
    const [trace] = await hydrateTraces(tx, [await requireTrace(tx, id)], dependencies.options);
    if (trace === undefined) throw new Error('the inserted trace was not found');
    return trace;
  };
  return [
    entry(putTraceOperation, async (tx, { input }) => await read(tx, await putTrace(tx, input, dependencies))),
    entry(endTraceOperation, async (tx, { input }) => {
      await endTrace(tx, input, dependencies);
      return await read(tx, input.id);
    }),
    entry(tagTraceOperation, async (tx, { input }) => {
      const rows = await tx.sql.query(
        'update tracking.trace set tags = tags || $3::jsonb where project_id = $1 and id = $2 returning 1',
        [tx.projectId, input.id, JSON.stringify(input.tags)],
        'tag_trace',
      );
      if (rows.length === 0) throw noTrace(input.id);
      return {};
    }),
    entry(untagTraceOperation, async (tx, { input: { id, key } }) => {
      const num = await lockTrace(tx, id);
      const rows = await tx.sql.query(
        'update tracking.trace set tags = tags - $2::text where num = $1 and tags ? $2::text returning 1',
        [num, key],
        'untag_trace',
      );
      if (rows.length === 0) throw new DaisError('not_found', `Trace "${id}" has no tag "${key}".`);
      return {};
    }),
    entry(linkTracesOperation, async (tx, { input }) => {
      const run = await requireRun(tx, input.runId);
      await tx.sql.query(
        `with known as (select num, id from tracking.trace where project_id = $1 and id = any($2)),
           linked as (
             insert into tracking.trace_run (trace, run, project_id) select num, $3, $1 from known order by num on conflict do nothing)
         insert into tracking.early_trace_run (project_id, trace, run)
           select $1, id, $3 from unnest($2::text[]) u (id) where id not in (select id from known) order by id on conflict do nothing`,
        [tx.projectId, input.ids, run.id],
        'link_traces_by_id',
      );
      return {};
    }),
    entry(linkPromptsOperation, async (tx, { input }) => {
      const trace = await lockTrace(tx, input.id);
      await tx.sql.query(
        `insert into tracking.trace_prompt (trace, prompt, project_id) select $1, p, $2 from unnest($3::text[]) p
           on conflict do nothing`,
        [trace, tx.projectId, input.prompts.map(({ name, version }) => `${name}/${version}`)],
        'link_prompts',
      );
      return {};
    }),
  ];
}

function cut(metadata: Texts = {}): Texts {
  return Object.fromEntries(Object.entries(metadata).map(([key, value]) => [key, truncateText(value, LONGEST)]));
}

const json = (value: object | undefined): string | null => (value === undefined ? null : JSON.stringify(value));

/** Writes the values of a trace. They take precedence over those of its spans. @throws DaisError `not_found`, `invalid_state`. */
async function putTrace(tx: Transaction, input: Put, dependencies: TraceDependencies): Promise<string> {
  const { conventions, clock, random } = dependencies;
  const experiment = await writableExperiment(tx, input.experimentId, clock.now());
  const id = input.id ?? `${conventions.idPrefix}${random(16).toString('hex')}`;
  const metadata = cut(input.metadata);
  const [row] = await tx.sql.query<{ num: bigint }>(
    `insert into tracking.trace as t
       (project_id, id, experiment, requested_at, duration, state, info_received, client_request_id, request_preview, response_preview,
        run, metadata, tags, usage, cost, spans)
     values ($1, $2, $3, $4, $5, $6, true, $7, $8, $9, $10, $11::jsonb, $12::jsonb, $13::jsonb, $14::jsonb, 0)
     on conflict (project_id, id) do update set
       experiment = excluded.experiment, requested_at = excluded.requested_at, duration = excluded.duration,
       state = excluded.state, info_received = true, client_request_id = excluded.client_request_id,
       request_preview = coalesce(excluded.request_preview, t.request_preview),
       response_preview = coalesce(excluded.response_preview, t.response_preview),
       run = coalesce(excluded.run, t.run), metadata = t.metadata || excluded.metadata, tags = t.tags || excluded.tags,
       usage = coalesce(excluded.usage, t.usage), cost = coalesce(excluded.cost, t.cost)
     returning num`,
    [
      tx.projectId,
      id,
      experiment,
      input.requestedAt,
      input.durationMs ?? null,
      input.state,
      input.clientRequestId ?? null,
      input.requestPreview ?? null,
      input.responsePreview ?? null,
      metadata[conventions.runKey] ?? null,
      JSON.stringify(metadata),
      JSON.stringify(input.tags ?? {}),
      json(input.usage),
      json(input.cost),
    ],
    'put_trace',
  );
  if (row === undefined) throw new Error('a trace was not written');
  // A repeated assessment with the same id already exists.
  await insertAssessments(tx, row.num, input.assessments ?? [], dependencies);
  return id;
}

async function endTrace(tx: Transaction, input: End, { conventions }: TraceDependencies): Promise<void> {
  const metadata = cut(input.metadata);
  const rows = await tx.sql.query(
    `update tracking.trace set duration = greatest(0, $3 - requested_at), state = $4, info_received = true,
       run = coalesce($5, run), metadata = metadata || $6::jsonb, tags = tags || $7::jsonb,
       usage = coalesce($8::jsonb, usage), cost = coalesce($9::jsonb, cost)
     where project_id = $1 and id = $2 returning 1`,
    [
      tx.projectId,
      input.id,
      input.endedAt,
      input.state,
      metadata[conventions.runKey] ?? null,
      JSON.stringify(metadata),
      JSON.stringify(input.tags ?? {}),
      json(input.usage),
      json(input.cost),
    ],
    'end_trace',
  );
  if (rows.length === 0) throw noTrace(input.id);
}
