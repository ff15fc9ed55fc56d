/** Sends one alert once. Which attempt it is and when the next one comes is the caller's business. */
import { DaisError } from '@dais/api';
import type { Outbound } from '#lib/outbound/outbound.ts';
import { signatureHeaders } from '#lib/standard-webhook.ts';
import { judgeAnswer, type Outcome } from '#lib/webhook-answer.ts';
import { sendMail, type MailRoute } from './alert-mail.ts';
import { slackBody, webhookBody, type Alert } from './alert-message.ts';

/** A channel's spec with the values of its secrets filled in. Lives in memory only. */
export type Route =
  | { readonly type: 'webhook'; readonly url: string; readonly signingKey?: string }
  | { readonly type: 'slack'; readonly url: string }
  | MailRoute;

/** `detail` is for people and holds no secret: no path of a URL, no header, no answer's body. */
export type Sent = Outcome;

export interface Sending {
  readonly route: Route;
  readonly alert: Alert;
  /** Stays the same over all attempts. */
  readonly deliveryId: string;
  /** Milliseconds since the Unix epoch. */
  readonly now: number;
  readonly outbound: Outbound;
  readonly signal: AbortSignal;
}

/** What the answer says beyond its status is not read. */
const MAX_ANSWER_BYTES = 64 * 1024;

/** Throws only the reason of `signal`. */
export async function sendAlert(sending: Sending): Promise<Sent> {
  const { route, alert, deliveryId, outbound, signal, now } = sending;
  try {
    if (route.type === 'smtp') return await sendMail(route, alert, deliveryId, outbound, signal);
    const body = route.type === 'slack' ? slackBody(alert) : webhookBody(alert);
    const key = route.type === 'webhook' ? route.signingKey : undefined;
    const answer = await outbound.stream({
      url: route.url,
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(route.type === 'webhook' && signatureHeaders(key, deliveryId, Math.floor(now / 1000), body)),
      },
      body,
      maxBytes: MAX_ANSWER_BYTES,
      signal,
    });
    // The status is the answer; what follows is not waited for.
    answer.body.on('error', () => {}).destroy();
    return judgeAnswer(answer.status, answer.headers['retry-after'], now);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (!(error instanceof DaisError)) throw error;
    return { ok: false, retryable: error.retryable, detail: error.message };
  }
}
