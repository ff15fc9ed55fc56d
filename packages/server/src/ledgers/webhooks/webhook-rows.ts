/** Reads rows of webhooks, and converts them to API records. */
import { DaisError } from '@dais/api';
import type { Webhook, WebhookStatus } from '@dais/api/webhooks';
import type { Sql } from '#engines/database/contract.ts';
import type { SealedSecret } from './webhook-dependencies.ts';

export interface WebhookRow {
  readonly id: string;
  readonly project_id: string;
  readonly name: string;
  readonly description: string;
  readonly url: string;
  readonly format: string;
  readonly events: readonly string[];
  readonly status: WebhookStatus;
  readonly key_id: string | null;
  readonly key_fingerprint: string | null;
  readonly wrapped: Buffer | null;
  readonly iv: Buffer | null;
  readonly ciphertext: Buffer | null;
  readonly tag: Buffer | null;
  readonly dropped: bigint;
  readonly created_at: bigint;
  readonly updated_at: bigint;
}

export const WEBHOOK_COLUMNS =
  'id, project_id, name, description, url, format, events, status, key_id, key_fingerprint, wrapped, iv, ciphertext, tag, dropped, created_at, updated_at';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function noWebhook(id: string): DaisError {
  return new DaisError('not_found', `There is no webhook "${id}" in this project.`);
}

export async function findWebhook(sql: Sql, projectId: string, id: string): Promise<WebhookRow | undefined> {
  if (!UUID.test(id)) return undefined;
  const [row] = await sql.query<WebhookRow>(
    `select ${WEBHOOK_COLUMNS} from webhooks.webhook where project_id = $1 and id = $2`,
    [projectId, id],
    'webhook_by_id',
  );
  return row;
}

/** Locks a webhook until the transaction ends. @throws DaisError `not_found`. */
export async function lockWebhook(sql: Sql, projectId: string, id: string): Promise<WebhookRow> {
  const [row] = UUID.test(id)
    ? await sql.query<WebhookRow>(
        `select ${WEBHOOK_COLUMNS} from webhooks.webhook where project_id = $1 and id = $2 for update`,
        [projectId, id],
        'lock_webhook',
      )
    : [];
  if (row === undefined) throw noWebhook(id);
  return row;
}

/** @throws DaisError `not_found`. */
export async function requireWebhook(sql: Sql, projectId: string, id: string): Promise<WebhookRow> {
  const row = await findWebhook(sql, projectId, id);
  if (row === undefined) throw noWebhook(id);
  return row;
}

export function sealedOf(row: WebhookRow): SealedSecret | undefined {
  const { key_id: keyId, key_fingerprint: fingerprint, wrapped, iv, ciphertext, tag } = row;
  if (keyId === null || fingerprint === null || wrapped === null || iv === null) return undefined;
  return ciphertext === null || tag === null ? undefined : { v: 1, keyId, fingerprint, wrapped, iv, ciphertext, tag };
}

/** Returns the column values, in the order of the column names above. */
export function sealedValues(sealed: SealedSecret | undefined): unknown[] {
  if (sealed === undefined) return Array<null>(6).fill(null);
  const { keyId, fingerprint, wrapped, iv, ciphertext, tag } = sealed;
  return [keyId, fingerprint, wrapped, iv, ciphertext, tag];
}

export async function presentWebhooks(sql: Sql, rows: readonly WebhookRow[]): Promise<Webhook[]> {
  if (rows.length === 0) return [];
  const counts = await sql.query<{ webhook: string; n: number }>(
    `select webhook, count(*)::int as n from webhooks.delivery where webhook = any($1::uuid[]) and state = 'pending'
     group by webhook`,
    [rows.map(({ id }) => id)],
    'webhooks_waiting',
  );
  const waiting = new Map(counts.map(({ webhook, n }) => [webhook, n]));
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    description: row.description,
    url: row.url,
    format: row.format,
    events: [...row.events],
    status: row.status,
    signed: row.wrapped !== null,
    waiting: waiting.get(row.id) ?? 0,
    dropped: Number(row.dropped),
    createdAt: Number(row.created_at),
    updatedAt: Number(row.updated_at),
  }));
}
