/** Sends one alert once. The caller counts attempts and schedules retries. */
import { DaisError } from '@dais/api';
import type { Outbound } from '#lib/outbound/outbound.ts';
import { signatureHeaders } from '#lib/http/standard-webhook.ts';
import { evaluateResponse, type Outcome } from '#lib/http/webhook-response.ts';
import { sendMail, type MailRoute } from './alert-mail.ts';
import { slackBody, webhookBody, type Alert } from './alert-message.ts';
import { alertmanagerBody, pagerdutyBody } from './on-call-message.ts';

/** A channel's spec with the values of its secrets filled in. Lives in memory only. */
export type Route =
  | { readonly type: 'webhook'; readonly url: string; readonly signingKey?: string }
  | { readonly type: 'slack'; readonly url: string }
  | { readonly type: 'pagerduty'; readonly url: string; readonly routingKey: string }
  | { readonly type: 'alertmanager'; readonly url: string; readonly token?: string }
  | MailRoute;

/** `detail` is shown to users and contains no secret: no URL path, no header, no response body. */
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

/** Only the status of the response is used. */
const MAX_ANSWER_BYTES = 64 * 1024;

/** Throws only the reason of `signal`. */
export async function sendAlert(sending: Sending): Promise<Sent> {
  const { route, alert, deliveryId, outbound, signal, now } = sending;
  try {
    if (route.type === 'smtp') return await sendMail(route, alert, deliveryId, outbound, signal);
    const { url, body, headers } = requestOf(route, alert, deliveryId, now);
    const answer = await outbound.stream({
      url,
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
      maxBytes: MAX_ANSWER_BYTES,
      signal,
    });
    // The status is the answer; what follows is not waited for.
    answer.body.on('error', () => {}).destroy();
    return evaluateResponse(answer.status, answer.headers['retry-after'], now);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (!(error instanceof DaisError)) throw error;
    return { ok: false, retryable: error.retryable, detail: error.message };
  }
}

interface HttpRequest {
  readonly url: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

function requestOf(route: Exclude<Route, MailRoute>, alert: Alert, deliveryId: string, now: number): HttpRequest {
  const { url } = route;
  switch (route.type) {
    case 'webhook': {
      const body = webhookBody(alert);
      return { url, body, headers: signatureHeaders(route.signingKey, deliveryId, Math.floor(now / 1000), body) };
    }
    case 'slack':
      return { url, body: slackBody(alert) };
    case 'pagerduty':
      return { url, body: pagerdutyBody(alert, { routingKey: route.routingKey, key: alert.key ?? deliveryId }) };
    default:
      return {
        url: `${url.replace(/\/+$/, '')}/api/v2/alerts`,
        body: alertmanagerBody(alert, alert.key ?? deliveryId),
        ...(route.token !== undefined && { headers: { authorization: `Bearer ${route.token}` } }),
      };
  }
}
