import type { ResourceSpans } from '@dais/api/tracking';
import type { TrackingDependencies } from '../dependencies.ts';

/** Names in the traces of clients. The composition provides them, so that the ledger is independent of the clients. */
export interface TraceConventions {
  /** Prefix of trace ids, before the 32 hexadecimal digits in spans. */
  readonly idPrefix: string;
  /** The tag with the name of a trace. */
  readonly nameTag: string;
  /** Metadata keys of the run, the session and the user of a trace. */
  readonly runKey: string;
  readonly sessionKey: string;
  readonly userKey: string;
  /** Attributes of spans; the first existing one applies. */
  readonly attributes: {
    readonly type: readonly string[];
    readonly inputs: readonly string[];
    readonly outputs: readonly string[];
    readonly session: readonly string[];
    readonly user: readonly string[];
    /** Maps of numbers, as JSON: `{"input_tokens": 5, …}`, `{"total_cost": 0.1, …}`. */
    readonly usage: readonly string[];
    readonly cost: readonly string[];
    /** The called language model and its provider. */
    readonly model: readonly string[];
    readonly provider: readonly string[];
  };
  /** Adds these attributes to spans that follow other conventions. */
  readonly translate: (resource: ResourceSpans) => ResourceSpans;
  /** Prefix of root span attributes that become tags of the trace. */
  readonly tagPrefix: string;
  /** Resource attributes that do not become tags. */
  readonly hiddenResource: readonly string[];
}

/** Dependencies of the trace operations. */
export interface TraceDependencies extends TrackingDependencies {
  readonly conventions: TraceConventions;
}
