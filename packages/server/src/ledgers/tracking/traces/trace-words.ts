import type { TrackingParts } from '../parts.ts';

/** What the clients that write traces call things: given by compose, so that the ledger knows none of them. */
export interface TraceWords {
  /** What ids of traces begin with, before the 32 hexadecimal digits that spans carry. */
  readonly idPrefix: string;
  /** The tag that is a trace's name. */
  readonly nameTag: string;
  /** Metadata: the run in whose course it was made, the session and the user that it belongs to. */
  readonly runKey: string;
  readonly sessionKey: string;
  readonly userKey: string;
  /** Attributes of spans, the first that is there counts. */
  readonly attributes: {
    readonly type: readonly string[];
    readonly inputs: readonly string[];
    readonly outputs: readonly string[];
    readonly session: readonly string[];
    readonly user: readonly string[];
    /** Maps of numbers, as JSON: `{"input_tokens": 5, …}`, `{"total_cost": 0.1, …}`. */
    readonly usage: readonly string[];
    readonly cost: readonly string[];
    /** Numbers, by the key that each has in the map. */
    readonly tokens: Readonly<Record<string, readonly string[]>>;
    /** The language model that was called, and who offers it. */
    readonly model: readonly string[];
    readonly provider: readonly string[];
  };
  /** Types of spans by what other vocabularies call them. */
  readonly types: Readonly<Record<string, string>>;
  /** An attribute of the first span that begins so is a tag of the trace. */
  readonly tagPrefix: string;
  /** Attributes of the program that are no tags: its machinery. */
  readonly hiddenResource: readonly string[];
}

/** What the operations of traces stand on. */
export interface TraceParts extends TrackingParts {
  readonly words: TraceWords;
}
