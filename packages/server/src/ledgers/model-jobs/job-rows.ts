/** Job rows, and their API form. */
import { DaisError, type Actor } from '@dais/api';
import type { ModelJob, ModelJobProblem, ModelJobKind, ModelJobState } from '@dais/api/serving';
import { cutPage, decodePageCursor } from '#kernel/page-cursor.ts';
import type { Transaction } from '#kernel/transaction.ts';

/** The request of a batch prediction, fixed when the job is created. */
export interface BatchRequest {
  /** Id and label of the dataset version that is read. */
  readonly data: string;
  readonly dataName: string;
  readonly out: string;
  readonly inputs: readonly string[];
  readonly columns: readonly string[];
  readonly onError: 'fail' | 'reject';
}

export interface JobRow<Request = BatchRequest> {
  readonly id: string;
  readonly project_id: string;
  readonly kind: ModelJobKind;
  readonly state: ModelJobState;
  readonly model: string;
  readonly model_name: string;
  readonly version: number;
  readonly files: string;
  readonly request: Request;
  readonly phase: string;
  readonly shards: number;
  readonly shards_completed: number;
  readonly rows: bigint;
  readonly rows_completed: bigint;
  readonly rejected: bigint;
  readonly errors: readonly ModelJobProblem[];
  readonly result: Readonly<Record<string, unknown>> | null;
  readonly error: string | null;
  readonly attempts: number;
  readonly created_by: Actor;
  readonly created_at: bigint;
  readonly started_at: bigint | null;
  readonly ended_at: bigint | null;
}

const COLUMNS = `id, project_id, kind, state, model, model_name, version, files, request, phase, shards, shards_completed, rows,
  rows_completed, rejected, errors, result, error, attempts, created_by, created_at, started_at, ended_at`;

const SHOWN_PROBLEMS = 20;

export interface NewJobRow {
  readonly id: string;
  readonly kind: ModelJobKind;
  readonly model: string;
  readonly modelName: string;
  readonly version: number;
  readonly files: string;
  readonly request: object;
  readonly by: Actor;
  readonly now: number;
}

export async function insertJob(tx: Transaction, job: NewJobRow): Promise<void> {
  await tx.sql.query(
    `insert into model_jobs.job (id, project_id, kind, state, model, model_name, version, files, request, created_by, created_at)
     values ($1, $2, $3, 'pending', $4, $5, $6, $7, $8, $9, $10)`,
    [
      job.id,
      tx.projectId,
      job.kind,
      job.model,
      job.modelName,
      job.version,
      job.files,
      JSON.stringify(job.request),
      JSON.stringify(job.by),
      job.now,
    ],
    'insert_model_job',
  );
}

/** @throws DaisError `not_found`. */
export async function readJob<Request = BatchRequest>(
  tx: Transaction,
  id: string,
  lock = false,
): Promise<JobRow<Request>> {
  const [row] = await tx.sql.query<JobRow<Request>>(
    `select ${COLUMNS} from model_jobs.job where project_id = $1 and id = $2 ${lock ? 'for update' : ''}`,
    [tx.projectId, id],
    lock ? 'lock_model_job' : 'read_model_job',
  );
  if (row === undefined) throw new DaisError('not_found', `There is no model job ${id}.`);
  return row;
}

export interface ListJobs {
  readonly model?: string;
  /** Jobs that read it, or that created a version of it. */
  readonly dataset?: string;
  readonly kind?: ModelJobKind;
  readonly state?: ModelJobState;
  readonly limit: number;
  readonly cursor?: string;
}

const ID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;

export function isJobId(text: string): boolean {
  return ID.test(text);
}

export async function listJobs(tx: Transaction, input: ListJobs) {
  const { model = null, dataset = null, kind = null, state = null, limit } = input;
  const filter = ['model-jobs', tx.projectId, model, dataset, kind, state];
  const after = decodePageCursor(filter, input.cursor);
  if (after !== undefined && !isJobId(after)) {
    throw new DaisError('invalid_cursor', 'The cursor is not from this list.');
  }
  const rows = await tx.sql.query<JobRow>(
    `select ${COLUMNS} from model_jobs.job where project_id = $1 and ($2::text is null or model_name = $2)
       and ($3::text is null or kind = $3) and ($4::text is null or state = $4) and ($5::uuid is null or id < $5)
       and ($7::text is null or request->>'out' = $7 or split_part(request->>'dataName', '@', 1) = $7)
     order by id desc limit $6`,
    [tx.projectId, model, kind, state, after ?? null, limit + 1, dataset],
    'list_model_jobs',
  );
  return cutPage(rows, limit, filter, ({ id }) => id);
}

