/** Attempts at steps: which process holds the lease of each, and when another process takes it over. */
import type { Database, Sql } from '#engines/database/contract.ts';
import { transact } from '#kernel/transaction.ts';

/** An attempt whose lease this process holds. */
export interface AttemptClaim {
  readonly id: string;
  readonly node: string;
  readonly run: string;
  readonly projectId: string;
  readonly n: number;
  /** True once the engine has the attempt. If false, the engine may or may not have it. */
  readonly started: boolean;
  /** Id of the engine to which it was submitted. */
  readonly place: string;
  /** Admitted resources: the requests of the step, and the defaults that count against quotas. */
  readonly requests: Readonly<Record<string, number>>;
  /** Fencing token. */
  readonly epoch: bigint;
  /** Another process held the lease before, and may have left partial results. */
  readonly takenOver: boolean;
  /** The last time at which that process renewed it. */
  readonly lastContact: Date | undefined;
  /** Cancellation of the run was requested. */
  readonly cancelRequested: boolean;
}

export interface ClaimRow {
  readonly id: string;
  readonly node: string;
  readonly run: string;
  readonly project_id: string;
  readonly n: number;
  readonly state: string;
  readonly compute_node: string;
  readonly epoch: bigint;
  readonly requests: Readonly<Record<string, number>>;
  readonly cancel_requested?: boolean;
  readonly last_contact?: Date;
}

export const COLUMNS = 'id, node, run, project_id, n, state, compute_node, epoch, requests';

export function claimOf(
  {
    project_id: projectId,
    compute_node: place,
    state,
    cancel_requested: cancelRequested = false,
    last_contact: lastContact,
    ...row
  }: ClaimRow,
  takenOver: boolean,
): AttemptClaim {
  return { ...row, projectId, place, started: state === 'started', takenOver, lastContact, cancelRequested };
}

export interface Holder {
  readonly place: string;
  readonly holder: string;
  readonly leaseMs: number;
}

/**
 * Moves the attempts of this node from the name that an earlier version gave its place. Another node with the same host name and
 * data folder had the same name: only attempts that the engine of this node has are moved. `own` reads them, and is called only if
 * there are attempts to move.
 */
export async function adoptFormerPlace(
  database: Database,
  { former, place }: { readonly former: string; readonly place: string },
  own: () => Promise<ReadonlySet<string>>,
): Promise<void> {
  const rows = await database.statement<{ id: string }>(
    { mode: 'read', scope: 'all' },
    `select id from executions.attempt where compute_node = $1 and state <> 'ended'`,
    [former],
    'attempts_of_former_place',
  );
  if (rows.length === 0) return;
  const there = await own();
  const ids = rows.flatMap(({ id }) => (there.has(id) ? id : []));
  await transact(database, { mode: 'write', projectId: 'all' }, async ({ sql }) => {
    await sql.query(
      `update executions.attempt set compute_node = $3 where id = any($1::uuid[]) and compute_node = $2 and state <> 'ended'`,
      [ids, former, place],
      'adopt_former_place',
    );
    // Its resources must not count twice. Another node with this name renews its row.
    await sql.query('delete from executions.compute_node where id = $1', [former], 'drop_former_place');
  });
}

/**
 * Takes over attempts whose lease has expired, if `expired`, and with `whole` also all attempts that an earlier process left on this
 * engine. `everywhere`: with `whole`, on targets too, because no other process supervises them.
 */
export async function takeOverAttempts(
  sql: Sql,
  { place, holder, leaseMs }: Holder,
  {
    limit,
    whole,
    expired = true,
    everywhere = false,
  }: {
    readonly limit: number;
    readonly whole: boolean;
    readonly expired?: boolean;
    readonly everywhere?: boolean;
  },
): Promise<AttemptClaim[]> {
  const rows = await sql.query<ClaimRow>(
    `with left_over as (
       select id, lease_until from executions.attempt where state <> 'ended' and lease_owner <> $2
         and ($6 and lease_until < clock_timestamp() or $4 and (compute_node = $1 or $7 and compute_node like 'target/%'))
       order by lease_until limit $5 for update skip locked
     )
     update executions.attempt a set lease_owner = $2, epoch = a.epoch + 1,
       lease_until = clock_timestamp() + $3 * interval '1 millisecond'
     from left_over l, executions.run r where a.id = l.id and r.id = a.run
     returning ${COLUMNS.replaceAll(/(\w+)/g, 'a.$1')}, r.cancel_requested,
       greatest(a.claimed_at, l.lease_until - $3 * interval '1 millisecond') as last_contact`,
    [place, holder, leaseMs, whole, limit, expired, everywhere],
    'execution_adopt',
  );
  return rows.map((row) => claimOf(row, true));
}

