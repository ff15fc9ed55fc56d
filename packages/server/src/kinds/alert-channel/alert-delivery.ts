/** Delivers alerts as jobs: durable, retried with growing delays up to the attempts of the channel. */
import { DaisError, eventTypes, refusedByState } from '@dais/api';
import { JobFailed, type JobHandler, type JobIo } from '#kernel/job-runner.ts';
import type { JobClaim } from '#kernel/jobs.ts';
import { wakeResources } from '#kernel/reconcile-queue.ts';
import { readByUid, readResource, type ResourceRow } from '#kernel/store.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { signatureHeaders } from '#lib/http/standard-webhook.ts';
import { evaluateResponse, type Outcome } from '#lib/http/webhook-response.ts';
import { uuidv7 } from '#lib/ids.ts';
import type { Outbound } from '#lib/outbound/outbound.ts';
import type { ChannelTools } from './alert-controller.ts';
import { insertDelivery, isResolvedLater, recordAttempt, trimDeliveries } from './alert-deliveries.ts';
import { sendMail, type MailRoute } from './alert-mail.ts';
import { slackBody, webhookBody, type Alert } from './alert-message.ts';
import { findRoute, isProblem, openRoute, readSpec, type Route, type RouteProblem } from './alert-route.ts';
import { alertmanagerBody, pagerdutyBody } from './on-call-message.ts';

const KIND = 'AlertChannel';
const QUEUE = 'alert';

/** The payload of the job. Administrators can see it, so URL and secrets are read when it runs. */
interface Payload {
  readonly channelUid: string;
  readonly channel: string;
  readonly alert: Alert;
}

/**
 * Queues one alert for a channel of the transaction's project and returns the id of the delivery. It is delivered only
 * if the transaction commits. @throws DaisError `not_found`, `being_deleted`.
 */
export async function enqueueAlert(tx: Transaction, channel: string, alert: Alert): Promise<string> {
  const { projectId } = tx;
  const row = await readResource(tx.sql, projectId, KIND, channel);
  if (row === undefined) throw new DaisError('not_found', `There is no ${KIND} "${channel}".`);
  const refused = refusedByState('test', { kind: KIND, name: channel, deleting: row.deletion_at !== null });
  if (refused !== undefined) throw refused;
  const id = uuidv7();
  const payload: Payload = { channelUid: row.uid, channel: row.name, alert };
  await insertDelivery(tx.sql, row, { id, key: alert.key, resolves: alert.state === 'resolved' });
  await wakeResources(tx.sql, [row.uid]);
  tx.enqueue({ id, queue: QUEUE, projectId, payload: { ...payload }, maxAttempts: readSpec(row.spec).attempts });
  return id;
}

export function deliveryHandler(tools: ChannelTools, now: () => number): JobHandler {
  return {
    queue: QUEUE,
    concurrency: 8,
    // A hanging receiver of one project, with up to a minute per attempt, leaves capacity for others.
    perProject: 4,
    retry: { baseMs: 1000, capMs: 600_000 },
    run: async (job, io) => await deliver(job, io, tools, now),
    ended: async (tx, job, end) => {
      const { channelUid, channel } = job.payload as unknown as Payload;
      const failure = end.state === 'succeeded' ? undefined : end.error;
      const row = await findChannel(tx, channelUid);
      await recordAttempt(tx.sql, {
        id: job.id,
        projectId: job.projectId,
        state: failure === undefined ? 'delivered' : 'failed',
        attempts: job.attempt,
        failure,
        generation: failure === undefined && row !== undefined ? Number(row.generation) : undefined,
      });
      await trimDeliveries(tx.sql, job.projectId, channelUid);
      await wakeResources(tx.sql, [channelUid]);
      const base = { projectId: job.projectId, subject: { kind: KIND, name: channel, uid: channelUid } };
      const data = { deliveryId: job.id, attempts: job.attempt };
      if (failure === undefined) tx.emit({ ...base, type: eventTypes.alertDelivered, data });
      else tx.emit({ ...base, type: eventTypes.alertFailed, data: { ...data, reason: failure } });
    },
  };
}

async function deliver(job: JobClaim, io: JobIo, tools: ChannelTools, now: () => number): Promise<void> {
  const { channelUid, alert } = job.payload as unknown as Payload;
  const found = await io.read(async (tx) => {
    const row = await findChannel(tx, channelUid);
    if (row === undefined) return undefined;
    const overtaken =
      alert.key !== undefined &&
      alert.state !== 'resolved' &&
      (await isResolvedLater(tx.sql, row.project_id, { channelUid, id: job.id, key: alert.key }));
    return {
      overtaken,
      generation: Number(row.generation),
      sealed: await findRoute(tx, row.project_id, row.spec),
    };
  });
  if (found === undefined) throw new JobFailed('the channel was deleted');
  const { generation, sealed, overtaken } = found;
  // PagerDuty would reopen a resolved alert, and nothing would close it.
  if (overtaken) throw new JobFailed('the alert was resolved before the delivery');
  const route = isProblem(sealed) ? sealed : await openRoute(sealed, tools.keys).catch(asProblem);
  const sent = isProblem(route)
    ? // The secret or its key can be restored before the last attempt.
      { ok: false as const, retryable: true, detail: route.message }
    : await sendAlert({
        route,
        alert,
        deliveryId: job.id,
        now: now(),
        outbound: tools.outbound,
        signal: io.signal,
      });
  if (sent.ok) return;
  await io.write(async (tx) => {
    const attempt = { id: job.id, projectId: job.projectId, attempts: job.attempt, generation };
    await recordAttempt(tx.sql, { ...attempt, state: 'pending', failure: sent.detail });
    await wakeResources(tx.sql, [channelUid]);
  });
  if (!sent.retryable) throw new JobFailed(sent.detail);
  if (sent.retryAfterMs !== undefined) throw new JobFailed(sent.detail, sent.retryAfterMs);
  throw new Error(sent.detail);
}

/** An unavailable key store is a failed attempt like any other: it is counted and reported. */
function asProblem(error: unknown): RouteProblem {
  if (error instanceof DaisError && error.retryable) return { reason: 'KeyMissing', message: error.message };
  throw error;
}

async function findChannel(tx: Transaction, uid: string): Promise<ResourceRow | undefined> {
  const [row] = await readByUid(tx.sql, [uid]);
  return row;
}

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

/** Sends one alert once. The `detail` of the outcome contains no secret: no URL path, no header, no response body. Throws only the reason of `signal`. */
export async function sendAlert(sending: Sending): Promise<Outcome> {
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
