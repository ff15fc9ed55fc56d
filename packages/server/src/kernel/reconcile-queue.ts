import type { Sql } from '#engines/database/contract.ts';
import type { NewEvent } from '#kernel/events.ts';

/**
 * PostgreSQL channel for notifications of due resources. Only a hint. Separate from the channel of events: most events
 * are about records, which no controller processes, and each check is a transaction.
 */
export const DUE_CHANNEL = 'dais_due';

/** Notifies at most once per statement, and only if a resource became due. */
const notifying = (change: string) =>
  `with due as (${change} returning 1) select pg_notify('${DUE_CHANNEL}', '') from due limit 1`;
/** Returns the entries that `which` selects, in one order for all callers. */
const wake = (which: string, also = '') =>
  notifying(`update kernel.reconcile r set due_at = clock_timestamp(), dirty = r.dirty + 1 ${also}
    from (select uid from kernel.reconcile where uid in (${which}) order by uid for update) w where r.uid = w.uid`);

/** Puts resources that were just written into the queue of their controllers, due now. */
export async function enqueueResources(
  sql: Sql,
  projectId: string,
  resources: readonly { readonly uid: string; readonly kind: string }[],
): Promise<void> {
  await sql.query(
    notifying(`insert into kernel.reconcile as r (uid, kind, project_id, due_at)
       select uid, kind, $3, clock_timestamp() from unnest($1::uuid[], $2::text[]) as u(uid, kind)
       on conflict (uid) do update set due_at = clock_timestamp(), dirty = r.dirty + 1, attempts = 0`),
    [resources.map((item) => item.uid), resources.map((item) => item.kind), projectId],
    'enrol',
  );
}

/** Enqueues resources that were created before their kind had a controller or this finalizer. */
export async function enqueueMissing(sql: Sql, kind: string, finalizer: string | undefined): Promise<void> {
  await sql.query(
    `with missing as (
       insert into kernel.reconcile (uid, kind, project_id, due_at)
       select uid, kind, project_id, clock_timestamp() from kernel.resource r
       where kind = $1 and not exists (select from kernel.reconcile q where q.uid = r.uid)
       on conflict do nothing
     )
     update kernel.resource set finalizers = array_append(finalizers, $2::text)
     where kind = $1 and $2::text is not null and deletion_at is null and not $2::text = any(finalizers)`,
    [kind, finalizer ?? null],
    'enrol_missing',
  );
}

/** Makes resources due now. Resources without a controller are skipped. */
export async function wakeResources(sql: Sql, uids: readonly string[]): Promise<void> {
  await sql.query(wake('select unnest($1::uuid[])', ', attempts = 0'), [uids], 'wake_resources');
}

/**
 * Wakes resources that wait for the subjects of these events: resources that reference a subject, and those that
 * registered its topic (its uid, or `Kind/name`).
 */
export function wakeWaiting(sql: Sql, events: readonly NewEvent[]): void {
  const subjects = events.flatMap(({ subject, wakes }) => (subject === undefined || wakes === false ? [] : [subject]));
  if (subjects.length === 0) return;
  sql.defer(
    wake(`select uid from kernel.watch where topic = any($1::text[])
      union all select from_uid from kernel.reference where to_uid = any($2::uuid[])`),
    [
      subjects.flatMap((subject) => [subject.uid, `${subject.kind}/${subject.name}`]),
      subjects.map((subject) => subject.uid),
    ],
    'wake_waiting',
  );
}

export interface Claim {
  readonly uid: string;
  readonly kind: string;
  readonly projectId: string;
  /** Fencing token: grows with each claim of this resource. */
  readonly epoch: bigint;
  readonly dirty: bigint;
  readonly attempts: number;
}

/** Whether a resource of these kinds waits for a worker. */
export async function anyDue(sql: Sql, kinds: readonly string[]): Promise<boolean> {
  const [row] = await sql.query<{ due: boolean }>(
    `select exists (select from kernel.reconcile where due_at <= clock_timestamp()
       and (lease_until is null or lease_until < clock_timestamp()) and kind = any($1::text[])) as due`,
    [kinds],
    'any_due',
  );
  return row?.due === true;
}