export interface Renewed {
  readonly id: string;
  /** Cancellation of the run was requested. */
  readonly cancelRequested: boolean;
}

/** Extends the leases of this process. Attempts missing from the result have another owner or were deleted. */
export async function renewLeases(sql: Sql, { holder, leaseMs }: Holder, ids: readonly string[]): Promise<Renewed[]> {
  const rows = await sql.query<{ id: string; cancel_requested: boolean }>(
    `update executions.attempt a set lease_until = clock_timestamp() + $3 * interval '1 millisecond'
     from executions.run r where r.id = a.run and a.id = any($1::uuid[]) and a.lease_owner = $2 and a.state <> 'ended'
     returning a.id, r.cancel_requested`,
    [ids, holder, leaseMs],
    'execution_renew',
  );
  return rows.map(({ id, cancel_requested: cancelRequested }) => ({ id, cancelRequested }));
}

/** Times of a held attempt by the clock of the database, to the millisecond. */
export interface HeldAttempt {
  readonly claimedAt: Date;
  readonly now: Date;
}

/** Locks the attempt until the transaction ends. Undefined: this process no longer holds its lease. */
export async function holdAttempt(sql: Sql, { id, epoch }: AttemptClaim): Promise<HeldAttempt | undefined> {
  const [held] = await sql.query<HeldAttempt>(
    `select claimed_at as "claimedAt", clock_timestamp() as now
     from executions.attempt where id = $1 and epoch = $2 and state <> 'ended' for update`,
    [id, epoch],
    'execution_hold',
  );
  return held;
}

/** Marks a held attempt as started; `at`: the time of its start, if it has ended. */
export function markStarted(sql: Sql, { id, run }: Pick<AttemptClaim, 'id' | 'run'>, at?: Date): void {
  sql.defer(
    `update executions.attempt set state = 'started', started_at = coalesce($2::timestamptz, clock_timestamp())
     where id = $1 and state = 'claimed'`,
    [id, at ?? null],
    'execution_started',
  );
  // From the first claim: building the environment counts as part of the duration of the run.
  sql.defer(
    `update executions.run set state = 'running',
       started_at = (select claimed_at from executions.attempt where id = $2)
     where id = $1 and state = 'pending'`,
    [run, id],
    'execution_run_started',
  );
}

/** Hands the attempts of a process that stops over to others at once. */
export async function releaseLeases(sql: Sql, holder: string, ids: readonly string[]): Promise<void> {
  await sql.query(
    `update executions.attempt set lease_until = clock_timestamp()
     where id = any($1::uuid[]) and lease_owner = $2 and state <> 'ended'`,
    [ids, holder],
    'execution_release_leases',
  );
}

/** Longest note of an attempt, in characters. */
const LONGEST_NOTE = 2000;

/** Records what a held attempt waits for. */
export async function writeNote(database: Database, { id, epoch, projectId }: AttemptClaim, note: string | undefined) {
  await database.statement(
    { mode: 'write', scope: { project: projectId } },
    'update executions.attempt set note = $3 where id = $1 and epoch = $2',
    [id, epoch, note?.slice(0, LONGEST_NOTE) ?? null],
    'execution_note',
  );
}

/** The recorded end of an attempt. */
export interface AttemptEnd {
  readonly ending:
    | 'exit'
    | 'canceled'
    | 'wall-time'
    | 'out-of-memory'
    | 'too-many-processes'
    | 'disk-full'
    | 'refused'
    | 'lost'
    | 'cached';
  readonly code?: number | undefined;
  readonly signal?: string | undefined;
  readonly error?: string | undefined;
  readonly usage?: object | undefined;
  readonly logBytes?: number | undefined;
}

/** Ends a held attempt; `at`: when, by the clock of the database. Default: now. */
export function endAttempt(sql: Sql, id: string, end: AttemptEnd, at?: Date): void {
  const { ending, code, signal, error, usage, logBytes } = end;
  sql.defer(
    `update executions.attempt set state = 'ended', ending = $2, code = $3, signal = $4, error = $5, usage = $6::jsonb,
       log_bytes = $7, ended_at = coalesce($8::timestamptz, clock_timestamp()) where id = $1`,
    [
      id,
      ending,
      code ?? null,
      signal ?? null,
      error ?? null,
      usage === undefined ? null : JSON.stringify(usage),
      logBytes ?? null,
      at ?? null,
    ],
    'execution_attempt_end',
  );
}
