/** Operations on webhooks. */
import { DaisError, eventTypes, type EventType } from '@dais/api';
import {
  createWebhookOperation,
  deleteWebhookOperation,
  listWebhookDeliveriesOperation,
  listWebhooksOperation,
  readWebhookOperation,
  testWebhookOperation,
  updateWebhookOperation,
  type Webhook,
  type WebhookStatus,
  type WebhookTest,
} from '@dais/api/webhooks';
import { entry, type CallOf, type OperationEntry } from '#kernel/entry.ts';
import { cutPage, decodePageCursor } from '#kernel/page-cursor.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';
import { foreignKeyRace } from '#lib/write-race.ts';
import { uuidv7 } from '#lib/ids.ts';
import { evaluateResponse } from '#lib/http/webhook-response.ts';
import { listDeliveries, presentDelivery, type DeliveryPosition } from './delivery-rows.ts';
import { checkWebhookUrl, sendAndRead } from './send.ts';
import type { WebhookFormat } from './webhook-format.ts';
import type { WebhookDependencies } from './webhook-dependencies.ts';
import {
  lockWebhook,
  presentWebhooks,
  requireWebhook,
  sealedOf,
  sealedValues,
  WEBHOOK_COLUMNS,
  type WebhookRow,
} from './webhook-rows.ts';
import { openSecret, sealSecret } from './webhook-secret.ts';

/** Limit per project, because each event is compared with all webhooks of its project. */
const MOST_OF_PROJECT = 200;

export function webhookEntries(dependencies: WebhookDependencies): readonly OperationEntry[] {
  return [
    entry(createWebhookOperation, async (tx, { input }) => await createWebhook(tx, input, dependencies)),
    entry(
      readWebhookOperation,
      async (tx, { input }) => await presentOne(tx, await requireWebhook(tx.sql, tx.projectId, input.id)),
    ),
    entry(listWebhooksOperation, listWebhooks),
    entry(updateWebhookOperation, async (tx, { input }) => await updateWebhook(tx, input, dependencies)),
    entry(deleteWebhookOperation, async (tx, { input }) => {
      const row = await lockWebhook(tx.sql, tx.projectId, input.id);
      await tx.sql.query('delete from webhooks.webhook where id = $1', [row.id], 'delete_webhook');
      emit(tx, eventTypes.webhookDeleted, row, {});
      return {};
    }),
    entry(testWebhookOperation, { perform: async (call) => await testWebhook(call, dependencies) }),
    entry(listWebhookDeliveriesOperation, deliveries),
  ];
}

interface NewWebhook {
  readonly name: string;
  readonly description: string;
  readonly url: string;
  readonly format: string;
  readonly events: readonly string[];
  readonly secret?: string;
  readonly status: WebhookStatus;
}

type WebhookChange = Partial<Omit<NewWebhook, 'format'>> & { readonly id: string };

/** @throws DaisError `invalid_request`, `address_refused`, `quota_exceeded`, `keys_unavailable`. */
async function createWebhook(tx: Transaction, input: NewWebhook, dependencies: WebhookDependencies): Promise<Webhook> {
  const { name, description, url, status } = input;
  const format = formatOf(input.format, dependencies.formats);
  const events = checkedEvents(input.events, format);
  await checkWebhookUrl(url, dependencies.outbound, dependencies.inside);
  const [count] = await tx.sql.query<{ n: number }>(
    'select count(*)::int as n from webhooks.webhook where project_id = $1',
    [tx.projectId],
    'count_webhooks',
  );
  if ((count?.n ?? 0) >= MOST_OF_PROJECT) {
    throw new DaisError('quota_exceeded', `A project can have at most ${MOST_OF_PROJECT} webhooks. Delete one first.`);
  }
  const id = uuidv7();
  const secret = input.secret ?? '';
  const sealed =
    secret === '' ? undefined : await sealSecret(dependencies.sealer, { id, project_id: tx.projectId }, secret);
  const now = dependencies.clock.now();
  const insert = tx.sql.query<WebhookRow>(
    `insert into webhooks.webhook (id, project_id, name, description, url, format, events, status, key_id, key_fingerprint,
       wrapped, iv, ciphertext, tag, created_at, updated_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15) returning ${WEBHOOK_COLUMNS}`,
    [id, tx.projectId, name, description, url, format.name, events, status, ...sealedValues(sealed), now],
    'insert_webhook',
  );
  const [row] = await foreignKeyRace(insert, () => new DaisError('not_found', 'The project was deleted.'));
  if (row === undefined) throw new Error('the insert returned no row');
  emit(tx, eventTypes.webhookCreated, row, { host: new URL(url).hostname, events });
  return await presentOne(tx, row);
}

/** @throws DaisError as `createWebhook`, and `not_found`. */
async function updateWebhook(
  tx: Transaction,
  input: WebhookChange,
  dependencies: WebhookDependencies,
): Promise<Webhook> {
  const row = await lockWebhook(tx.sql, tx.projectId, input.id);
  const { id: _, secret, ...given } = input;
  const events =
    given.events === undefined ? row.events : checkedEvents(given.events, formatOf(row.format, dependencies.formats));
  if (given.url !== undefined) await checkWebhookUrl(given.url, dependencies.outbound, dependencies.inside);
  const sealed =
    secret === undefined
      ? sealedOf(row)
      : secret === ''
        ? undefined
        : await sealSecret(dependencies.sealer, row, secret);
  const { name = row.name, description = row.description, url = row.url, status = row.status } = given;
  const [changed] = await tx.sql.query<WebhookRow>(
    `update webhooks.webhook set name = $2, description = $3, url = $4, events = $5, status = $6, key_id = $7,
       key_fingerprint = $8, wrapped = $9, iv = $10, ciphertext = $11, tag = $12, updated_at = greatest(updated_at, $13)
     where id = $1 returning ${WEBHOOK_COLUMNS}`,
    [row.id, name, description, url, events, status, ...sealedValues(sealed), dependencies.clock.now()],
    'update_webhook',
  );
  if (changed === undefined) throw new Error('the locked row was not updated');
  const fields = Object.entries(input).flatMap(([key, value]) => (key === 'id' || value === undefined ? [] : key));
  emit(tx, eventTypes.webhookUpdated, changed, { host: new URL(url).hostname, fields });
  return await presentOne(tx, changed);
}

