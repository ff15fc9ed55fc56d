/** The control process's side of the gateway: messages through the supervisor, requests through its port. */
import { randomBytes } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { gatewayFiguresSchema, type GatewayFigures } from '@dais/api/gateway';
import type { GatewayAnswer, GatewayLink, RecentFigures } from '#compose/endpoints.ts';

/** Messages of the control process to the gateway. */
export interface ToGateway {
  /** There is a new snapshot; false: nothing new, and the control process is there. */
  readonly published: boolean;
  /**
   * Load balancers may send requests to the gateway: the node takes part in the work, and the gateway has the models that the
   * gateways of other nodes serve.
   */
  readonly ready: boolean;
  /** Credentials of remote models, by the key of the model. In each message, because a starting gateway misses some. Absent: unchanged. */
  readonly credentials?: Readonly<Record<string, string>>;
}

/** Messages of the gateway to the control process. */
export interface FromGateway {
  readonly figures: GatewayFigures;
}

export interface LinkDependencies {
  /** Requests the gateway from the supervisor. */
  readonly want: () => void;
  readonly post: (message: ToGateway) => void;
  readonly recent: RecentFigures;
  readonly host: string;
  readonly secure: boolean;
  /** Base URL of predictions for clients, if one is configured. */
  readonly publicUrl: string | undefined;
  readonly now: () => number;
  /** Whether the node takes part in the work. */
  readonly ready: () => boolean;
}

/** Older measurements do not count. */
const FRESH_MS = 3000;
const ANSWER_MS = 120_000;

export class SupervisedGateway implements GatewayLink {
  /** The secret with which the gateway authenticates the control plane; of this process only. */
  readonly token = randomBytes(32).toString('base64url');
  readonly #dependencies: LinkDependencies;
  #lastReport: { readonly figures: GatewayFigures; readonly at: number } | undefined;
  #port: number | undefined;
  #behind: readonly string[] = [];
  /** Undefined: they have not been read yet, and the gateway keeps those of an earlier control process. */
  #credentials: Readonly<Record<string, string>> | undefined;
  readonly #ended = Promise.withResolvers<void>();
  #hasCaughtUp = false;

  constructor(dependencies: LinkDependencies) {
    this.#dependencies = dependencies;
  }

  get port(): number | undefined {
    return this.#port;
  }

  get secure(): boolean {
    return this.#dependencies.secure;
  }

  get publicUrl(): string | undefined {
    return this.#dependencies.publicUrl;
  }

  /** Where this machine reaches it. */
  get host(): string {
    return ['0.0.0.0', '::'].includes(this.#dependencies.host) ? '127.0.0.1' : this.#dependencies.host;
  }

  address() {
    const { port, host, token } = this;
    return port === undefined ? undefined : { host, port, token };
  }

  publish(): void {
    this.#dependencies.want();
    this.#post(true);
  }

  /** The control plane is reachable: the time limit without it restarts. */
  greet(): void {
    this.#post(false);
  }

  /** Models that other gateways serve and this one does not have ready. */
  get behind(): readonly string[] {
    return this.#behind;
  }

  setBehind(models: readonly string[]): void {
    const isChanged = models.length > 0 !== this.#behind.length > 0;
    this.#behind = models;
    if (isChanged) this.#post(false);
  }

  /** Whether it has, or had before a restart, the models that endpoints serve. */
  get hasCaughtUp(): boolean {
    return this.#hasCaughtUp;
  }

  setCaughtUp(): void {
    if (this.#hasCaughtUp) return;
    this.#hasCaughtUp = true;
    this.#post(false);
  }

  setCredentials(values: Readonly<Record<string, string>>): void {
    this.#credentials = values;
  }

  #post(published: boolean): void {
    this.#dependencies.post({
      published,
      ready: this.#dependencies.ready() && this.#hasCaughtUp && this.#behind.length === 0,
      ...(this.#credentials !== undefined && { credentials: this.#credentials }),
    });
  }

  figures(): GatewayFigures | undefined {
    if (this.#lastReport === undefined || this.#dependencies.now() - this.#lastReport.at > FRESH_MS) return undefined;
    return this.#lastReport.figures;
  }

  /** Handles a message from the gateway, passed by the supervisor. */
  hear(from: string, body: unknown): void {
    if (from === 'supervisor') {
      if ((body as { readonly hasEnded?: true }).hasEnded === true) {
        this.#ended.resolve();
        return;
      }
      this.#port = (body as { readonly port: number }).port;
      // It may have been started by an earlier control process: it learns what this one publishes.
      this.#post(true);
      return;
    }
    const read = gatewayFiguresSchema.safeParse((body as FromGateway).figures);
    if (!read.success) return;
    this.#lastReport = { figures: read.data, at: this.#dependencies.now() };
    this.#dependencies.recent.record(read.data, this.#lastReport.at);
  }

  /** Resolves when the supervisor has stopped the gateway, or after `ms`: its last captured predictions are in their files then. */
  async whenEnded(ms: number): Promise<void> {
    const timer = setTimeout(() => this.#ended.resolve(), ms);
    await this.#ended.promise;
    clearTimeout(timer);
  }

  async request(path: string, headers: Readonly<Record<string, string>>, body?: string): Promise<GatewayAnswer> {
    const { port, host, token } = this;
    if (port === undefined) throw new Error('the gateway is not listening yet');
    return await new Promise<GatewayAnswer>((resolve, reject) => {
      const sent = httpRequest(
        {
          host,
          port,
          path,
          method: body === undefined ? 'GET' : 'POST',
          // A new connection, because an earlier gateway can have left stale ones.
          agent: false,
          timeout: ANSWER_MS,
          headers: { ...headers, host: `127.0.0.1:${port}`, authorization: `Bearer ${token}` },
        },
        (answer) => {
          const variant = answer.headers['dais-variant']?.toString();
          buffer(answer).then(
            (bytes) => resolve({ status: answer.statusCode ?? 0, variant, body: bytes.toString('utf8') }),
            reject,
          );
        },
      );
      sent.once('timeout', () => sent.destroy(new Error(`no response within ${ANSWER_MS / 1000} s`)));
      sent.once('error', reject);
      sent.end(body);
    });
  }
}
