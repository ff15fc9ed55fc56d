import type { Database, Sql } from '#engines/database/contract.ts';
import { backoffMs } from '#lib/concurrency/backoff.ts';
import {
  claimJobs,
  dueQueues,
  endJob,
  heartbeatJob,
  holdJob,
  JOB_CHANNEL,
  timedRuns,
  type JobClaim,
  type JobEnd,
  type TimedQueue,
} from '#kernel/jobs.ts';
import { LeaseLost } from '#kernel/leases.ts';
import { ClaimedWork } from '#lib/concurrency/claimed-work.ts';
import { Loop, type LoopDependencies } from '#lib/concurrency/loop.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';

/** Does the jobs of one queue. */
export interface JobHandler extends TimedQueue {
  /** Maximum concurrent jobs in this process. */
  readonly concurrency: number;
  /** Maximum concurrent jobs of one project over all processes. */
  readonly perProject: number;
  /** Waits between attempts grow from `baseMs` to `capMs`. */
  readonly retry: { readonly baseMs: number; readonly capMs: number };
  /** @throws JobFailed to end it without another attempt; any other error is tried again. */
  run(job: JobClaim, io: JobIo): Promise<unknown>;
  /** Runs in the transaction that ends the job permanently, so that the end and its effects commit together. */
  ended?(tx: Transaction, job: JobClaim, end: Exclude<JobEnd, { state: 'pending' }>): Promise<void>;
}

export interface JobIo {
  /** Aborts when the lease is lost, the job is canceled or the process stops. */
  readonly signal: AbortSignal;
  /** Shown with the job; sent with the next heartbeat. */
  progress(value: Readonly<Record<string, unknown>>): void;
  read<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  /** Guarded by the claim. @throws LeaseLost */
  write<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
}

/** Ends a job as failed; with `retryAfterMs` it requests another attempt at a time of the handler's choice. */
export class JobFailed extends Error {
  readonly retryAfterMs: number | undefined;
  constructor(message: string, retryAfterMs?: number) {
    super(message);
    this.name = 'JobFailed';
    this.retryAfterMs = retryAfterMs;
  }
}

const LEASE_MS = 30_000;

/** The reason why a running job must stop, other than `LeaseLost`. */
class JobCanceled extends Error {}
class ProcessStops extends Error {}

export interface JobRunnerDependencies extends LoopDependencies {
  readonly database: Database;
  readonly holder: string;
  readonly random: () => number;
  /** Default 30 s. */
  readonly leaseMs?: number;
}

/** Runs the jobs of all queues that this process serves. */
export class JobRunner {
  readonly #options: JobRunnerDependencies;
  readonly #leaseMs: number;
  readonly #handlers: ReadonlyMap<string, JobHandler>;
  readonly #loop: Loop;
  readonly #running = new ClaimedWork(() => this.#loop.wake());

