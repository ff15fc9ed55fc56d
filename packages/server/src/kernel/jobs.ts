import type { Sql } from '#engines/database/contract.ts';
import { ORGANIZATION } from '#kernel/tenants.ts';
import { uuidv7 } from '#lib/ids.ts';

/** PostgreSQL channel for notifications of new jobs. Only a hint. */
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

export interface TimedQueue {
  readonly queue: string;
  /** Runs automatically: `firstMs` after the first start, then `againMs` after each end. */
  readonly every?: { readonly firstMs: number; readonly againMs: number };
}

/** The next run of each; where one waits or runs already, inserting it does nothing. */
export function timedRuns(queues: readonly TimedQueue[], which: 'firstMs' | 'againMs'): NewJob[] {
  const shape = { projectId: ORGANIZATION, payload: {}, uniqueKey: 'next', maxAttempts: 1000 };
  return queues.flatMap(({ queue, every }) => (every === undefined ? [] : { ...shape, queue, delayMs: every[which] }));
}

export function insertJobs(sql: Sql, jobs: readonly NewJob[]): void {
  sql.defer(
    `with inserted as (
       insert into kernel.job (id, queue, project_id, payload, unique_key, priority, state, run_at, max_attempts)
       select id, queue, "projectId", payload, "uniqueKey", coalesce(priority, 0), 'pending',
         clock_timestamp() + coalesce("delayMs", 0) * interval '1 millisecond', "maxAttempts"
       from json_to_recordset($1::json) as j(id uuid, queue text, "projectId" uuid, payload jsonb, "uniqueKey" text,
         priority int, "delayMs" float8, "maxAttempts" int)
       on conflict do nothing
     ) select pg_notify('${JOB_CHANNEL}', '')`,
    [JSON.stringify(jobs.map((job) => ({ ...job, id: job.id ?? uuidv7() })))],
    'insert_jobs',
  );
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
  /** Cancellation was requested: the job ends instead of running. */
  readonly cancelRequested: boolean;
}

/**
 * Returns queues with jobs that can start: one query for all, because most are mostly empty, and a claim of each took
 * 28 transactions whenever one of them had a job. Reads only the next job of each, by index.
 */
export async function dueQueues(sql: Sql, queues: readonly string[]): Promise<readonly string[]> {
  const rows = await sql.query<{ queue: string }>(
    `select queue from unnest($1::text[]) q (queue) where exists (select from kernel.job j where j.queue = q.queue
       and (j.state = 'pending' and j.run_at <= clock_timestamp() or j.state = 'running' and j.lease_until < clock_timestamp()))`,
    [queues],
    'due_queues',
  );
  return rows.map(({ queue }) => queue);
}

/**
 * Claims jobs that can start: by priority, then by age, fairly over projects. Within one priority, the n-th running or
 * claimed job of a project comes after the (n-1)-th of every other project. Reads at most `limit` jobs of each project,
 * by index. A job with an expired lease is claimed like a waiting one.
 */
export async function claimJobs(
  sql: Sql,
  queue: string,
  holder: string,
  options: { readonly leaseMs: number; readonly limit: number; readonly perProject: number },
): Promise<JobClaim[]> {
  return await sql.query<JobClaim>(
    `with recursive project as (
       (select project_id from kernel.job where queue = $1 and state = 'pending' order by project_id limit 1)
       union all
       select (select j.project_id from kernel.job j where j.queue = $1 and j.state = 'pending'
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
           where queue = $1 and state = 'pending' and project_id = p.project_id and run_at <= clock_timestamp()
           order by priority desc, run_at, id limit $3) own
       ) j
       where p.project_id is not null and coalesce(r.n, 0) + j.place <= $4
       union all
       select id, priority, run_at, 0 from kernel.job
       where queue = $1 and state = 'running' and lease_until < clock_timestamp()
     ), chosen as (
       select k.id from kernel.job k join candidate c using (id)
       where k.state = 'pending' or k.lease_until < clock_timestamp()
       order by c.priority desc, c.turn, c.run_at limit $3 for update of k skip locked
     )
     update kernel.job j set state = 'running', lease_owner = $2, epoch = j.epoch + 1, attempts = j.attempts + 1,
       lease_until = clock_timestamp() + $5 * interval '1 millisecond'
     from chosen where j.id = chosen.id
     returning j.id, j.queue, j.project_id as "projectId", j.payload, j.attempts as attempt,
       j.max_attempts as "maxAttempts", j.epoch, j.cancel_requested as "cancelRequested"`,
    [queue, holder, options.limit, options.perProject, options.leaseMs],
    'claim_jobs',
  );
}

