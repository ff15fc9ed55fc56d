import type { Sql } from '#engines/database/contract.ts';

/** Days that deliveries which ended stay, and how many of a channel at most. */
const KEPT_DAYS = 30;
const KEPT_ROWS = 1000;

/** The state of a channel from its deliveries. */
export interface DeliveryFacts {
  readonly pending: number;
  readonly lastDeliveredAt?: Date;
  /** The latest attempt of all, if it failed and used this revision of the channel or an older one. */
  readonly failure?: DeliveryFailure;
}

export interface DeliveryFailure {
  readonly deliveryId: string;
  readonly at: Date;
  readonly attempts: number;
  readonly reason: string;
  readonly givenUp: boolean;
  readonly generation: number;
}

interface FactsRow {
  pending: number;
  delivered_at: Date | null;
}

interface AttemptRow {
  id: string;
  state: string;
  attempts: number;
  failure: string | null;
  generation: bigint;
  attempted_at: Date;
}

export async function readDeliveryFacts(sql: Sql, projectId: string, channelUid: string): Promise<DeliveryFacts> {
  const [facts] = await sql.query<FactsRow>(
    `select (count(*) filter (where state = 'pending'))::int as pending,
       max(attempted_at) filter (where state = 'delivered') as delivered_at
     from alert_channel.delivery where project_id = $1 and channel_uid = $2`,
    [projectId, channelUid],
    'delivery_facts',
  );
  const [latest] = await sql.query<AttemptRow>(
    `select id, state, attempts, failure, generation, attempted_at from alert_channel.delivery
     where project_id = $1 and channel_uid = $2 and attempted_at is not null
     order by attempted_at desc, id desc limit 1`,
    [projectId, channelUid],
    'delivery_latest',
  );
  return {
    pending: facts?.pending ?? 0,
    ...(facts?.delivered_at != null && { lastDeliveredAt: facts.delivered_at }),
    ...(latest?.failure != null && {
      failure: {
        deliveryId: latest.id,
        at: latest.attempted_at,
        attempts: latest.attempts,
        reason: latest.failure,
        givenUp: latest.state === 'failed',
        generation: Number(latest.generation),
      },
    }),
  };
}

export async function insertDelivery(
  sql: Sql,
  channel: { readonly uid: string; readonly project_id: string; readonly generation: bigint },
  { id, key, resolves }: { readonly id: string; readonly key: string | undefined; readonly resolves: boolean },
): Promise<void> {
  await sql.query(
    `insert into alert_channel.delivery (id, channel_uid, project_id, generation, alert_key, resolves)
     values ($1, $2, $3, $4, $5, $6)`,
    [id, channel.uid, channel.project_id, channel.generation, key ?? null, resolves],
    'insert_delivery',
  );
}

/** Returns whether the alert was resolved after this delivery was enqueued: a delivery now would reopen it. */
export async function isResolvedLater(
  sql: Sql,
  projectId: string,
  { channelUid, id, key }: { readonly channelUid: string; readonly id: string; readonly key: string },
): Promise<boolean> {
  const rows = await sql.query(
    `select 1 from alert_channel.delivery later, alert_channel.delivery mine
     where mine.project_id = $1 and mine.id = $4 and later.project_id = $1 and later.channel_uid = $2
       and later.alert_key = $3 and later.resolves and later.created_at >= mine.created_at limit 1`,
    [projectId, channelUid, key, id],
    'delivery_overtaken',
  );
  return rows.length > 0;
}

export interface Attempt {
  readonly id: string;
  readonly projectId: string;
  readonly state: 'pending' | 'delivered' | 'failed';
  readonly attempts: number;
  /** Undefined: it arrived. */
  readonly failure: string | undefined;
  /** Undefined: as at the attempt before. */
  readonly generation: number | undefined;
}

export async function recordAttempt(sql: Sql, attempt: Attempt): Promise<void> {
  await sql.query(
    `update alert_channel.delivery set state = $3, attempts = $4, failure = $5, generation = coalesce($6, generation),
       attempted_at = clock_timestamp()
     where project_id = $1 and id = $2`,
    [
      attempt.projectId,
      attempt.id,
      attempt.state,
      attempt.attempts,
      attempt.failure ?? null,
      attempt.generation ?? null,
    ],
    'record_attempt',
  );
}

/** Deletes old finished deliveries, and for a channel that fails continuously all but the newest. */
export async function trimDeliveries(sql: Sql, projectId: string, channelUid: string): Promise<void> {
  await sql.query(
    `delete from alert_channel.delivery where project_id = $1 and channel_uid = $2 and state <> 'pending'
       and (attempted_at < clock_timestamp() - $3 * interval '1 day' or attempted_at < (
         select attempted_at from alert_channel.delivery where project_id = $1 and channel_uid = $2
           and attempted_at is not null order by attempted_at desc offset $4 limit 1))`,
    [projectId, channelUid, KEPT_DAYS, KEPT_ROWS],
    'trim_deliveries',
  );
}

export async function deleteDeliveries(sql: Sql, projectId: string, channelUid: string): Promise<void> {
  await sql.query('delete from alert_channel.delivery where project_id = $1 and channel_uid = $2', [
    projectId,
    channelUid,
  ]);
}
