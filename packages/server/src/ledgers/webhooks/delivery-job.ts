/** Deliveries as jobs: durable, tried again with growing waits, given up after hours. */
import { DaisError, eventTypes } from '@dais/api';
import { JobFailed, type JobHandler, type JobIo } from '#kernel/job-runner.ts';
import type { JobClaim, NewJob } from '#kernel/jobs.ts';
import { bodyOf, recordAttempt, trimDeliveries, type NewDelivery } from './delivery-rows.ts';
import { send, type Sent } from './send.ts';
import type { WebhookParts } from './webhook-parts.ts';
import { findWebhook } from './webhook-rows.ts';
import { openSecret } from './webhook-secret.ts';

const QUEUE = 'webhook';
/** Waits double from a second to ten minutes: the last is tried about two and a half hours after the first. */
const ATTEMPTS = 24;

/** What the job keeps. Shown to administrators: body, address and secret are looked up when it runs. */
interface Payload {
  readonly webhook: string;
  readonly name: string;
  readonly event: string;
}

/** Of the same id as the delivery, which receivers know it by. */
export function newJob({ id, webhook, projectId, event }: NewDelivery, name: string): NewJob {
  const payload: Payload = { webhook, name, event };
  return { id, queue: QUEUE, projectId, payload: { ...payload }, maxAttempts: ATTEMPTS };
}

export function deliveryHandler(parts: WebhookParts): JobHandler {
  const { clock } = parts;
  return {
    queue: QUEUE,
    concurrency: 8,
    // One project's dead receiver, which holds each attempt for half a minute, leaves room for the others.
    perProject: 4,
    retry: { baseMs: 1000, capMs: 600_000 },
    run: async (job, io) => await deliver(job, io, parts),
    ended: async (tx, job, end) => {
      const { webhook, name, event } = job.payload as unknown as Payload;
      const { id, projectId, attempt: attempts } = job;
      const failure = end.state === 'done' ? undefined : end.error;
      const now = clock.now();
      // Last: another attempt records its answer before it fails.
      const status = end.state === 'done' ? (end.result as { status?: number } | undefined)?.status : undefined;
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

async function deliver(job: JobClaim, io: JobIo, parts: WebhookParts): Promise<{ readonly status?: number }> {
  const { webhook } = job.payload as unknown as Payload;
  const { id, projectId, attempt: attempts } = job;
  const { clock } = parts;
  const found = await io.read(async ({ sql }) => ({
    row: await findWebhook(sql, projectId, webhook),
    body: await bodyOf(sql, projectId, id),
  }));
  const { row, body } = found;
  if (row === undefined || body === undefined) throw new JobFailed('the webhook was deleted');
  if (row.status !== 'active') throw new JobFailed('the webhook was disabled');
  const format = parts.formats.find(({ name }) => name === row.format);
  if (format === undefined) throw new JobFailed(`this Dais does not know the format ${row.format}`);
  const now = clock.now();
  const sent = await openSecret(parts.sealer, row)
    .then(async (secret): Promise<Sent> => {
      const { outbound } = parts;
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

/** Somebody may bring the key back before the delivery is given up. */
function asFailure(error: unknown): Sent {
  if (!(error instanceof DaisError)) throw error;
  return { ok: false, retryable: true, detail: error.message };
}
