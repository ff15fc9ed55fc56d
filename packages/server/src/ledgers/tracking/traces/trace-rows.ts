/** Reads rows of traces, and converts them to records. */
import { DaisError } from '@dais/api';
import type { Assessment, Trace, TraceState } from '@dais/api/tracking';
import type { Transaction } from '#kernel/transaction.ts';
import { artifactsOf, below, publicId } from '../experiments/experiment-lookup.ts';
import type { TrackingOptions } from '../dependencies.ts';
import { assessmentsOf } from './assessment-rows.ts';
import type { Amounts } from './usage.ts';

export interface TraceRow {
  readonly num: bigint;
  readonly id: string;
  readonly requested_at: bigint;
  readonly duration: bigint | null;
  readonly state: string;
  readonly client_request_id: string | null;
  readonly request_preview: string | null;
  readonly response_preview: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
  readonly usage: Amounts | null;
  readonly cost: Amounts | null;
  readonly spans: number;
  readonly experiment: bigint;
  readonly is_default: boolean;
  readonly artifact_location: string | null;
}

/** Columns of `tracking.trace r` joined with `tracking.experiment e`. */
export const TRACE_COLUMNS =
  'r.num, r.id, r.requested_at, r.duration, r.state, r.client_request_id, r.request_preview, r.response_preview, r.metadata, r.tags, r.usage, r.cost, r.spans, r.experiment, e.is_default, e.artifact_location' as const;
const TRACES = 'tracking.trace r join tracking.experiment e on e.id = r.experiment' as const;

/** Returns traces with their assessments, in the order of `rows`. */
export async function hydrateTraces(
  tx: Transaction,
  rows: readonly TraceRow[],
  options: TrackingOptions,
): Promise<Trace[]> {
  const assessments = await assessmentsOf(tx, rows);
  return rows.map((row) => traceOf(row, assessments.get(row.num) ?? [], options));
}

function traceOf(row: TraceRow, assessments: Assessment[], options: TrackingOptions): Trace {
  const home = { ...row, id: row.experiment };
  return {
    id: row.id,
    experimentId: publicId(home),
    requestedAt: Number(row.requested_at),
    ...(row.duration !== null && { durationMs: Number(row.duration) }),
    state: row.state as TraceState,
    ...(row.client_request_id !== null && { clientRequestId: row.client_request_id }),
    ...(row.request_preview !== null && { requestPreview: row.request_preview }),
    ...(row.response_preview !== null && { responsePreview: row.response_preview }),
    metadata: row.metadata,
    tags: row.tags,
    ...(row.usage !== null && { usage: row.usage }),
    ...(row.cost !== null && { cost: row.cost }),
    spans: row.spans,
    artifactUri: below(artifactsOf(home, options), `traces/${row.id}/artifacts`),
    assessments,
  };
}

/** Returns the existing traces with these ids, in the order of `ids`. */
export async function findTraces(
  { sql, projectId }: Transaction,
  ids: readonly string[],
): Promise<readonly TraceRow[]> {
  if (ids.length === 0) return [];
  const rows = await sql.query<TraceRow>(
    `select ${TRACE_COLUMNS} from ${TRACES} where r.project_id = $1 and r.id = any($2)`,
    [projectId, ids],
    'traces_by_id',
  );
  const byId = new Map(rows.map((row) => [row.id, row]));
  return [...new Set(ids)].flatMap((id) => byId.get(id) ?? []);
}

/** @throws DaisError `not_found`. */
export async function requireTrace(tx: Transaction, id: string): Promise<TraceRow> {
  const [row] = await findTraces(tx, [id]);
  if (row === undefined) throw noTrace(id);
  return row;
}

/** Locks a trace against changes, and returns its internal number. @throws DaisError `not_found`. */
export async function lockTrace({ sql, projectId }: Transaction, id: string): Promise<bigint> {
  const [row] = await sql.query<{ num: bigint }>(
    'select num from tracking.trace where project_id = $1 and id = $2 for update',
    [projectId, id],
    'lock_trace',
  );
  if (row === undefined) throw noTrace(id);
  return row.num;
}

export function noTrace(id: string): DaisError {
  return new DaisError('not_found', `There is no trace "${id}" in this project.`);
}
