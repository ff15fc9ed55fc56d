import type { GatewayFigures } from '@dais/api/gateway';

/** Port: the gateway of this machine. It is started with the first publication. */
export interface GatewayLink {
  /** The snapshot lies there: it runs from now on, and reads it. */
  publish(): void;
  /** What it has still holds. It refuses every token when it has not heard so for too long. */
  greet(): void;
  /** What it last told, unless that is too long ago to count. */
  figures(): GatewayFigures | undefined;
  /** Sends a request to it as Dais itself: a POST where there is a body. @throws Error when it cannot be reached. */
  request(path: string, headers: Readonly<Record<string, string>>, body?: string): Promise<GatewayAnswer>;
  readonly port: number | undefined;
  /** That port speaks HTTPS to whoever is not on this machine. */
  readonly secure: boolean;
  /** Where it answers to Dais itself, for whoever asks often; undefined: it does not listen yet. */
  address(): { readonly host: string; readonly port: number; readonly token: string } | undefined;
}

export interface GatewayAnswer {
  readonly status: number;
  /** The variant that answered; undefined: none did. */
  readonly variant: string | undefined;
  readonly body: string;
}