/** Claims due resources without a worker. One worker per resource, over all processes. */
export async function claimDue(
  sql: Sql,
  kinds: readonly string[],
  holder: string,
  leaseMs: number,
  limit: number,
): Promise<Claim[]> {
  return await sql.query<Claim>(
    `update kernel.reconcile r
     set lease_owner = $1, epoch = r.epoch + 1, lease_until = clock_timestamp() + $2 * interval '1 millisecond'
     from (
       select uid from kernel.reconcile
       where due_at <= clock_timestamp() and (lease_until is null or lease_until < clock_timestamp())
         and kind = any($3::text[])
       order by due_at limit $4 for update skip locked
     ) due
     where r.uid = due.uid returning r.uid, r.kind, r.project_id as "projectId", r.epoch, r.dirty, r.attempts`,
    [holder, leaseMs, kinds, limit],
    'claim_due',
  );
}

/** Extends a claim. False when it is lost. */
export async function extendClaim(sql: Sql, claim: Claim, leaseMs: number): Promise<boolean> {
  const rows = await sql.query(
    `update kernel.reconcile set lease_until = clock_timestamp() + $3 * interval '1 millisecond'
     where uid = $1 and epoch = $2 and lease_until > clock_timestamp() returning 1`,
    [claim.uid, claim.epoch, leaseMs],
    'extend_claim',
  );
  return rows.length === 1;
}

/**
 * Returns whether the claim is valid, and locks it until the transaction ends. Locks the resource first, like every
 * other writer: in the other order an update and a status write would deadlock.
 */
export async function holdClaim(sql: Sql, claim: Claim): Promise<boolean> {
  const rows = await sql.query(
    `with locked as materialized (select 1 from kernel.resource where uid = $1 for no key update)
     select 1 from kernel.reconcile
     where uid = $1 and epoch = $2 and lease_until > clock_timestamp() and exists (select from locked) for update`,
    [claim.uid, claim.epoch],
    'hold_claim',
  );
  return rows.length === 1;
}

export interface Finish {
  /** Recheck after so long; null: only when woken. */
  readonly afterMs: number | null;
  readonly attempts: number;
  readonly error: string | null;
  /**
   * Topics to wake on; null: unchanged. A new topic makes the resource due once more, because earlier events count too.
   */
  readonly wakeOn: readonly string[] | null;
}

/** Releases a claim, unless another worker has it. A wake during the run makes the resource due immediately. */
export async function finishClaim(sql: Sql, claim: Claim, finish: Finish): Promise<void> {
  const ours = await sql.query(
    'select 1 from kernel.reconcile where uid = $1 and epoch = $2 for update',
    [claim.uid, claim.epoch],
    'own_claim',
  );
  if (ours.length === 0) return;
  const fresh = finish.wakeOn === null ? 0 : await waitFor(sql, claim.uid, finish.wakeOn);
  await sql.query(
    `update kernel.reconcile
     set lease_owner = null, lease_until = null, attempts = case when dirty = $3 then $4 else 0 end, last_error = $5,
       due_at = case
         when dirty <> $3 or $6 then clock_timestamp()
         when $7::float8 is null then null
         else clock_timestamp() + $7 * interval '1 millisecond' end
     where uid = $1 and epoch = $2`,
    [claim.uid, claim.epoch, claim.dirty, finish.attempts, finish.error, fresh > 0, finish.afterMs],
    'finish_claim',
  );
}

/** Replaces the topics that a resource waits for; how many are new. */
async function waitFor(sql: Sql, uid: string, topics: readonly string[]): Promise<number> {
  await sql.query(
    'delete from kernel.watch where uid = $1 and not topic = any($2::text[])',
    [uid, topics],
    'clear_waiting',
  );
  if (topics.length === 0) return 0;
  const added = await sql.query(
    'insert into kernel.watch (topic, uid) select t, $1 from unnest($2::text[]) t on conflict do nothing returning 1',
    [uid, topics],
    'insert_waiting',
  );
  return added.length;
}

/** How many resources are due, and how many are being worked on; for /metrics. */
export async function queueDepth(sql: Sql): Promise<{ due: number; running: number }> {
  const [row] = await sql.query<{ due: number; running: number }>(
    `select (count(*) filter (where due_at <= clock_timestamp()))::int as due,
       (count(*) filter (where lease_until > clock_timestamp()))::int as running from kernel.reconcile`,
    [],
    'queue_depth',
  );
  return row ?? { due: 0, running: 0 };
}
