/**
 * The instances of one model. A batch runs on an idle instance. A crashed instance fails its batch and restarts with backoff,
 * while new batches wait; after five crashes within a minute, the model is unavailable for a minute.
 */
import { DaisError } from '@dais/api';
import { backoffMs } from '#lib/concurrency/backoff.ts';
import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';
import { ModelError, ProcessEnded, type InferOptions, type ProcessEnd, type Tensor } from './contract.ts';
import type { Runner, RunnerEnd, RunningBatch } from './runner.ts';

export interface PoolDependencies {
  /** Initial number of instances. */
  readonly size: number;
  /** Loads the model into a new instance. @throws DaisError `invalid_request` with the log of what failed. */
  readonly make: () => Promise<Runner>;
  /** Time limit of one batch, counted from its start on an instance. The instance is then terminated. Default: none. */
  readonly inferMs?: number | undefined;
  /** Called for each unexpected end of an instance. Returns a reason if none may be restarted. */
  readonly onEnd?: ((end: ProcessEnd) => string | undefined) | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly random: () => number;
}

const MOST_CRASHES = 5;
const CRASH_WINDOW_MS = 60_000;
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 10_000;
/** Maximum waiting batches per instance; callers have their own queues and know `concurrency`. */
const MOST_WAITING = 64;

interface TimeLimit {
  readonly signal: AbortSignal;
  readonly cancel: () => void;
}

interface Waiting {
  readonly give: (runner: Runner) => void;
  readonly refuse: (error: unknown) => void;
}

export class RunnerPool {
  readonly #dependencies: PoolDependencies;
  readonly #all = new Set<Runner>();
  #idle: Runner[] = [];
  /** Replaced instances that complete their last batch. */
  readonly #retired = new Set<Runner>();
  #waiting: Waiting[] = [];
  #crashTimes: number[] = [];
  #crashes = 0;
  /** Number of instances that are starting or will start. */
  #coming = 0;
  #cancels = new Set<() => void>();
  #closing = false;
  #whenQuiet: (() => void) | undefined;
  #busy = 0;
  /** Why no instance is started anymore. */
  #givenUp: string | undefined;
  #endedCpuMs = 0;
  /** Desired number of instances. */
  #size: number;
  #resizing: Promise<void> = Promise.resolve();
  /** Reason of the last end or failed start. */
  #reason = '';
  /** A batch has succeeded since the last end of an instance. */
  #hasAnswered = false;
  /** Reason of instances that are being terminated at their time limit. */
  readonly #overdue = new Map<Runner, string>();

  constructor(dependencies: PoolDependencies) {
    this.#dependencies = dependencies;
    this.#size = dependencies.size;
  }

  get size(): number {
    return this.#size;
  }

  get crashes(): number {
    return this.#crashes;
  }

