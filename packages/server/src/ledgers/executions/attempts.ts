/** Attempts at steps: which process holds the lease of each, and when another process takes it over. */
import type { Sql } from '#engines/database/contract.ts';

/** An attempt that this process looks after. */
export interface AttemptClaim {
  readonly id: string;
  readonly node: string;
  readonly run: string;
  readonly projectId: string;
  readonly n: number;
  /** The engine has it; else it may or may not. */
  readonly started: boolean;
  /** The engine that it was given to. */
  readonly place: string;
  /** What was admitted, by resource: what the step requests, and the defaults that count against quotas. */
  readonly requests: Readonly<Record<string, number>>;
  /** Fencing token. */
  readonly epoch: bigint;
  /** Another process looked after it before: what that one left half done is there. */
  readonly takenOver: boolean;
  /** Somebody wants its run ended. */
  readonly cancelAsked: boolean;
}

export interface ClaimRow {
  readonly id: string;
  readonly node: string;
  readonly run: string;
  readonly project_id: string;
  readonly n: number;
  readonly state: string;
  readonly place: string;
  readonly epoch: bigint;
  readonly requests: Readonly<Record<string, number>>;
  readonly cancel_asked?: boolean;
}

export const COLUMNS = 'id, node, run, project_id, n, state, place, epoch, requests';

export function claimOf(
  { project_id: projectId, state, cancel_asked: cancelAsked = false, ...row }: ClaimRow,
  takenOver: boolean,
): AttemptClaim {
  return { ...row, projectId, started: state === 'started', takenOver, cancelAsked };
}

export interface Holder {
  readonly place: string;
  readonly holder: string;
  readonly leaseMs: number;
}

/**
 * Takes over what others no longer look after: attempts whose lease has passed, and with `whole` all that an earlier
 * process left with the engine of this place.
 */
export async function takeOver(
  sql: Sql,
  { place, holder, leaseMs }: Holder,
  { limit, whole }: { readonly limit: number; readonly whole: boolean },
): Promise<AttemptClaim[]> {
  const rows = await sql.query<ClaimRow>(
    `with left_over as (
       select id from executions.attempt where state <> 'ended' and holder <> $2
         and (lease_until < clock_timestamp() or $4 and place = $1)
       order by lease_until limit $5 for update skip locked
     )
     update executions.attempt a set holder = $2, epoch = a.epoch + 1,
       lease_until = clock_timestamp() + $3 * interval '1 millisecond'
     from left_over l, executions.run r where a.id = l.id and r.id = a.run
     returning ${COLUMNS.replaceAll(/(\w+)/g, 'a.$1')}, r.cancel_asked`,
    [place, holder, leaseMs, whole, limit],
    'execution_take_over',
  );
  return rows.map((row) => claimOf(row, true));
}

export interface Renewed {
  readonly id: string;
  /** Somebody wants its run ended. */
  readonly cancelAsked: boolean;
}

/** Extends the leases of this process; what is missing in the answer is somebody else's by now, or gone. */
export async function renewLeases(sql: Sql, { holder, leaseMs }: Holder, ids: readonly string[]): Promise<Renewed[]> {
  const rows = await sql.query<{ id: string; cancel_asked: boolean }>(
    `update executions.attempt a set lease_until = clock_timestamp() + $3 * interval '1 millisecond'
     from executions.run r where r.id = a.run and a.id = any($1::uuid[]) and a.holder = $2 and a.state <> 'ended'
     returning a.id, r.cancel_asked`,
    [ids, holder, leaseMs],
    'execution_renew',
  );
  return rows.map(({ id, cancel_asked: cancelAsked }) => ({ id, cancelAsked }));
}

/** True while the attempt is this process's; holds it so until the transaction ends. */
export async function holdAttempt(sql: Sql, { id, epoch }: AttemptClaim): Promise<boolean> {
  const rows = await sql.query(
    `select 1 from executions.attempt where id = $1 and epoch = $2 and state <> 'ended' for update`,
    [id, epoch],
    'execution_hold',
  );
  return rows.length === 1;
}

/** Of one that is held. */
export function markStarted(sql: Sql, { id, run }: AttemptClaim): void {
  sql.defer(
    `update executions.attempt set state = 'started', started_at = clock_timestamp() where id = $1 and state = 'claimed'`,
    [id],
    'execution_started',
  );
  // Since its first step was claimed: the making of what that runs in is a part of the time that the run takes.
  sql.defer(
    `update executions.run set state = 'running',
       started_at = (select claimed_at from executions.attempt where id = $2)
     where id = $1 and state = 'pending'`,
    [run, id],
    'execution_run_started',
  );
}

/** How an attempt ended, for the record. */
export interface AttemptEnd {
  readonly ending:
    | 'exit'
    | 'cancelled'
    | 'wall-time'
    | 'out-of-memory'
    | 'too-many-processes'
    | 'disk-full'
    | 'refused'
    | 'lost'
    | 'spared';
  readonly code?: number | undefined;
  readonly signal?: string | undefined;
  readonly error?: string | undefined;
  readonly usage?: object | undefined;
  readonly logBytes?: number | undefined;
}

/** Of one that is held. */
export function endAttempt(sql: Sql, id: string, end: AttemptEnd): void {
  const { ending, code, signal, error, usage, logBytes } = end;
  sql.defer(
    `update executions.attempt set state = 'ended', ending = $2, code = $3, signal = $4, error = $5, usage = $6::jsonb,
       log_bytes = $7, ended_at = clock_timestamp() where id = $1`,
    [
      id,
      ending,
      code ?? null,
      signal ?? null,
      error ?? null,
      usage === undefined ? null : JSON.stringify(usage),
      logBytes ?? null,
    ],
    'execution_attempt_end',
  );
}
