import { eventTypes } from '@dais/api';
import type { SequencedEvent } from '#kernel/events.ts';
import { tenantNames } from '#kernel/tenants.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { signatureHeaders } from '#lib/http/standard-webhook.ts';

/** An event in a webhook format. */
export interface Message {
  /** Event type of the format. */
  readonly event: string;
  /** JSON text. */
  readonly body: string;
}

/** A request to sign. */
export interface Signing {
  readonly deliveryId: string;
  /** Unix time of this attempt. */
  readonly seconds: number;
  readonly body: string;
  readonly secret: string | undefined;
}

/**
 * Interface: a format of webhook requests. Protocol adapters of systems with their own webhooks provide theirs, and this
 * ledger is independent of them.
 */
export interface WebhookFormat {
  readonly name: string;
  /** Events that a webhook of this format can subscribe to. */
  readonly events: readonly string[];
  /** Returns the possible events of the format for an event type, as a cheap filter before `render`. */
  candidates(type: string): readonly string[];
  /** Renders an event. Undefined: the format has no such event. The transaction has access to all projects. */
  render(tx: Transaction, event: SequencedEvent): Promise<Message | undefined>;
  /** Returns an example for a test. `at`: milliseconds since 1970. */
  example(event: string, at: number): Message;
  headers(signing: Signing): Readonly<Record<string, string>>;
}

/** Subscribable events. Delivery failures are excluded, because a delivery about a failure could fail again. */
const DELIVERED_TYPES = /^(experiment|run|logged\.model|model|evaluation|dataset|scorer|execution)\./;

const events: readonly string[] = Object.values(eventTypes)
  .map(({ type }) => type)
  .filter((type) => DELIVERED_TYPES.test(type));
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
