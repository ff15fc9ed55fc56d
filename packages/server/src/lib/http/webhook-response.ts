/** The outcome of a webhook request, from its response. Pure. */

export type Outcome =
  | { readonly ok: true }
  | {
      readonly ok: false;
      /** False: a retry cannot succeed until a user changes something. */
      readonly retryable: boolean;
      readonly detail: string;
      /** Milliseconds of the wait that the receiver requested. */
      readonly retryAfterMs?: number;
    };

/** Limit of the wait that a receiver can request, so that deliveries resume within an hour. */
const MAX_RETRY_AFTER_MS = 60 * 60_000;
/** RFC 9110 and RFC 6585: client errors that mean “not now” rather than “not so”. */
const LATER = new Set([408, 425, 429]);

/** @param now milliseconds since the Unix epoch */
export function evaluateResponse(status: number, retryAfter: string | undefined, now: number): Outcome {
  if (status >= 200 && status < 300) return { ok: true };
  if (status >= 300 && status < 400) {
    const detail = `the receiver responds with status ${status}: redirects are not followed; set the webhook to the new URL`;
    return { ok: false, retryable: false, detail };
  }
  const retryable = status >= 500 || LATER.has(status);
  const retryAfterMs = retryable ? parseRetryAfter(retryAfter, now) : undefined;
  return {
    ok: false,
    retryable,
    detail: `the receiver responds with status ${status}`,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  };
}

/** RFC 9110 §10.2.3: seconds or a date. At most an hour; undefined when there is none or it cannot be read. */
export function parseRetryAfter(text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined;
  const ms = /^\d+$/.test(text.trim()) ? Number(text) * 1000 : Date.parse(text) - now;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS);
}
