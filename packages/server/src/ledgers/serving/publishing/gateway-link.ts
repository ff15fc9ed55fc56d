import type { GatewayFigures } from '@dais/api/gateway';

/** Interface to the gateway of this machine. It starts with the first publication. */
export interface GatewayLink {
  /** Reports a new snapshot: the gateway starts if necessary, and reads it. */
  publish(): void;
  /**
   * Credentials of remote models, by the key of the model. They are sent with each message and only kept in memory: a
   * gateway that starts without a control process has none.
   */
  setCredentials(values: Readonly<Record<string, string>>): void;
  /** Confirms the current snapshot. Without confirmations the gateway rejects every token after a while. */
  greet(): void;
  /** Labels of models that it does not have ready and other gateways serve: while there are any, it is not ready. */
  setBehind(models: readonly string[]): void;
  /** The gateway of a new node is not ready until then: it does not have the models of the endpoints yet. */
  setCaughtUp(): void;
  /** Returns its last statistics, unless they are too old. */
  figures(): GatewayFigures | undefined;
  /**
   * Sends a request to the gateway as Dais itself: a POST if there is a body. @throws Error if it cannot be reached.
   */
  request(path: string, headers: Readonly<Record<string, string>>, body?: string): Promise<GatewayAnswer>;
  readonly port: number | undefined;
  /** The port uses HTTPS for clients of other machines. */
  readonly secure: boolean;
  /** Configured base URL for predictions. */
  readonly publicUrl?: string | undefined;
  /** Address for frequent requests of Dais itself; undefined: the gateway does not listen yet. */
  address(): { readonly host: string; readonly port: number; readonly token: string } | undefined;
}

export interface GatewayAnswer {
  readonly status: number;
  /** The variant that served the request; undefined: none. */
  readonly variant: string | undefined;
  readonly body: string;
}
