/** Decides how a reflector continues after a failure. Pure, except for the given randomness. */
import { backoffMs } from '#lib/concurrency/backoff.ts';
import { ApiError } from './api-error.ts';

const BASE_MS = 200;
const CAP_MS = 30_000;
/** A server that asks for more is called earlier: a status page must not show an old state for an hour. */
const MAX_RETRY_AFTER_MS = 300_000;
/** A watch that was open for this long was not part of a series of failures. */
const STABLE_MS = 5_000;
/** A resourceVersion that fails this often is given up: an API server restored from a backup does not have it. */
const MAX_API_ERRORS = 3;

export interface Retry {
  readonly delayMs: number;
  /** The collection must be listed again. */
  readonly relists: boolean;
}

export class WatchBackoff {
  readonly #random: () => number;
  #failures = 0;
  #apiErrors = 0;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** An event or a bookmark arrived. */
  succeed(): void {
    this.#failures = 0;
    this.#apiErrors = 0;
  }

  /** `openMs`: time for which the watch was open. */
  fail(error: unknown, openMs: number): Retry {
    if (openMs >= STABLE_MS) this.succeed();
    this.#failures += 1;
    const isExpired = error instanceof ApiError && error.status === 410;
    if (error instanceof ApiError) this.#apiErrors += 1;
    const relists = isExpired || this.#apiErrors >= MAX_API_ERRORS;
    if (relists) this.#apiErrors = 0;
    // An expired resourceVersion is normal after a pause. If it repeats, listing without a pause would load the server.
    if (isExpired && this.#failures === 1) return { delayMs: 0, relists };
    const retryAfterMs = error instanceof ApiError ? Math.min(error.retryAfterMs ?? 0, MAX_RETRY_AFTER_MS) : 0;
    return { delayMs: Math.max(backoffMs(this.#failures, BASE_MS, CAP_MS, this.#random), retryAfterMs), relists };
  }
}
