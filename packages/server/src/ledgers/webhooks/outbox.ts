/** Creates deliveries from events, in one transaction with the position in the event stream, so each event counts once. */
import type { Sql } from '#engines/database/contract.ts';
import type { SequencedEvent } from '#kernel/events.ts';
import type { Subscriber } from '#kernel/subscriptions.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { Clock } from '#lib/clock.ts';
import { uuidv7 } from '#lib/ids.ts';
import { newJob } from './delivery-job.ts';
import { insertDeliveries, type NewDelivery } from './delivery-rows.ts';
import type { Message, WebhookFormat } from './webhook-format.ts';

/** Limit of waiting deliveries per webhook. Further events are dropped and counted, so that the disk cannot fill up. */
const MOST_WAITING = 10_000;

interface Listener {
  readonly id: string;
  readonly name: string;
  readonly project_id: string;
  readonly format: string;
  readonly events: readonly string[];
}

export function webhookOutbox(formats: readonly WebhookFormat[], clock: Clock): Subscriber {
  return {
    name: 'webhooks',
    handle: async (tx, events) => await addDeliveries(tx, events, formats, clock.now()),
  };
}

async function addDeliveries(
  tx: Transaction,
  events: readonly SequencedEvent[],
  formats: readonly WebhookFormat[],
  now: number,
): Promise<void> {
  const messages = events.filter(({ type }) => formats.some((format) => format.candidates(type).length > 0));
  if (messages.length === 0) return;
  await tx.enter('all');
  const listeners = await listenersOf(tx.sql, [...new Set(messages.map(({ projectId }) => projectId))]);
  if (listeners.length === 0) return;
  const deliveries: NewDelivery[] = [];
  for (const event of messages) {
    for (const format of formats) deliveries.push(...(await deliveriesOf(tx, event, format, listeners)));
  }
  const names = new Map(listeners.map(({ id, name }) => [id, name]));
  const kept = await withinLimits(tx.sql, deliveries);
  if (kept.length === 0) return;
  await insertDeliveries(tx.sql, kept, now);
  for (const delivery of kept) tx.enqueue(newJob(delivery, names.get(delivery.webhook) ?? ''));
}

/** Returns webhooks, locked against deletion until the deliveries are written. */
async function listenersOf(sql: Sql, projects: readonly string[]): Promise<readonly Listener[]> {
  return await sql.query<Listener>(
    `select id, name, project_id, format, events from webhooks.webhook
     where project_id = any($1::uuid[]) and status = 'active' order by id for key share`,
    [projects],
    'webhook_listeners',
  );
}

async function deliveriesOf(
  tx: Transaction,
  event: SequencedEvent,
  format: WebhookFormat,
  listeners: readonly Listener[],
): Promise<NewDelivery[]> {
  const called = format.candidates(event.type);
  const requests = listeners.filter(
    (one) =>
      one.project_id === event.projectId &&
      one.format === format.name &&
      one.events.some((name) => called.includes(name)),
  );
  if (requests.length === 0) return [];
  const message: Message | undefined = await format.render(tx, event);
  if (message === undefined) return [];
  return requests
    .filter(({ events }) => events.includes(message.event))
    .map(({ id, project_id: projectId }) => ({ id: uuidv7(), webhook: id, projectId, ...message }));
}

async function withinLimits(sql: Sql, deliveries: readonly NewDelivery[]): Promise<readonly NewDelivery[]> {
  if (deliveries.length === 0) return [];
  const ids = [...new Set(deliveries.map(({ webhook }) => webhook))].toSorted();
  const counts = await sql.query<{ webhook: string; n: number }>(
    `select w.id as webhook, (select count(*)::int from (
         select 1 from webhooks.delivery d where d.webhook = w.id and d.state = 'pending' limit ${MOST_WAITING}) few) as n
     from unnest($1::uuid[]) w (id)`,
    [ids],
    'deliveries_waiting',
  );
  const room = new Map(counts.map(({ webhook, n }) => [webhook, MOST_WAITING - n]));
  const dropped = new Map<string, number>();
  const kept = deliveries.filter(({ webhook }) => {
    const left = room.get(webhook) ?? 0;
    room.set(webhook, left - 1);
    if (left <= 0) dropped.set(webhook, (dropped.get(webhook) ?? 0) + 1);
    return left > 0;
  });
  for (const [webhook, n] of dropped) {
    await sql.query('update webhooks.webhook set dropped = dropped + $2 where id = $1', [webhook, n], 'count_dropped');
  }
  return kept;
}
