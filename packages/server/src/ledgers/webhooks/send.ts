/** Sends one message once. Which attempt it is and when the next one comes is the caller's business. */
import { setTimeout as delay } from 'node:timers/promises';
import { DaisError } from '@dais/api';
import { matchesAddress, matchesName, type HostPattern } from '#lib/outbound/host-pattern.ts';
import type { Outbound } from '#lib/outbound/outbound.ts';
import { evaluateResponse, type Outcome } from '#lib/http/webhook-response.ts';
import type { WebhookFormat } from './webhook-format.ts';

export interface Sending {
  readonly url: string;
  readonly format: WebhookFormat;
  readonly body: string;
  readonly secret: string | undefined;
  /** Stays the same over all attempts. */
  readonly deliveryId: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly outbound: Outbound;
  readonly signal: AbortSignal;
}

/** Half of what the outbound client would wait: a receiver that is slow holds up the others of its project. */
const TIMEOUTS = { headersMs: 30_000, idleMs: 10_000, totalMs: 30_000 };
/** A transaction waits for no resolver longer than this. */
const LOOK_UP_MS = 2000;
/** Of an answer; shown by a test. */
const MAX_ANSWER_BYTES = 64 * 1024;

function requestOf({ url, format, body, secret, deliveryId, now, signal }: Sending) {
  const headers = format.headers({ deliveryId, seconds: Math.floor(now / 1000), body, secret });
  return {
    url,
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
    timeouts: TIMEOUTS,
    maxBytes: MAX_ANSWER_BYTES,
    signal,
  };
}

export type Sent = Outcome & { readonly status?: number };

/** Throws only the reason of `signal`. `detail` holds no secret: no path of the address, no header, no answer's body. */
export async function send(sending: Sending): Promise<Sent> {
  try {
    const answer = await sending.outbound.stream(requestOf(sending));
    // The status is the answer; what follows is not waited for.
    answer.body.on('error', () => {}).destroy();
    const { status } = answer;
    return { ...evaluateResponse(status, answer.headers['retry-after'], sending.now), status };
  } catch (error) {
    return refusedSend(error, sending.signal);
  }
}

/** The same, and gives what was answered. */
export async function sendAndRead(
  sending: Sending,
): Promise<{ readonly status: number; readonly body: string } | { readonly error: string }> {
  try {
    const { status, body } = await sending.outbound.send(requestOf(sending));
    return { status, body: body.toString('utf8').replaceAll('\0', '') };
  } catch (error) {
    return { error: refusedSend(error, sending.signal).detail };
  }
}

function refusedSend(error: unknown, signal: AbortSignal) {
  if (signal.aborted) throw signal.reason;
  if (!(error instanceof DaisError)) throw error;
  return { ok: false as const, retryable: error.retryable, detail: error.message };
}

/**
 * Whether something may be sent there at all. A name that cannot be resolved now may be known later.
 * @throws DaisError `invalid_request` for what is no address or not https, `address_refused`.
 */
export async function checkAddress(url: string, outbound: Outbound, inside: readonly HostPattern[]): Promise<void> {
  const fault = addressFault(url, inside);
  if (fault !== undefined) {
    const issues = [{ path: 'url', message: fault, expected: 'https://…' }];
    throw new DaisError('invalid_request', `The address of the webhook ${fault}.`, { issues });
  }
  try {
    const name = outbound.check(url);
    // A refusal that comes later is no loss: every call is guarded anew.
    name.catch(() => {});
    await Promise.race([name, delay(LOOK_UP_MS, undefined, { ref: false })]);
  } catch (error) {
    if (!(error instanceof DaisError) || !error.retryable) throw error;
  }
}

function addressFault(text: string, inside: readonly HostPattern[]): string | undefined {
  if (!URL.canParse(text)) return 'is no URL';
  const url = new URL(text);
  if (url.protocol === 'https:') return undefined;
  if (url.protocol !== 'http:') return `begins with ${url.protocol.slice(0, 20)}`;
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = Number(url.port === '' ? 80 : url.port);
  const named = inside.some(
    (pattern) => matchesAddress(pattern, host, port) || matchesName(pattern, host, port, false),
  );
  return named ? undefined : 'is not https';
}
