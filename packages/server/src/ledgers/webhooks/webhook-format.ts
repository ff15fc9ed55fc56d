import type { SequencedEvent } from '#kernel/events.ts';
import type { Transaction } from '#kernel/transaction.ts';

/** What one event is in the words of a format. */
export interface Message {
  /** One of the format's events. */
  readonly event: string;
  /** JSON text. */
  readonly body: string;
}

/** One request to be signed. */
export interface Signing {
  readonly deliveryId: string;
  /** Unix time of this attempt. */
  readonly seconds: number;
  readonly body: string;
  readonly secret: string | undefined;
}

/**
 * Port: in whose words webhooks are told. The doors of clients that bring webhooks of their own give theirs; this ledger
 * knows none of them.
 */
export interface WebhookFormat {
  readonly name: string;
  /** What a webhook of this format can be told of. */
  readonly events: readonly string[];
  /** What an event of this type may be called; looking closer costs more. */
  candidates(type: string): readonly string[];
  /** Undefined when there is nothing to tell. The transaction sees all projects. */
  render(tx: Transaction, event: SequencedEvent): Promise<Message | undefined>;
  /** For a test: `at` is in milliseconds since 1970. */
  example(event: string, at: number): Message;
  headers(signing: Signing): Readonly<Record<string, string>>;
}
