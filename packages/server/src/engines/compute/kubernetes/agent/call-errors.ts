/** How calls to Dais fail. */

/** Another pod runs the command, or nobody wants its result any more. */
export class GoneError extends Error {}

/** Dais has not responded for longer than the limit. */
export class SilenceError extends Error {}

/** Dais rejects the call, and would reject it again. */
export class RejectedCall extends Error {
  readonly status: number;
  readonly reply: unknown;

  constructor(what: string, status: number, reply: unknown) {
    // The second is of a problem document: of the HTTP server, not of the engine.
    const { reason, detail = reason } = reply as { readonly reason?: unknown; readonly detail?: unknown };
    super(`Dais rejected ${what} with status ${status}${typeof detail === 'string' ? `: ${detail}` : ''}`);
    this.status = status;
    this.reply = reply;
  }
}

interface FailureDetails {
  readonly retryAfterMs?: number;
  /** The token that Dais does not accept. */
  readonly token?: string;
  readonly cause?: unknown;
}

/** A call without a usable response, which is repeated. */
export class FailedCall extends Error {
  readonly retryAfterMs: number;
  readonly token: string | undefined;

  constructor(message: string, { retryAfterMs = 0, token, cause }: FailureDetails = {}) {
    super(message, { cause });
    this.retryAfterMs = retryAfterMs;
    this.token = token;
  }
}
