import type { Sql } from '#engines/database/contract.ts';
import { uuidv7 } from '#lib/ids.ts';

/** PostgreSQL channel on which writers say that there is a new job. A hint only. */
export const JOB_CHANNEL = 'dais_job';

export interface NewJob {
  /** Default: a new UUIDv7. Given ids make the job (and what it sends) recognisable. */
  readonly id?: string;
  readonly queue: string;
  readonly projectId: string;
  /** Never a secret: payloads are shown to administrators. */
  readonly payload: Readonly<Record<string, unknown>>;
  /** While a job with this key waits or runs in the queue, another one is not added. */
  readonly uniqueKey?: string;
  /** Higher first; default 0. */
  readonly priority?: number;
  /** Milliseconds from now until it may start: a timer. */
  readonly delayMs?: number;
  readonly maxAttempts: number;
}

export async function insertJobs(sql: Sql, jobs: readonly NewJob[]): Promise<void> {
  const rows = jobs.map((job) => ({
    id: job.id ?? uuidv7(),
    queue: job.queue,
    project_id: job.projectId,
    payload: job.payload,
    unique_key: job.uniqueKey,
    priority: job.priority ?? 0,
    delay: job.delayMs ?? 0,
    max_attempts: job.maxAttempts,
  }));
  await sql.query(
    `insert into kernel.job (id, queue, project_id, payload, unique_key, priority, state, run_at, max_attempts)
     select id, queue, project_id, payload, unique_key, priority, 'waiting',
       clock_timestamp() + delay * interval '1 millisecond', max_attempts
     from json_to_recordset($1::json) as j(id uuid, queue text, project_id uuid, payload jsonb, unique_key text,
       priority int, delay float8, max_attempts int)
     on conflict do nothing`,
    [JSON.stringify(rows)],
    'insert_jobs',
  );
  await sql.query(`select pg_notify('${JOB_CHANNEL}', '')`, [], 'notify_job');
}

export interface JobClaim {
  readonly id: string;
  readonly queue: string;
  readonly projectId: string;
  readonly payload: Readonly<Record<string, unknown>>;
  /** This attempt counted: 1 for the first. */
  readonly attempt: number;
  readonly maxAttempts: number;
  /** Fencing token: grows with each claim of this job. */
  readonly epoch: bigint;
  /** Somebody wants it ended instead of run. */
  readonly cancelAsked: boolean;
}

interface JobRow {
  id: string;
  queue: string;
  project_id: string;
  payload: Record<string, unknown>;
  attempts: number;
  max_attempts: number;
  epoch: bigint;
  cancel_asked: boolean;
}

/**
 * Claims jobs that may start, the oldest of the highest priority first, fairly over projects: within one priority, a
 * project's n-th running or claimed job stands behind every other project's (n-1)-th. Looks at no more than `limit` jobs
 * of each project, found by index. A job whose worker let its lease pass is claimed like a waiting one.
 */
export async function claimJobs(
  sql: Sql,
  queue: string,
  holder: string,
  options: { readonly leaseMs: number; readonly limit: number; readonly perProject: number },
): Promise<JobClaim[]> {
  const rows = await sql.query<JobRow>(
    `with recursive project as (
       (select project_id from kernel.job where queue = $1 and state = 'waiting' order by project_id limit 1)
       union all
       select (select j.project_id from kernel.job j where j.queue = $1 and j.state = 'waiting'
         and j.project_id > p.project_id order by j.project_id limit 1) from project p where p.project_id is not null
     ), running as (
       select project_id, count(*) as n from kernel.job
       where queue = $1 and state = 'running' and lease_until >= clock_timestamp() group by project_id
     ), candidate as (
       select j.id, j.priority, j.run_at, coalesce(r.n, 0) + j.place as turn
       from project p left join running r using (project_id)
       cross join lateral (
         select id, priority, run_at, row_number() over (order by priority desc, run_at, id) as place from (
           select id, priority, run_at from kernel.job
           where queue = $1 and state = 'waiting' and project_id = p.project_id and run_at <= clock_timestamp()
           order by priority desc, run_at, id limit $3) own
       ) j
       where p.project_id is not null and coalesce(r.n, 0) + j.place <= $4
       union all
       select id, priority, run_at, 0 from kernel.job
       where queue = $1 and state = 'running' and lease_until < clock_timestamp()
     ), chosen as (
       select k.id from kernel.job k join candidate c using (id)
       where k.state = 'waiting' or k.lease_until < clock_timestamp()
       order by c.priority desc, c.turn, c.run_at limit $3 for update of k skip locked
     )
     update kernel.job j set state = 'running', holder = $2, epoch = j.epoch + 1, attempts = j.attempts + 1,
       lease_until = clock_timestamp() + $5 * interval '1 millisecond'
     from chosen where j.id = chosen.id
     returning j.id, j.queue, j.project_id, j.payload, j.attempts, j.max_attempts, j.epoch, j.cancel_asked`,
    [queue, holder, options.limit, options.perProject, options.leaseMs],
    'claim_jobs',
  );
  return rows.map((row) => ({
    id: row.id,
    queue: row.queue,
    projectId: row.project_id,
    payload: row.payload,
    attempt: row.attempts,
    maxAttempts: row.max_attempts,
    epoch: row.epoch,
    cancelAsked: row.cancel_asked,
  }));
}