  get memoryBytes(): number {
    let sum = 0;
    for (const runner of this.#all) sum += runner.memoryBytes();
    return sum;
  }

  /** Includes ended instances. */
  get cpuMs(): number {
    let sum = this.#endedCpuMs;
    for (const runner of this.#all) sum += runner.cpuMs();
    return sum;
  }

  /** The first instance shows whether the model loads; the others then start concurrently. */
  async open(): Promise<void> {
    this.#add(await this.#dependencies.make());
    const made = await Promise.allSettled(
      Array.from({ length: this.#dependencies.size - 1 }, async () => await this.#dependencies.make()),
    );
    for (const one of made) if (one.status === 'fulfilled') this.#add(one.value);
    const failed = made.find((one) => one.status === 'rejected');
    if (failed !== undefined) {
      await this.close();
      throw failed.reason;
    }
  }

  /**
   * Changes the number of instances. Surplus ones end when they are idle. @throws DaisError when a new one does not start: the
   * size of the pool is then unchanged.
   */
  async resize(size: number): Promise<void> {
    const turn = this.#resizing.then(async () => await this.#resize(size));
    this.#resizing = turn.catch(() => {});
    await turn;
  }

  async #resize(size: number): Promise<void> {
    const more = size - this.#size;
    if (more > 0) {
      this.#coming += more;
      const made = await Promise.allSettled(Array.from({ length: more }, async () => await this.#dependencies.make()));
      this.#coming -= more;
      const there = made.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
      if (this.#closing) {
        await Promise.all(there.map(async (runner) => await runner.stop()));
        return;
      }
      this.#size += there.length;
      for (const runner of there) this.#add(runner);
      const failed = made.find((one) => one.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
      return;
    }
    this.#size = size;
    const surplus = () => this.#all.size - this.#retired.size - this.#size;
    while (surplus() > 0) {
      const idle = this.#idle[0];
      if (idle === undefined) break;
      await this.#end(idle);
    }
    for (const runner of this.#all) {
      if (surplus() <= 0) break;
      this.#retired.add(runner);
    }
  }

  async infer(inputs: readonly Tensor[], options: InferOptions): Promise<readonly Tensor[]> {
    options.signal?.throwIfAborted();
    this.#busy += 1;
    const runner = await this.#take(options.signal).catch((error: unknown) => {
      this.#leave();
      throw error;
    });
    const giveBack = () => {
      this.#giveBack(runner);
      this.#leave();
    };
    let batch: RunningBatch;
    let limit: TimeLimit | undefined;
    try {
      options.onStart?.();
      limit = this.#limit(runner, options.signal);
      batch = runner.infer(inputs, limit === undefined ? options : { ...options, signal: limit.signal });
    } catch (error) {
      // Rejected before it started: invalid text.
      limit?.cancel();
      giveBack();
      throw error;
    }
    void batch.free.then(giveBack);
    try {
      const outputs = await batch.outputs;
      this.#hasAnswered = true;
      return outputs;
    } catch (error) {
      // The instance works: the model rejected the batch.
      if (error instanceof ModelError) this.#hasAnswered = true;
      throw error;
    } finally {
      limit?.cancel();
    }
  }

  /** Aborts the batch at its time limit: the runner then terminates its process. */
  #limit(runner: Runner, signal: AbortSignal | undefined): TimeLimit | undefined {
    const { inferMs, clock } = this.#dependencies;
    if (inferMs === undefined) return undefined;
    const controller = new AbortController();
    const abort = () => controller.abort(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    const cancel = clock.after(inferMs, () => {
      const why = `a batch exceeded its time limit of ${inferMs / 1000} s`;
      this.#overdue.set(runner, why);
      controller.abort(unavailable(`The model's process was terminated: ${why}.`, 1));
    });
    return {
      signal: controller.signal,
      cancel: () => {
        cancel();
        signal?.removeEventListener('abort', abort);
      },
    };
  }

  #leave(): void {
    this.#busy -= 1;
    if (this.#busy === 0) this.#whenQuiet?.();
  }

  /** Running and waiting batches end first. */
  async close(): Promise<void> {
    this.#closing = true;
    for (const cancel of this.#cancels) cancel();
    if (this.#all.size === 0) this.#refuseWaiting('The model is being unloaded.');
    if (this.#busy > 0) await new Promise<void>((resolve) => (this.#whenQuiet = resolve));
    await Promise.all([...this.#all].map(async (runner) => await runner.stop()));
    this.#all.clear();
  }

  async #take(signal: AbortSignal | undefined): Promise<Runner> {
    const runner = this.#givenUp === undefined ? this.#idle.pop() : undefined;
    if (runner !== undefined) return runner;
    // Batches wait for a restarting instance, with the same limit as for a busy one, unless the model is quarantined.
    if (this.#givenUp !== undefined) throw unavailable(this.#givenUp, 60);
    if (this.#all.size === 0 && (this.#closing || this.#isBroken || this.#coming === 0)) throw this.#absent();
    if (this.#waiting.length >= MOST_WAITING * this.#size) {
      throw new DaisError(
        'overloaded',
        `${this.#waiting.length} batches already wait for the model, which is the maximum. Retry later.`,
        {
          retryAfter: 1,
        },
      );
    }
    return await new Promise<Runner>((resolve, reject) => {
      const done = () => signal?.removeEventListener('abort', abort);
      const waiting: Waiting = {
        give: (given) => {
          done();
          resolve(given);
        },
        refuse: (error) => {
          done();
          reject(error);
        },
      };
      const abort = () => {
        this.#waiting = this.#waiting.filter((one) => one !== waiting);
        reject(signal?.reason as Error);
      };
      signal?.addEventListener('abort', abort, { once: true });
      this.#waiting.push(waiting);
    });
  }

  #add(runner: Runner): void {
    this.#all.add(runner);
    void runner.gone.then((end) => this.#lose(runner, end));
    this.#offer(runner);
  }

  #offer(runner: Runner): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#idle.push(runner);
    else next.give(runner);
  }

  #giveBack(runner: Runner): void {
    if (!this.#all.has(runner)) return;
    if (this.#retired.delete(runner)) {
      void this.#end(runner);
      return;
    }
    if (runner.isWorn() && !this.#closing && this.#coming === 0) void this.#replace(runner);
    this.#offer(runner);
  }

  /** Starts the new one first, while the old one continues. */
  async #replace(old: Runner): Promise<void> {
    this.#coming += 1;
    try {
      const fresh = await this.#dependencies.make();
      if (this.#closing) return await fresh.stop();
      this.#add(fresh);
      if (this.#idle.includes(old)) await this.#end(old);
      else if (this.#all.has(old)) this.#retired.add(old);
    } catch (error) {
      this.#dependencies.log.warn('could not start a new process for a model; the old process continues', { error });
    } finally {
      this.#coming -= 1;
    }
  }

  async #end(runner: Runner): Promise<void> {
    this.#idle = this.#idle.filter((one) => one !== runner);
    this.#forget(runner);
    await runner.stop();
  }

  #forget(runner: Runner): boolean {
    if (!this.#all.delete(runner)) return false;
    this.#endedCpuMs += runner.cpuMs();
    return true;
  }

  #lose(runner: Runner, end: RunnerEnd): void {
    const overdue = this.#overdue.get(runner);
    this.#overdue.delete(runner);
    if (!this.#forget(runner)) return;
    this.#idle = this.#idle.filter((one) => one !== runner);
    if (this.#retired.delete(runner)) return;
    if (this.#closing) {
      if (this.#all.size === 0) this.#refuseWaiting('The model is being unloaded.');
      return;
    }
    const reason = overdue ?? end.reason;
    this.#dependencies.log.warn('a process of a model ended', { why: reason });
    this.#report(reason, overdue !== undefined || end.isOwnError);
    this.#crashed(reason);
  }

  #report(reason: string, isOwnError: boolean): void {
    this.#givenUp = this.#dependencies.onEnd?.({ reason, hasAnswered: this.#hasAnswered, isOwnError });
    this.#hasAnswered = false;
    if (this.#givenUp === undefined) return;
    for (const cancel of this.#cancels) cancel();
    this.#refuseWaiting(this.#givenUp);
  }

  #crashed(why: string): void {
    const { clock, random } = this.#dependencies;
    const now = clock.now();
    this.#reason = why;
    this.#crashes += 1;
    if (this.#givenUp !== undefined) return;
    this.#crashTimes = [...this.#crashTimes.filter((time) => now - time < CRASH_WINDOW_MS), now];
    const count = this.#crashTimes.length;
    const waitMs = count >= MOST_CRASHES ? CRASH_WINDOW_MS : backoffMs(count, FIRST_WAIT_MS, LONGEST_WAIT_MS, random);
    if (count >= MOST_CRASHES && this.#all.size === 0) this.#refuseWaiting(this.#broken());
    this.#coming += 1;
    const cancel = clock.after(waitMs, () => {
      this.#cancels.delete(cancel);
      void this.#dependencies.make().then(
        async (runner) => {
          this.#coming -= 1;
          // It may no longer be needed.
          const enough = this.#all.size - this.#retired.size >= this.#size;
          if (this.#closing || this.#givenUp !== undefined || enough) await runner.stop();
          else this.#add(runner);
        },
        (error: unknown) => {
          this.#coming -= 1;
          if (this.#closing) return;
          const reason = error instanceof Error ? error.message : String(error);
          if (error instanceof ProcessEnded) this.#report(reason, true);
          this.#crashed(reason);
        },
      );
    });
    this.#cancels.add(cancel);
  }

  get #isBroken(): boolean {
    return this.#crashTimes.length >= MOST_CRASHES;
  }

  #absent(): DaisError {
    return this.#isBroken
      ? unavailable(this.#broken(), 60)
      : unavailable(`The model is unavailable: ${this.#reason}`, 1);
  }

  #broken(): string {
    return `The model's process ended ${MOST_CRASHES} times within a minute. Dais restarts it in a minute. Last reason: ${this.#reason}`;
  }

  #refuseWaiting(why: string): void {
    for (const { refuse } of this.#waiting.splice(0)) refuse(unavailable(why, 1));
  }
}

function unavailable(detail: string, retryAfter: number): DaisError {
  return new DaisError('model_unavailable', detail, { retryAfter });
}
