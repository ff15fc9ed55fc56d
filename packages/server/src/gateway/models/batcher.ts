/**
 * Batches requests without a delay: requests of one turn of the event loop run together, and while all instances of the
 * model are busy, requests queue for the next run. Waiting for more requests does not help: a delay of 2 ms made single
 * requests 25 times slower and improved nothing.
 */
import { DaisError } from '@dais/api/errors';
import type { LoadedModel } from '#engines/inference/contract.ts';
import type { Clock } from '#lib/clock.ts';
import type { BufferPool } from '#lib/concurrency/buffer-pool.ts';
import type { BatchCounts } from '../routing/variant-counts.ts';
import { cutRows, giveRowsBack, joinRows } from '../tensors/tensor-rows.ts';
import type { Tensor } from '../tensors/tensors.ts';
import type { InferRequest } from '../serving-protocol.ts';

export interface BatchItem {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly string[] | undefined;
  readonly parameters: Readonly<Record<string, string | number | boolean>> | undefined;
  readonly rows: number;
  readonly bytes: number;
  /** Limits of the endpoint: most rows of a run, and how long a request may wait for others. */
  readonly limits: { readonly rows: number; readonly delayMs: number };
  /** Items of different groups never share a run. */
  readonly group: string;
  /** Counts the item's rows and bytes as waiting, until it runs or is removed. */
  readonly queue: Queue;
  readonly counts: BatchCounts;
  enteredAt: number;
  queueMicros: number;
  runMicros: number;
  state: 'waiting' | 'running' | 'done';
  resolve(outputs: readonly Tensor[]): void;
  reject(error: unknown): void;
}

/** The load of a queue, for comparison with its limits. */
export interface Queue {
  rows: number;
  bytes: number;
}

/** Most input bytes of a run. Larger requests run alone. */
const MOST_BATCH_BYTES = 32 * 1024 * 1024;
/** Weight of the latest run in the moving average of the time per row. */
const NEWEST_SHARE = 0.2;

export class Batcher {
  readonly #model: LoadedModel;
  readonly #clock: Clock;
  readonly #memory: BufferPool;
  /** By group, ordered by the start of their wait. */
  readonly #waiting = new Map<string, BatchItem[]>();
  #flushing: 'now' | 'later' | undefined;
  #running = 0;
  #waitingRows = 0;
  #waitingBytes = 0;
  #rowMicros = 0;
  /** Number of waiting runs, as a sum of fractions of the largest run. */
  #waitingRuns = 0;
  /** Integral of waiting and active runs over time since the last `takeLoad`. */
  #work = 0;
  #workAt = performance.now();
  #workFrom = this.#workAt;
  #idle: (() => void)[] = [];

  constructor(model: LoadedModel, clock: Clock, memory: BufferPool) {
    this.#model = model;
    this.#clock = clock;
    this.#memory = memory;
  }