/** Extends the lease and reports progress. `lost`: another worker has it. `canceled`: cancellation was requested. */
export async function heartbeatJob(
  sql: Sql,
  claim: JobClaim,
  leaseMs: number,
  progress: unknown,
): Promise<'ours' | 'lost' | 'canceled'> {
  const [row] = await sql.query<{ cancel_requested: boolean }>(
    `update kernel.job set lease_until = clock_timestamp() + $3 * interval '1 millisecond',
       progress = coalesce($4::jsonb, progress)
     where id = $1 and epoch = $2 and state = 'running' returning cancel_requested`,
    [claim.id, claim.epoch, leaseMs, progress === undefined ? null : JSON.stringify(progress)],
    'heartbeat_job',
  );
  if (row === undefined) return 'lost';
  return row.cancel_requested ? 'canceled' : 'ours';
}

/** Returns whether the claim is still valid, and locks it until the transaction ends. */
export async function holdJob(sql: Sql, claim: JobClaim): Promise<boolean> {
  const rows = await sql.query(
    `select 1 from kernel.job where id = $1 and epoch = $2 and state = 'running' for update`,
    [claim.id, claim.epoch],
    'hold_job',
  );
  return rows.length === 1;
}

export type JobEnd =
  | { readonly state: 'succeeded'; readonly result?: unknown }
  | { readonly state: 'failed' | 'canceled'; readonly error: string }
  /** Try again after so long. An attempt that was interrupted does not count. */
  | { readonly state: 'pending'; readonly error: string; readonly delayMs: number; readonly interrupted?: true };

export async function endJob(sql: Sql, claim: JobClaim, end: JobEnd): Promise<void> {
  await sql.query(
    `update kernel.job set state = $3, lease_owner = null, lease_until = null, last_error = $4, result = $5,
       attempts = attempts - $7::int,
       run_at = case when $3 = 'pending' then clock_timestamp() + $6 * interval '1 millisecond' else run_at end,
       finished_at = case when $3 = 'pending' then null else clock_timestamp() end
     where id = $1 and epoch = $2`,
    [
      claim.id,
      claim.epoch,
      end.state,
      end.state === 'succeeded' ? null : end.error,
      end.state === 'succeeded' && end.result !== undefined ? JSON.stringify(end.result) : null,
      end.state === 'pending' ? end.delayMs : 0,
      end.state === 'pending' && end.interrupted === true ? 1 : 0,
    ],
    'end_job',
  );
}

/**
 * Requests the cancellation of a job: a running one stops at its next heartbeat; a waiting one is claimed and ended
 * without running, so that its end has the usual effects. Returns false if it has already ended.
 */
export async function cancelJob(sql: Sql, id: string): Promise<boolean> {
  const rows = await sql.query(
    `update kernel.job set cancel_requested = true,
       run_at = case when state = 'pending' then least(run_at, clock_timestamp()) else run_at end
     where id = $1 and state in ('pending', 'running') returning 1`,
    [id],
    'cancel_job',
  );
  if (rows.length === 1) await sql.query(`select pg_notify('${JOB_CHANNEL}', '')`, [], 'notify_job');
  return rows.length === 1;
}

export async function jobCounts(sql: Sql): Promise<{ queue: string; state: string; n: number }[]> {
  return await sql.query(
    `select queue, state, count(*)::int as n from kernel.job where state in ('pending', 'running') group by queue, state`,
    [],
    'job_counts',
  );
}