  constructor(options: JobRunnerDependencies, handlers: readonly JobHandler[]) {
    this.#options = options;
    this.#leaseMs = options.leaseMs ?? LEASE_MS;
    this.#handlers = new Map(handlers.map((handler) => [handler.queue, handler]));
    this.#loop = new Loop('jobs', { ...options, pollMs: 10_000 }, () => this.#turn());
    const running = () => this.#running.size;
    options.gate?.register({ unit: 'jobs', running, interrupt: () => this.#interrupt('the node is draining') });
  }

  async start(): Promise<void> {
    const isDue = async (sql: Sql) => (await this.#due(sql)).length > 0;
    await this.#loop.start((ring) => this.#options.database.poll(JOB_CHANNEL, isDue, ring));
  }

  /** Claims no more jobs, requests the running ones to stop and waits for them. They wait for the next process. */
  async stop(): Promise<void> {
    await this.#loop.stop();
    this.#interrupt('the process is stopping');
    await this.#running.idle();
  }

  #interrupt(reason: string): void {
    this.#running.abort(new ProcessStops(reason));
  }

  async #turn(): Promise<boolean> {
    const due = await transact(this.#options.database, { mode: 'read', projectId: 'all' }, ({ sql }) => this.#due(sql));
    for (const queue of due) await this.#claim(this.#handlers.get(queue)!);
    return false;
  }

  async #due(sql: Sql): Promise<readonly string[]> {
    return await dueQueues(sql, [...this.#handlers.keys()]);
  }

  async #claim(handler: JobHandler): Promise<void> {
    const free = handler.concurrency - this.#running.sizeOf(handler.queue);
    if (free <= 0) return;
    const { database, holder } = this.#options;
    const claims = await transact(database, { mode: 'write', projectId: 'all' }, (tx) =>
      claimJobs(tx.sql, handler.queue, holder, { leaseMs: this.#leaseMs, limit: free, perProject: handler.perProject }),
    );
    for (const claim of claims) {
      this.#running.start(claim.id, claim.queue, new LeaseLost(claim.id), (stop) => this.#run(handler, claim, stop));
    }
  }

  async #run(handler: JobHandler, claim: JobClaim, stop: AbortController): Promise<void> {
    let progress: Readonly<Record<string, unknown>> | undefined;
    const beat = setInterval(() => {
      void (async () => {
        const state = await this.#heartbeat(claim, progress);
        if (state === 'lost') stop.abort(new LeaseLost(claim.id));
        if (state === 'canceled') stop.abort(new JobCanceled('canceled'));
      })();
    }, this.#leaseMs / 3);
    beat.unref();
    const { database } = this.#options;
    const io: JobIo = {
      signal: stop.signal,
      progress: (value) => {
        progress = value;
      },
      read: (work) => transact(database, { mode: 'read', projectId: claim.projectId }, work),
      write: (work) =>
        transact(database, { mode: 'write', projectId: claim.projectId }, async (tx) => {
          if (!(await holdJob(tx.sql, claim))) throw new LeaseLost(claim.id);
          return await work(tx);
        }),
    };
    let end: JobEnd | undefined;
    try {
      // More attempts than allowed are only possible when workers died with it: it is not tried for ever.
      if (claim.attempt > claim.maxAttempts) throw new JobFailed('every attempt ended without a result');
      if (claim.cancelRequested) stop.abort(new JobCanceled('canceled'));
      stop.signal.throwIfAborted();
      const result = await handler.run(claim, io);
      end = { state: 'succeeded', ...(result !== undefined && { result }) };
    } catch (error) {
      end = this.#endAfter(error, handler, claim, stop.signal);
    } finally {
      clearInterval(beat);
    }
    if (end !== undefined) await this.#end(handler, claim, end);
  }

  #endAfter(error: unknown, handler: JobHandler, claim: JobClaim, signal: AbortSignal): JobEnd | undefined {
    const cause: unknown = signal.aborted ? signal.reason : error;
    if (cause instanceof LeaseLost) return undefined;
    if (cause instanceof JobCanceled) return { state: 'canceled', error: cause.message };
    // The job did not fail, and waits for the next process without a delay.
    if (cause instanceof ProcessStops) return { state: 'pending', error: cause.message, delayMs: 0, interrupted: true };
    const message = error instanceof Error ? error.message : String(error);
    const final = error instanceof JobFailed && error.retryAfterMs === undefined;
    if (final || claim.attempt >= claim.maxAttempts) return { state: 'failed', error: message };
    const request = error instanceof JobFailed ? error.retryAfterMs : undefined;
    const delayMs =
      request ?? backoffMs(claim.attempt, handler.retry.baseMs, handler.retry.capMs, this.#options.random);
    return { state: 'pending', error: message, delayMs };
  }

  async #end(handler: JobHandler, claim: JobClaim, end: JobEnd): Promise<void> {
    try {
      await transact(this.#options.database, { mode: 'write', projectId: claim.projectId }, async (tx) => {
        if (!(await holdJob(tx.sql, claim))) return;
        if (end.state !== 'pending') {
          await handler.ended?.(tx, claim, end);
          for (const next of timedRuns([handler], 'againMs')) tx.enqueue(next);
        }
        await tx.enter(claim.projectId);
        await endJob(tx.sql, claim, end);
      });
    } catch (error) {
      // The lease expires and the job is claimed again: at least once, never lost.
      this.#options.log.warn('could not record the end of a job; it will be claimed again', { job: claim.id, error });
    }
  }

  async #heartbeat(claim: JobClaim, progress: unknown): Promise<'ours' | 'lost' | 'canceled'> {
    try {
      return await transact(this.#options.database, { mode: 'write', projectId: 'all' }, (tx) =>
        heartbeatJob(tx.sql, claim, this.#leaseMs, progress),
      );
    } catch {
      // A missing response decides nothing: the lease is valid for two more heartbeats.
      return 'ours';
    }
  }
}
