/**
 * Copies of requests for shadows: sent after the response, in a queue of their own, dropped when it is full. A shadow
 * never affects the caller.
 */
import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';
import type { Attempt, Caller } from './attempt.ts';
import { batchGroup } from '../models/batcher.ts';
import type { RouteShadow } from '../routing/route-table.ts';
import type { InferRequest } from '../serving-protocol.ts';
import { rowsOf, tensorBytes } from '../tensors/tensor-rows.ts';
import type { Tensor } from '../tensors/tensors.ts';

/** Waiting and active copies of one endpoint, and their bytes. */
const MOST_COPIES = 256;
const MOST_COPY_BYTES = 32 * 1024 * 1024;

export interface ShadowCopy {
  readonly attempt: Attempt;
  readonly variant: RouteShadow;
  readonly caller: Caller;
}

export interface ShadowOutcome {
  readonly outputs: readonly Tensor[];
  readonly error: unknown;
  readonly startedAt: number;
}

type OnCopied = (copy: ShadowCopy, outcome: ShadowOutcome) => Promise<void> | undefined;

export class ShadowQueue {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #onCopied: OnCopied;
  readonly #running = new Set<Promise<void>>();

  constructor(clock: Clock, log: Log, onCopied: OnCopied) {
    this.#clock = clock;
    this.#log = log;
    this.#onCopied = onCopied;
  }

  /** Returns whether a copy was queued. */
  add(attempt: Attempt, request: InferRequest, caller: Caller): boolean {
    const { shadows, load, served } = attempt.route;
    let isQueued = false;
    for (const shadow of shadows) {
      if (Math.random() * 100 >= shadow.percent) continue;
      let bytes = 0;
      for (const tensor of request.inputs) bytes += tensorBytes(tensor);
      const full = load.shadow.requests >= MOST_COPIES || load.shadow.bytes + bytes > MOST_COPY_BYTES;
      // Served requests have priority: when their queue is half full, no copies run.
      if (full || load.queue.rows * 2 > served.queue.rows) {
        shadow.counters.shadowDropped++;
        continue;
      }
      isQueued = true;
      load.shadow.requests++;
      load.shadow.bytes += bytes;
      const running = this.#run({ attempt, variant: shadow, caller }, request, bytes).finally(() => {
        load.shadow.requests--;
        load.shadow.bytes -= bytes;
        this.#running.delete(running);
      });
      this.#running.add(running);
    }
    return isQueued;
  }

  async settled(): Promise<void> {
    await Promise.all(this.#running);
  }

  async #run(copy: ShadowCopy, request: InferRequest, bytes: number): Promise<void> {
    const { slot, counters } = copy.variant;
    const startedAt = performance.now();
    let outputs: readonly Tensor[] = [];
    let error: unknown;
    slot.pin();
    try {
      const { model, batcher } = slot.live ?? (await slot.wake());
      outputs = await new Promise((resolve, reject) => {
        batcher.add({
          inputs: request.inputs,
          outputs: request.outputs,
          parameters: request.parameters,
          rows: model.batchable ? (rowsOf(request.inputs) ?? 1) : 1,
          bytes,
          limits: copy.attempt.route.served.batching,
          group: batchGroup(copy.attempt.route.served.uid, request),
          queue: { rows: 0, bytes: 0 },
          counts: counters.batches,
          enteredAt: 0,
          queueMicros: 0,
          runMicros: 0,
          state: 'waiting',
          resolve,
          reject,
        });
      });
    } catch (failure) {
      error = failure;
    } finally {
      slot.unpin();
    }
    counters.answered(this.#clock.now(), (performance.now() - startedAt) * 1000, error === undefined ? 200 : 500);
    try {
      await this.#onCopied(copy, { outputs, error, startedAt });
    } catch (failure) {
      this.#log.warn('cannot capture a shadow prediction', { error: failure });
    }
  }
}