/** The problems contain values of the data: `includeProblems` requires a permission. */
export function presentJob(row: JobRow, { includeProblems }: { readonly includeProblems: boolean }): ModelJob {
  const { request, result } = row;
  const isBatch = row.kind === 'batch-prediction';
  const made = result as { readonly version?: number; readonly versionId?: string } | null;
  return {
    id: row.id,
    kind: row.kind,
    state: row.state,
    model: row.model_name,
    version: row.version,
    phase: row.phase,
    shards: { done: row.shards_completed, total: row.shards },
    rows: { done: Number(row.rows_completed), total: Number(row.rows), rejected: Number(row.rejected) },
    problems: includeProblems ? [...row.errors] : [],
    ...(request.dataName !== undefined && { data: request.dataName }),
    ...(isBatch && {
      onError: request.onError,
      output: {
        dataset: request.out,
        columns: [...request.columns],
        ...(made?.version !== undefined && { version: made.version, versionId: made.versionId }),
      },
    }),
    ...(!isBatch && result !== null && { result: { ...result } }),
    ...(row.error !== null && { error: row.error }),
    attempts: row.attempts,
    createdBy: row.created_by,
    createdAt: Number(row.created_at),
    ...(row.started_at !== null && { startedAt: Number(row.started_at) }),
    ...(row.ended_at !== null && { endedAt: Number(row.ended_at) }),
  };
}

/** Starts an attempt. Undefined: the job has already ended. */
export async function startAttempt<Request = BatchRequest>(
  tx: Transaction,
  id: string,
  { attempt, now }: { readonly attempt: number; readonly now: number },
): Promise<JobRow<Request> | undefined> {
  const rows = await tx.sql.query<JobRow<Request>>(
    `update model_jobs.job set state = 'running', attempts = $3, started_at = coalesce(started_at, $4)
     where project_id = $1 and id = $2 and ended_at is null returning ${COLUMNS}`,
    [tx.projectId, id, attempt, now],
    'start_model_job',
  );
  return rows[0];
}

export async function recordPhase({ sql }: Transaction, id: string, phase: string): Promise<void> {
  await sql.query('update model_jobs.job set phase = $2 where id = $1', [id, phase], 'note_model_job_phase');
}

/** Records the amount of work, once it is known. */
export async function recordSize(
  { sql }: Transaction,
  id: string,
  { shards, rows }: { readonly shards: number; readonly rows: number },
): Promise<void> {
  await sql.query(
    'update model_jobs.job set shards = $2, rows = $3 where id = $1',
    [id, shards, rows],
    'note_model_job_size',
  );
}

export interface DoneShard {
  readonly number: number;
  readonly rows: number;
  readonly rejected: number;
  readonly problems: readonly ModelJobProblem[];
}

/** Records a finished shard, once, even if it was repeated. */
export async function recordShard(tx: Transaction, job: string, shard: DoneShard): Promise<void> {
  const { number, rows, rejected, problems } = shard;
  const made = await tx.sql.query(
    `insert into model_jobs.shard (job, number, project_id, rows, rejected) values ($1, $2, $3, $4, $5)
     on conflict do nothing returning 1`,
    [job, number, tx.projectId, rows, rejected],
    'note_model_job_shard',
  );
  if (made.length === 0) return;
  await tx.sql.query(
    `update model_jobs.job set shards_completed = shards_completed + 1, rows_completed = rows_completed + $2, rejected = rejected + $3,
       errors = case when jsonb_array_length(errors) >= ${SHOWN_PROBLEMS} then errors else errors || $4::jsonb end
     where id = $1`,
    [job, rows + rejected, rejected, JSON.stringify(problems.slice(0, SHOWN_PROBLEMS))],
    'count_model_job_shard',
  );
}

export interface ShardRow {
  readonly number: number;
  readonly rows: bigint;
  readonly rejected: bigint;
}

export async function readShards({ sql }: Transaction, job: string): Promise<readonly ShardRow[]> {
  return await sql.query<ShardRow>(
    'select number, rows, rejected from model_jobs.shard where job = $1 order by number',
    [job],
    'read_model_job_shards',
  );
}

export interface JobEnding {
  readonly state: 'succeeded' | 'failed' | 'canceled';
  readonly now: number;
  readonly error?: string;
  readonly result?: object;
  readonly problems?: readonly ModelJobProblem[];
}

/** Returns undefined if the job had already ended. */
export async function endJobRow({ sql }: Transaction, id: string, end: JobEnding): Promise<JobRow | undefined> {
  const rows = await sql.query<JobRow>(
    `update model_jobs.job set state = $2, phase = '', error = $3, result = coalesce($4::jsonb, result),
       errors = coalesce($5::jsonb, errors), ended_at = $6
     where id = $1 and ended_at is null returning ${COLUMNS}`,
    [
      id,
      end.state,
      end.error ?? null,
      end.result === undefined ? null : JSON.stringify(end.result),
      end.problems === undefined ? null : JSON.stringify(end.problems.slice(0, SHOWN_PROBLEMS)),
      end.now,
    ],
    'end_model_job',
  );
  return rows[0];
}