/** Extends the lease and reports progress. `lost`: another worker has it. `cancelled`: somebody asked to stop. */
export async function heartbeatJob(
  sql: Sql,
  claim: JobClaim,
  leaseMs: number,
  progress: unknown,
): Promise<'ours' | 'lost' | 'cancelled'> {
  const [row] = await sql.query<{ cancel_asked: boolean }>(
    `update kernel.job set lease_until = clock_timestamp() + $3 * interval '1 millisecond',
       progress = coalesce($4::jsonb, progress)
     where id = $1 and epoch = $2 and state = 'running' returning cancel_asked`,
    [claim.id, claim.epoch, leaseMs, progress === undefined ? null : JSON.stringify(progress)],
    'heartbeat_job',
  );
  if (row === undefined) return 'lost';
  return row.cancel_asked ? 'cancelled' : 'ours';
}

/** True while the claim is ours; holds it so until the transaction ends. */
export async function holdJob(sql: Sql, claim: JobClaim): Promise<boolean> {
  const rows = await sql.query(
    `select 1 from kernel.job where id = $1 and epoch = $2 and state = 'running' for update`,
    [claim.id, claim.epoch],
    'hold_job',
  );
  return rows.length === 1;
}

export type JobEnd =
  | { readonly state: 'done'; readonly result?: unknown }
  | { readonly state: 'failed' | 'cancelled'; readonly error: string }
  /** Try again after so long. An attempt that was interrupted does not count. */
  | { readonly state: 'waiting'; readonly error: string; readonly delayMs: number; readonly interrupted?: true };

export async function endJob(sql: Sql, claim: JobClaim, end: JobEnd): Promise<void> {
  await sql.query(
    `update kernel.job set state = $3, holder = null, lease_until = null, last_error = $4, result = $5,
       attempts = attempts - $7::int,
       run_at = case when $3 = 'waiting' then clock_timestamp() + $6 * interval '1 millisecond' else run_at end,
       finished_at = case when $3 = 'waiting' then null else clock_timestamp() end
     where id = $1 and epoch = $2`,
    [
      claim.id,
      claim.epoch,
      end.state,
      end.state === 'done' ? null : end.error,
      end.state === 'done' && end.result !== undefined ? JSON.stringify(end.result) : null,
      end.state === 'waiting' ? end.delayMs : 0,
      end.state === 'waiting' && end.interrupted === true ? 1 : 0,
    ],
    'end_job',
  );
}

/**
 * Asks a job to end as cancelled: a running one hears of it at its next heartbeat, a waiting one is claimed now and ended
 * without being run, so that what follows its end follows. False when it has ended already.
 */
export async function cancelJob(sql: Sql, id: string): Promise<boolean> {
  const rows = await sql.query(
    `update kernel.job set cancel_asked = true,
       run_at = case when state = 'waiting' then least(run_at, clock_timestamp()) else run_at end
     where id = $1 and state in ('waiting', 'running') returning 1`,
    [id],
    'cancel_job',
  );
  if (rows.length === 1) await sql.query(`select pg_notify('${JOB_CHANNEL}', '')`, [], 'notify_job');
  return rows.length === 1;
}

export async function jobCounts(sql: Sql): Promise<{ queue: string; state: string; n: number }[]> {
  return await sql.query(
    `select queue, state, count(*)::int as n from kernel.job where state in ('waiting', 'running') group by queue, state`,
    [],
    'job_counts',
  );
}
