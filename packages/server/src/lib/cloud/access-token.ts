/** Short-lived access tokens of clouds: obtained on first use, shared by concurrent calls, renewed before they expire. */

export interface AccessToken {
  readonly token: string;
  /** Milliseconds since the Unix epoch. */
  readonly expiresAt: number;
}

/** A sign-in that failed. The message says what to change and contains no secret; a caller shows it to an operator. */
export class SignInError extends Error {}

/** A token is renewed this long before it expires; until then a failed renewal is no error. */
const RENEW_MS = 5 * 60_000;
/** A token that is valid for less time is not used: a request can take as long. */
const LEAST_MS = 30_000;

export class AccessTokens {
  readonly #fetch: () => Promise<AccessToken>;
  readonly #now: () => number;
  #held: AccessToken | undefined;
  #fetching: Promise<AccessToken> | undefined;

  constructor(fetch: () => Promise<AccessToken>, now: () => number) {
    this.#fetch = fetch;
    this.#now = now;
  }

  /** @throws SignInError */
  async get(): Promise<string> {
    const held = this.#held;
    const left = held === undefined ? 0 : held.expiresAt - this.#now();
    if (held !== undefined && left > RENEW_MS) return held.token;
    try {
      this.#fetching ??= this.#fetch();
      this.#held = await this.#fetching;
      return this.#held.token;
    } catch (error) {
      if (held !== undefined && held === this.#held && left > LEAST_MS) return held.token;
      throw error;
    } finally {
      this.#fetching = undefined;
    }
  }

  /** Discards a token that a service rejected. Returns whether the next one is new. */
  forget(token: string): boolean {
    const isFixed = this.#held?.token === token && this.#held.expiresAt === Number.POSITIVE_INFINITY;
    if (this.#held?.token === token) this.#held = undefined;
    return !isFixed;
  }
}
