/** Rows of deliveries with their outcomes. */
import type { WebhookDelivery } from '@dais/api/webhooks';
import type { Sql } from '#engines/database/contract.ts';

/** Retention of ended deliveries in days, and the limit for each webhook. */
const KEPT_MS = 30 * 86_400_000;
const KEPT_ROWS = 1000;

export interface DeliveryRow {
  readonly id: string;
  readonly event: string;
  readonly state: WebhookDelivery['state'];
  readonly attempts: number;
  readonly response_status: number | null;
  readonly failure: string | null;
  readonly created_at: bigint;
  readonly attempted_at: bigint | null;
}

export interface NewDelivery {
  readonly id: string;
  readonly webhook: string;
  readonly projectId: string;
  readonly event: string;
  readonly body: string;
}

export async function insertDeliveries(sql: Sql, deliveries: readonly NewDelivery[], now: number): Promise<void> {
  await sql.query(
    `insert into webhooks.delivery (id, webhook, project_id, event, body, created_at)
     select *, $6 from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[])`,
    [
      deliveries.map(({ id }) => id),
      deliveries.map(({ webhook }) => webhook),
      deliveries.map(({ projectId }) => projectId),
      deliveries.map(({ event }) => event),
      deliveries.map(({ body }) => body),
      now,
    ],
    'insert_deliveries',
  );
}

export interface Attempt {
  readonly id: string;
  readonly projectId: string;
  readonly state: WebhookDelivery['state'];
  readonly attempts: number;
  /** Undefined: unchanged. */
  readonly status?: number | undefined;
  /** Undefined: the delivery succeeded. */
  readonly failure: string | undefined;
  readonly now: number;
}

export async function recordAttempt(sql: Sql, attempt: Attempt): Promise<void> {
  const { id, projectId, state, attempts, status, failure, now } = attempt;
  await sql.query(
    `update webhooks.delivery set state = $3, attempts = $4, response_status = coalesce($5, response_status), failure = $6,
       attempted_at = $7 where project_id = $1 and id = $2`,
    [projectId, id, state, attempts, status ?? null, failure ?? null, now],
    'record_webhook_attempt',
  );
}

export async function bodyOf(sql: Sql, projectId: string, id: string): Promise<string | undefined> {
  const [row] = await sql.query<{ body: string }>(
    'select body from webhooks.delivery where project_id = $1 and id = $2',
    [projectId, id],
    'delivery_body',
  );
  return row?.body;
}

/** Deletes old deliveries, and for a busy webhook those beyond the limit. */
export async function trimDeliveries(sql: Sql, projectId: string, webhook: string, now: number): Promise<void> {
  await sql.query(
    `delete from webhooks.delivery where project_id = $1 and webhook = $2 and state <> 'pending'
       and (created_at < $3 or created_at < (
         select created_at from webhooks.delivery where project_id = $1 and webhook = $2
         order by created_at desc, id desc offset $4 limit 1))`,
    [projectId, webhook, now - KEPT_MS, KEPT_ROWS],
    'trim_webhook_deliveries',
  );
}

export interface DeliveryPosition {
  readonly at: bigint;
  readonly id: string;
}

export async function listDeliveries(
  sql: Sql,
  webhook: string,
  filter: {
    readonly state?: string | undefined;
    readonly before?: DeliveryPosition | undefined;
    readonly limit: number;
  },
): Promise<DeliveryRow[]> {
  return await sql.query<DeliveryRow>(
    `select id, event, state, attempts, response_status, failure, created_at, attempted_at from webhooks.delivery
     where webhook = $1 and ($2::text is null or state = $2)
       and ($3::bigint is null or (created_at, id) < ($3, $4::uuid))
     order by created_at desc, id desc limit $5`,
    [webhook, filter.state ?? null, filter.before?.at ?? null, filter.before?.id ?? null, filter.limit],
    'list_deliveries',
  );
}

export function presentDelivery(row: DeliveryRow): WebhookDelivery {
  return {
    id: row.id,
    event: row.event,
    state: row.state,
    attempts: row.attempts,
    ...(row.response_status !== null && { responseStatus: row.response_status }),
    ...(row.failure !== null && { failure: row.failure }),
    createdAt: Number(row.created_at),
    ...(row.attempted_at !== null && { attemptedAt: Number(row.attempted_at) }),
  };
}
