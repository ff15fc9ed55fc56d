/** The native format: event types of Dais, in requests according to Standard Webhooks 1.0. */
import { eventTypes } from '@dais/api';
import type { SequencedEvent } from '#kernel/events.ts';
import { tenantNames } from '#kernel/tenants.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { signatureHeaders } from '#lib/standard-webhook.ts';
import type { Message, WebhookFormat } from './webhook-format.ts';

/** Subscribable events. Delivery failures are excluded, because a delivery about a failure could fail again. */
const TOLD = /^(experiment|run|logged\.model|model|evaluation|dataset|scorer|execution)\./;

const events: readonly string[] = Object.values(eventTypes)
  .map(({ type }) => type)
  .filter((type) => TOLD.test(type));
const known = new Set(events);

export const nativeFormat: WebhookFormat = {
  name: 'dais',
  events,
  candidates: (type) => (known.has(type) ? [type] : []),
  render,
  example: (event, at) => message(event, at, { event: '0', project: 'example', data: {} }),
  headers: ({ secret, deliveryId, seconds, body }) => signatureHeaders(secret, deliveryId, seconds, body),
};

async function render({ sql }: Transaction, event: SequencedEvent): Promise<Message> {
  const names = await tenantNames(sql, [event.projectId]);
  const { kind, name } = event.subject ?? {};
  return message(event.type, event.at.getTime(), {
    event: String(event.id),
    project: names.get(event.projectId) ?? '',
    ...(kind !== undefined && { subject: { kind, name } }),
    actor: event.actor,
    data: event.data,
  });
}

function message(type: string, at: number, data: object): Message {
  return { event: type, body: JSON.stringify({ type, timestamp: new Date(at).toISOString(), data }) };
}
