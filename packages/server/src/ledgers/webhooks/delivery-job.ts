/** Deliveries as durable jobs, which are retried with exponential backoff and fail after several hours. */
import { DaisError, eventTypes } from '@dais/api';
import { JobFailed, type JobHandler, type JobIo } from '#kernel/job-runner.ts';
import type { JobClaim, NewJob } from '#kernel/jobs.ts';
import { bodyOf, recordAttempt, trimDeliveries, type NewDelivery } from './delivery-rows.ts';
import { send, type SendResult } from './send.ts';
import type { WebhookDependencies } from './webhook-dependencies.ts';
import { findWebhook } from './webhook-rows.ts';
import { openSecret } from './webhook-secret.ts';

const QUEUE = 'webhook';
/** Delays double from a second to ten minutes: the last attempt is about two and a half hours after the first. */
const ATTEMPTS = 24;

/** Payload of the job. Administrators can see it, so body, URL and secret are read when the job runs. */
interface Payload {
  readonly webhook: string;
  readonly name: string;
  readonly event: string;
}

/** Returns the job of a delivery, with the id of the delivery, which receivers also get. */
export function newJob({ id, webhook, projectId, event }: NewDelivery, name: string): NewJob {
  const payload: Payload = { webhook, name, event };
  return { id, queue: QUEUE, projectId, payload: { ...payload }, maxAttempts: ATTEMPTS };
}

export function deliveryHandler(dependencies: WebhookDependencies): JobHandler {
  const { clock } = dependencies;
  return {
    queue: QUEUE,
    concurrency: 8,
    // Leaves capacity for other projects when an unresponsive receiver blocks each attempt for 30 s.
    perProject: 4,
    retry: { baseMs: 1000, capMs: 600_000 },
    run: async (job, io) => await deliver(job, io, dependencies),
    ended: async (tx, job, end) => {
      const { webhook, name, event } = job.payload as unknown as Payload;
      const { id, projectId, attempt: attempts } = job;
      const failure = end.state === 'succeeded' ? undefined : end.error;
      const now = clock.now();
      // For the last attempt: earlier attempts record their response before they fail.
      const status = end.state === 'succeeded' ? (end.result as { status?: number } | undefined)?.status : undefined;
      const state = failure === undefined ? ('delivered' as const) : ('failed' as const);
      await recordAttempt(tx.sql, { id, projectId, state, attempts, status, failure, now });
      await trimDeliveries(tx.sql, projectId, webhook, now);
      if (failure === undefined || (await findWebhook(tx.sql, projectId, webhook)) === undefined) return;
      const subject = { kind: 'Webhook', name, uid: webhook };
      const data = { webhook: name, deliveryId: id, event, attempts, reason: failure };
      tx.emit({ type: eventTypes.webhookFailed, projectId, subject, data });
    },
  };
}

async function deliver(
  job: JobClaim,
  io: JobIo,
  dependencies: WebhookDependencies,
): Promise<{ readonly status?: number }> {
  const { webhook } = job.payload as unknown as Payload;
  const { id, projectId, attempt: attempts } = job;
  const { clock } = dependencies;
  const found = await io.read(async ({ sql }) => ({
    row: await findWebhook(sql, projectId, webhook),
    body: await bodyOf(sql, projectId, id),
  }));
  const { row, body } = found;
  if (row === undefined || body === undefined) throw new JobFailed('the webhook was deleted');
  if (row.status !== 'active') throw new JobFailed('the webhook was disabled');
  const format = dependencies.formats.find(({ name }) => name === row.format);
  if (format === undefined) throw new JobFailed(`the webhook format ${row.format} is not supported by this server`);
  const now = clock.now();
  const sent = await openSecret(dependencies.sealer, row)
    .then(async (secret): Promise<SendResult> => {
      const { outbound } = dependencies;
      return await send({ url: row.url, format, body, secret, deliveryId: id, now, outbound, signal: io.signal });
    })
    .catch(asFailure);
  if (sent.ok) return { ...(sent.status !== undefined && { status: sent.status }) };
  const { detail, status } = sent;
  await io.write(async ({ sql }) => {
    await recordAttempt(sql, { id, projectId, state: 'pending', attempts, status, failure: detail, now });
  });
  if (!sent.retryable) throw new JobFailed(detail);
  if (sent.retryAfterMs !== undefined) throw new JobFailed(detail, sent.retryAfterMs);
  throw new Error(detail);
}

/** A missing key is a temporary error, because it may be restored before the last attempt. */
function asFailure(error: unknown): SendResult {
  if (!(error instanceof DaisError)) throw error;
  return { ok: false, retryable: true, detail: error.message };
}