function formatOf(name: string, formats: readonly WebhookFormat[]): WebhookFormat {
  const format = formats.find((one) => one.name === name);
  if (format !== undefined) return format;
  const expected = formats.map((one) => one.name).join(', ');
  const issues = [{ path: 'format', message: 'unknown format', expected }];
  throw new DaisError('invalid_request', `The webhook format "${name}" is not supported.`, { issues });
}

function checkedEvents(events: readonly string[], format: WebhookFormat): readonly string[] {
  const unknown = events.findIndex((event) => !format.events.includes(event));
  if (unknown === -1) return [...new Set(events)];
  const issues = [{ path: `events[${unknown}]`, message: 'unknown event', expected: format.events.join(', ') }];
  throw new DaisError('invalid_request', `Webhooks cannot subscribe to the event "${events[unknown]}".`, { issues });
}

function emit(tx: Transaction, type: EventType, row: WebhookRow, data: object): void {
  const { project_id: projectId, name, id } = row;
  tx.emit({ type, projectId, subject: { kind: 'Webhook', name, uid: id }, data: { webhook: name, ...data } });
}

async function presentOne({ sql }: Transaction, row: WebhookRow): Promise<Webhook> {
  const [webhook] = await presentWebhooks(sql, [row]);
  if (webhook === undefined) throw new Error('a webhook row produced no record');
  return webhook;
}

async function listWebhooks({ sql, projectId }: Transaction, { input }: CallOf<typeof listWebhooksOperation>) {
  const { format, limit, cursor } = input;
  const filter = [projectId, 'webhooks', format ?? ''];
  const position = positionIn(decodePageCursor(filter, cursor));
  const rows = await sql.query<WebhookRow>(
    `select ${WEBHOOK_COLUMNS} from webhooks.webhook
     where project_id = $1 and ($2::text is null or format = $2) and ($3::bigint is null or (created_at, id) < ($3, $4::uuid))
     order by created_at desc, id desc limit $5`,
    [projectId, format ?? null, position?.at ?? null, position?.id ?? null, limit + 1],
    'list_webhooks',
  );
  const { page, next } = cutPage(rows, limit, filter, positionText);
  return { items: await presentWebhooks(sql, page), ...next };
}

async function deliveries({ sql, projectId }: Transaction, { input }: CallOf<typeof listWebhookDeliveriesOperation>) {
  const { id, state, limit, cursor } = input;
  const { id: webhook } = await requireWebhook(sql, projectId, id);
  const filter = [projectId, webhook, state ?? ''];
  const before = positionIn(decodePageCursor(filter, cursor));
  const rows = await listDeliveries(sql, webhook, { state, before, limit: limit + 1 });
  const { page, next } = cutPage(rows, limit, filter, positionText);
  return { items: page.map(presentDelivery), ...next };
}

const positionText = (row: { readonly created_at: bigint; readonly id: string }) => `${row.created_at} ${row.id}`;

/** Parses the position of a page cursor. @throws DaisError `invalid_cursor` */
function positionIn(text: string | undefined): DeliveryPosition | undefined {
  if (text === undefined) return undefined;
  const match = /^(\d{1,18}) ([0-9a-f-]{36})$/.exec(text);
  if (match === null)
    throw new DaisError('invalid_cursor', 'The cursor belongs to another list. Start again without a cursor.');
  return { at: BigInt(match[1] ?? ''), id: match[2] ?? '' };
}

/** Sends a test event immediately and once, also for a disabled webhook, and returns the response. */
async function testWebhook(
  { input, tenant, context }: CallOf<typeof testWebhookOperation>,
  dependencies: WebhookDependencies,
): Promise<WebhookTest> {
  const { database, clock, outbound } = dependencies;
  const row = await transact(database, { mode: 'read', projectId: tenant.id, by: context }, async ({ sql }) => {
    return await requireWebhook(sql, tenant.id, input.id);
  });
  const format = formatOf(row.format, dependencies.formats);
  const [event = ''] = checkedEvents([input.event ?? row.events[0] ?? ''], format);
  const now = clock.now();
  const { body } = format.example(event, now);
  const secret = await openSecret(dependencies.sealer, row);
  const { url } = row;
  const answer = await sendAndRead({
    url,
    format,
    body,
    secret,
    deliveryId: uuidv7(),
    now,
    outbound,
    signal: context.signal,
  });
  if ('error' in answer) return { success: false, error: answer.error };
  // As in deliveries, a redirect counts as a failure, because it is not followed.
  const outcome = evaluateResponse(answer.status, undefined, now);
  const received = { responseStatus: answer.status, responseBody: answer.body };
  const isRedirect = answer.status >= 300 && answer.status < 400;
  return { success: outcome.ok, ...(!outcome.ok && isRedirect && { error: outcome.detail }), ...received };
}
