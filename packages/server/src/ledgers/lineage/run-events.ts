/** Sends an event for each tracked run, with its inputs and outputs, to another system, by jobs with retries. */
import type { SequencedEvent } from '#kernel/events.ts';
import { JobFailed, type JobHandler } from '#kernel/job-runner.ts';
import { jobCounts, type JobClaim } from '#kernel/jobs.ts';
import type { Subscriber } from '#kernel/subscriptions.ts';
import { tenantNames } from '#kernel/tenants.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';
import type { Outbound } from '#lib/outbound/outbound.ts';
import { evaluateResponse } from '#lib/http/webhook-response.ts';
import { linksOf, type LinkedNode } from './links.ts';
import { keyOf } from './node-key.ts';
import type { NodeSource } from './node-source.ts';

export type RunEventState = 'started' | 'finished' | 'failed' | 'killed';

export interface RunEvent {
  readonly state: RunEventState;
  /** RFC 3339, UTC. */
  readonly at: string;
  readonly projectId: string;
  readonly project: string;
  readonly run: string;
  readonly name: string;
  readonly experiment: string;
  readonly upstream: readonly LinkedNode[];
  readonly downstream: readonly LinkedNode[];
}

export interface RunEventOptions {
  /** URL for events, from the configuration. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Renders the payload in the format of the other system. Its protocol adapter provides this. */
  readonly render: (run: RunEvent) => object;
  readonly outbound: Outbound;
  readonly clock: Clock;
  readonly log: Log;
  /** Node types of other ledgers. */
  readonly sources: readonly NodeSource[];
}

const QUEUE = 'lineage-events';
/** Delays double from a second to ten minutes: the last attempt is about two and a half hours after the first. */
const ATTEMPTS = 24;
/** Limit of waiting events. Further events are dropped while the other system is unavailable. */
const MOST_WAITING = 10_000;
/** Limit of neighbors in each direction. */
const MOST_LINKS = 1000;

interface Payload {
  readonly run: string;
  readonly state: RunEventState;
  readonly at: string;
}

export function runEventOutbox({ log }: RunEventOptions): Subscriber {
  return {
    name: QUEUE,
    types: ['run.created', 'run.finished', 'run.failed'],
    handle: async (tx, events) => {
      const runEvents = events.flatMap((event) => {
        const payload = payloadOf(event);
        return payload === undefined ? [] : [{ projectId: event.projectId, payload }];
      });
      if (runEvents.length === 0) return;
      await tx.enter('all');
      const counts = await jobCounts(tx.sql);
      const waiting = counts.reduce((sum, { queue, n }) => (queue === QUEUE ? sum + n : sum), 0);
      const room = Math.max(0, MOST_WAITING - waiting);
      if (runEvents.length > room) {
        log.warn('run events were dropped: too many are waiting for the lineage receiver', {
          dropped: runEvents.length - room,
          waiting,
        });
      }
      for (const { projectId, payload } of runEvents.slice(0, room)) {
        tx.enqueue({ queue: QUEUE, projectId, payload: { ...payload }, maxAttempts: ATTEMPTS });
      }
    },
  };
}

function payloadOf({ type, data, at, subject }: SequencedEvent): Payload | undefined {
  const state = stateOf(type, data['status']);
  return state === undefined || subject === undefined ? undefined : { run: subject.name, state, at: at.toISOString() };
}

function stateOf(type: string, status: unknown): RunEventState | undefined {
  if (type === 'run.created') return 'started';
  if (type === 'run.finished') return 'finished';
  if (type === 'run.failed') return status === 'KILLED' ? 'killed' : 'failed';
  return undefined;
}

export function runEventHandler(options: RunEventOptions): JobHandler {
  const { url, headers, outbound, clock } = options;
  return {
    queue: QUEUE,
    concurrency: 4,
    perProject: 4,
    retry: { baseMs: 1000, capMs: 600_000 },
    run: async (job, io) => {
      const event = await io.read(async (tx) => await eventOf(tx, job, options));
      if (event === undefined) throw new JobFailed('the run was deleted');
      const answer = await outbound.send({
        url,
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(event),
        trusted: true,
        signal: io.signal,
      });
      const outcome = evaluateResponse(answer.status, answer.headers['retry-after'], clock.now());
      if (outcome.ok) return;
      if (!outcome.retryable) throw new JobFailed(outcome.detail);
      if (outcome.retryAfterMs !== undefined) throw new JobFailed(outcome.detail, outcome.retryAfterMs);
      throw new Error(outcome.detail);
    },
  };
}

async function eventOf(tx: Transaction, job: JobClaim, options: RunEventOptions): Promise<object | undefined> {
  const { run, state, at } = job.payload as unknown as Payload;
  const { render, sources } = options;
  const known = await sources.find(({ type }) => type === 'run')?.describe(tx, [run]);
  const node = known?.get(run);
  if (node === undefined) return undefined;
  const { projectId } = job;
  const project = (await tenantNames(tx.sql, [projectId])).get(projectId) ?? '';
  const links = await linksOf(tx, keyOf('run', run), sources, MOST_LINKS);
  const { name, data } = node;
  const experiment = data['experiment'] ?? '0';
  return render({ state, at, projectId, project, run, name, experiment, ...links });
}
