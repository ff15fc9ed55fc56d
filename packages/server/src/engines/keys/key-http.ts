/** JSON requests to a key service: authorized, retried with limits, with errors that name no secret. */
import { DaisError } from '@dais/api';
import { SignInError, type AccessTokens } from '#lib/cloud/access-token.ts';
import { clockSkewText } from '#lib/cloud/clock-skew.ts';
import type { Clock } from '#lib/clock.ts';
import { backoffMs } from '#lib/concurrency/backoff.ts';
import { chainOf } from '#lib/outbound/failure-text.ts';
import type { Outbound } from '#lib/outbound/outbound.ts';

export interface KeyHttpOptions {
  readonly outbound: Outbound;
  readonly clock: Clock;
  /** Total time limit of one attempt in milliseconds; a request has three. */
  readonly timeoutMs: number;
  readonly tokens: AccessTokens;
  /** The header that carries the token. */
  readonly authorize: (token: string) => Readonly<Record<string, string>>;
  /** The service in errors: `Vault at https://vault.internal`. */
  readonly service: string;
  /** Statuses after which a token is requested anew, once. */
  readonly expired: readonly number[];
}

export interface KeyAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
}

const ATTEMPTS = 3;
const RETRIED = new Set([429, 500, 502, 503, 504]);
const BACKOFF_MS = 100;
const MOST_WAIT_MS = 2000;

export class KeyHttp {
  readonly #options: KeyHttpOptions;

  constructor(options: KeyHttpOptions) {
    this.#options = options;
  }

  /** Returns the response of any status that is not temporary. @throws DaisError `keys_unavailable`. */
  async post(url: string, body: Readonly<Record<string, unknown>>): Promise<KeyAnswer> {
    return await this.#send({ url, method: 'POST', body: JSON.stringify(body) });
  }

  /** As `post`. */
  async get(url: string): Promise<KeyAnswer> {
    return await this.#send({ url, method: 'GET' });
  }

  /** The error of a response that is not a result. `reason` contains no text of the service. */
  refused(answer: KeyAnswer, doing: string, reason = ''): DaisError {
    const { service, clock } = this.#options;
    const skew = [401, 403].includes(answer.status) ? clockSkewText(answer.headers['date'], clock.now()) : undefined;
    const detail = `${service} rejected ${doing} with ${answer.status}${reason === '' ? '' : ` (${reason})`}`;
    return new DaisError('keys_unavailable', skew === undefined ? detail : `${detail}. ${skew}`);
  }

  async #send(request: { readonly url: string; readonly method: string; readonly body?: string }): Promise<KeyAnswer> {
    const { outbound, timeoutMs, tokens, authorize, expired, service } = this.#options;
    let renewed = false;
    for (let attempt = 1; ; attempt += 1) {
      const token = await this.#token();
      try {
        const answer = await outbound.send({
          ...request,
          headers: {
            ...authorize(token),
            accept: 'application/json',
            ...(request.body !== undefined && { 'content-type': 'application/json' }),
          },
          timeouts: { totalMs: timeoutMs, headersMs: timeoutMs, idleMs: timeoutMs },
          trusted: true,
        });
        if (expired.includes(answer.status) && !renewed && tokens.forget(token)) {
          renewed = true;
          continue;
        }
        const { status, headers } = answer;
        if (!RETRIED.has(status) || attempt === ATTEMPTS) return { status, headers, body: parseObject(answer.body) };
      } catch (error) {
        if (outbound.errorCodeOf(error) === undefined) throw error;
        if (attempt === ATTEMPTS) {
          const detail = `${service} did not respond: ${chainOf(error)[0]?.message ?? 'unknown'}`;
          throw new DaisError('keys_unavailable', detail, { cause: error });
        }
      }
      await this.#pause(backoffMs(attempt, BACKOFF_MS, MOST_WAIT_MS, Math.random));
    }
  }

  async #token(): Promise<string> {
    try {
      return await this.#options.tokens.get();
    } catch (error) {
      if (!(error instanceof SignInError)) throw error;
      const detail = `there are no credentials for ${this.#options.service}: ${error.message}`;
      throw new DaisError('keys_unavailable', detail, { cause: error });
    }
  }

  async #pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => this.#options.clock.after(ms, resolve));
  }
}

function parseObject(bytes: Buffer): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