  get load(): { readonly waitingRows: number; readonly waitingBytes: number; readonly running: number } {
    return { waitingRows: this.#waitingRows, waitingBytes: this.#waitingBytes, running: this.#running };
  }

  /** Expected queue time of a new request, from the recent time per row; 0 without data. */
  get expectedMicros(): number {
    return (this.#waitingRows * this.#rowMicros) / this.#model.concurrency;
  }

  /**
   * Returns the average number of waiting and active runs since the last call: the number of instances that the load
   * occupies.
   */
  takeLoad(): number {
    this.#integrateLoad();
    const took = this.#workAt - this.#workFrom;
    const load = took <= 0 ? this.#running + this.#waitingRuns : this.#work / took;
    this.#work = 0;
    this.#workFrom = this.#workAt;
    return load;
  }

  /** Starts waiting items after the number of instances has increased. */
  widen(): void {
    if (this.#waiting.size > 0) this.#flushSoon(0);
  }

  add(item: BatchItem): void {
    this.#integrateLoad();
    this.#waitingRuns += runsOf(item, this.#model.batchable);
    item.queue.rows += item.rows;
    item.queue.bytes += item.bytes;
    this.#waitingRows += item.rows;
    this.#waitingBytes += item.bytes;
    item.enteredAt = performance.now();
    const group = this.#waiting.get(item.group);
    if (group === undefined) this.#waiting.set(item.group, [item]);
    else group.push(item);
    const full = item.limits.delayMs > 0 && this.#waitingRows >= item.limits.rows;
    this.#flushSoon(full ? 0 : item.limits.delayMs);
  }

  /** Removes an item that no caller waits for. A running item continues. */
  remove(item: BatchItem): void {
    if (item.state !== 'waiting') {
      item.state = 'done';
      return;
    }
    const group = this.#waiting.get(item.group) ?? [];
    const index = group.indexOf(item);
    if (index >= 0) group.splice(index, 1);
    if (group.length === 0) this.#waiting.delete(item.group);
    this.#dequeue(item);
    item.state = 'done';
    this.#notifyIdle();
  }

  /** Resolves when no item waits or runs. */
  async settled(): Promise<void> {
    if (this.#running === 0 && this.#waiting.size === 0) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #flushSoon(delayMs: number): void {
    if (this.#flushing === 'now') return;
    if (delayMs > 0) {
      if (this.#flushing === undefined) this.#clock.after(delayMs, () => this.#flush());
      this.#flushing = 'later';
      return;
    }
    this.#flushing = 'now';
    // Run after the sockets of this turn have been read.
    setImmediate(() => this.#flush());
  }

  #flush(): void {
    this.#flushing = undefined;
    while (this.#running < this.#model.concurrency) {
      const batch = this.#take();
      if (batch === undefined) break;
      this.#integrateLoad();
      this.#running++;
      void this.#run(batch).finally(() => {
        this.#integrateLoad();
        this.#running--;
        if (this.#waiting.size > 0) this.#flushSoon(0);
        else this.#notifyIdle();
      });
    }
  }

  /** Returns the next items of the oldest group, up to the limits of a run. */
  #take(): BatchItem[] | undefined {
    for (const [name, group] of this.#waiting) {
      let rows = 0;
      let bytes = 0;
      let many = 0;
      for (const item of group) {
        if (many > 0 && (rows + item.rows > item.limits.rows || bytes + item.bytes > MOST_BATCH_BYTES)) break;
        rows += item.rows;
        bytes += item.bytes;
        many++;
        if (!this.#model.batchable) break;
      }
      const batch = group.splice(0, many);
      this.#waiting.delete(name);
      // The rest queues behind the groups that have waited as long.
      if (group.length > 0) this.#waiting.set(name, group);
      const now = performance.now();
      for (const item of batch) {
        this.#dequeue(item);
        item.state = 'running';
        item.queueMicros = (now - item.enteredAt) * 1000;
      }
      return batch;
    }
    return undefined;
  }

  async #run(batch: readonly BatchItem[]): Promise<void> {
    const [first] = batch as readonly [BatchItem];
    if (batch.length === 1) {
      await this.#runAlone(first);
      return;
    }
    const run = new Run(batch);
    try {
      const joined = joinRows(
        batch.map(({ inputs }) => inputs),
        this.#memory,
      );
      const outputs = await this.#infer(joined, run);
      giveRowsBack(joined, outputs, this.#memory);
      const cut = cutRows(
        outputs,
        batch.map(({ rows }) => rows),
      );
      if (cut !== undefined) {
        const micros = this.#took(run);
        for (const [index, item] of batch.entries()) {
          item.runMicros = micros;
          finish(item, () => item.resolve(cut[index] as Tensor[]));
        }
        return;
      }
    } catch {
      // The items run alone below, to find the failing one.
    }
    for (const item of batch) if (item.state === 'running') await this.#runAlone(item);
  }

  async #runAlone(item: BatchItem): Promise<void> {
    const run = new Run([item]);
    try {
      const outputs = await this.#infer(item.inputs, run);
      item.runMicros = this.#took(run);
      if (this.#model.batchable && outputs.some(({ shape }) => shape[0] !== item.rows)) {
        const shapes = outputs.map(({ name, shape }) => `${name} [${shape.join()}]`).join(', ');
        throw new DaisError(
          'internal',
          `The model received ${item.rows} rows but returned ${shapes}. Each output must have one row per input row.`,
        );
      }
      finish(item, () => item.resolve(outputs));
    } catch (error) {
      finish(item, () => item.reject(error));
    }
  }

  async #infer(inputs: readonly Tensor[], run: Run): Promise<readonly Tensor[]> {
    const { outputs, parameters } = run.first;
    return await this.#model.infer(inputs, {
      onStart: () => run.begin(),
      ...(outputs !== undefined && { outputs }),
      ...(parameters !== undefined && { parameters }),
    });
  }

  #took({ startedAt, batch, first }: Run): number {
    const micros = (performance.now() - startedAt) * 1000;
    let rows = 0;
    for (const item of batch) rows += item.rows;
    const each = micros / Math.max(1, rows);
    this.#rowMicros = this.#rowMicros === 0 ? each : this.#rowMicros + (each - this.#rowMicros) * NEWEST_SHARE;
    first.counts.run(rows, micros);
    return micros;
  }

  /** Call this before the number of waiting or active runs changes. */
  #integrateLoad(): void {
    const now = performance.now();
    this.#work += (this.#running + this.#waitingRuns) * (now - this.#workAt);
    this.#workAt = now;
  }

  #dequeue(item: BatchItem): void {
    this.#integrateLoad();
    this.#waitingRuns = this.#waitingRows === item.rows ? 0 : this.#waitingRuns - runsOf(item, this.#model.batchable);
    item.queue.rows -= item.rows;
    item.queue.bytes -= item.bytes;
    this.#waitingRows -= item.rows;
    this.#waitingBytes -= item.bytes;
  }

  #notifyIdle(): void {
    if (this.#running > 0 || this.#waiting.size > 0) return;
    const listeners = this.#idle;
    this.#idle = [];
    for (const notify of listeners) notify();
  }
}

/** Items that run together, from the start of the run in an instance. */
class Run {
  readonly batch: readonly BatchItem[];
  readonly first: BatchItem;
  startedAt = performance.now();

  constructor(batch: readonly BatchItem[]) {
    this.batch = batch;
    this.first = batch[0] as BatchItem;
  }

  /**
   * Excludes the wait for a restarting process from the run time. With it, a few rows appeared to take minutes, and
   * requests with enough time were rejected.
   */
  begin(): void {
    this.startedAt = performance.now();
    for (const item of this.batch) item.queueMicros = (this.startedAt - item.enteredAt) * 1000;
  }
}

function runsOf({ rows, limits }: BatchItem, batchable: boolean): number {
  return batchable ? rows / limits.rows : 1;
}

function finish(item: BatchItem, answer: () => void): void {
  // The caller disconnected, or the request timed out.
  if (item.state === 'done') return;
  item.state = 'done';
  answer();
}

/** Returns a key. Requests with the same key can share a model run. */
export function batchGroup(endpoint: string, { inputs, outputs, parameters }: InferRequest): string {
  let key = endpoint;
  for (const { name, datatype, shape } of inputs) {
    key += `|${name}:${datatype}`;
    for (let index = 1; index < shape.length; index++) key += `,${shape[index]}`;
  }
  if (outputs !== undefined) key += `>${outputs.join('>')}`;
  if (parameters !== undefined) key += JSON.stringify(parameters);
  return key;
}
