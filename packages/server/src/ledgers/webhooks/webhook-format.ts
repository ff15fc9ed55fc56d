import type { SequencedEvent } from '#kernel/events.ts';
import type { Transaction } from '#kernel/transaction.ts';

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
