/** Sends one message once. The caller handles attempts and retries. */
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
  /** The same in all attempts. */
  readonly deliveryId: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly outbound: Outbound;
  readonly signal: AbortSignal;
}

/** Half of the default timeouts, because a slow receiver delays the other deliveries of its project. */
const TIMEOUTS = { headersMs: 30_000, idleMs: 10_000, totalMs: 30_000 };
/** Longest time that a transaction waits for name resolution. */
const LOOKUP_MS = 2000;
/** Limit of a response body, which the webhook test shows. */
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

export type SendResult = Outcome & { readonly status?: number };

/** Sends the message. Throws only the reason of `signal`. `detail` contains no secrets: no URL path, header or body. */
export async function send(sending: Sending): Promise<SendResult> {
  try {
    const answer = await sending.outbound.stream(requestOf(sending));
    // The status is the result; the body is not read.
    answer.body.on('error', () => {}).destroy();
    const { status } = answer;
    return { ...evaluateResponse(status, answer.headers['retry-after'], sending.now), status };
  } catch (error) {
    return refusedSend(error, sending.signal);
  }
}

/** Sends the message and returns the response. */
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
 * Checks that a webhook may send to a URL. A name that cannot be resolved now may be resolved later.
 * @throws DaisError `invalid_request` for an invalid URL or one without https, `address_refused`.
 */
export async function checkWebhookUrl(url: string, outbound: Outbound, inside: readonly HostPattern[]): Promise<void> {
  const problem = urlError(url, inside);
  if (problem !== undefined) {
    const issues = [{ path: 'url', message: problem, expected: 'https://…' }];
    throw new DaisError('invalid_request', `The URL of the webhook ${problem}.`, { issues });
  }
  try {
    const name = outbound.check(url);
    // A later refusal can be ignored, because every call is checked again.
    name.catch(() => {});
    await Promise.race([name, delay(LOOKUP_MS, undefined, { ref: false })]);
  } catch (error) {
    if (!(error instanceof DaisError) || !error.retryable) throw error;
  }
}

function urlError(text: string, inside: readonly HostPattern[]): string | undefined {
  if (!URL.canParse(text)) return 'is not valid';
  const url = new URL(text);
  if (url.protocol === 'https:') return undefined;
  if (url.protocol !== 'http:') return `has the scheme ${url.protocol.slice(0, 20)} instead of https:`;
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = Number(url.port === '' ? 80 : url.port);
  const named = inside.some(
    (pattern) => matchesAddress(pattern, host, port) || matchesName(pattern, host, port, false),
  );
  return named ? undefined : 'must use https';
}
