/** One model of the snapshot on this gateway: loaded, idle, loading or failed, and who waits for it. */
import { DaisError } from '@dais/api/errors';
import type { ServedModel } from '@dais/api/gateway';
import type { LoadedModel, ModelFiles } from '#engines/inference/contract.ts';
import type { Clock } from '#lib/clock.ts';
import type { KeptMemory } from '#lib/kept-memory.ts';
import type { Log } from '#lib/log.ts';
import { ScaleRule } from './scale-rule.ts';
import { Batcher } from './batcher.ts';
import type { ModelSlotStats } from './gateway-stats.ts';
import type { Loaded } from './load-model.ts';

export interface ModelSlotParts {
  readonly load: (model: ServedModel, onPhase: (phase: string) => void) => Promise<Loaded>;
  /** Where the rows of batches lie. */
  readonly memory: KeptMemory;
  readonly clock: Clock;
  readonly log: Log;
}

/** A model that can be asked. */
export interface LiveModel {
  readonly model: LoadedModel;
  readonly files: ModelFiles;
  readonly batcher: Batcher;
}

/** Requests that may wait for a model that is being loaded, and their bytes. */
const MOST_HELD = 100;
const MOST_HELD_BYTES = 32 * 1024 * 1024;
/** Until a model that could not be loaded is tried again: doubled each time, to at most a minute. */
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;
/** From one look at the load to the next. */
const SCALE_EACH_MS = 1000;
/** Weight of nothing known about how long a load takes. */
const USUAL_LOAD_MS = 2000;

export class ModelSlot {
  readonly served: ServedModel;
  readonly #key: string;
  readonly #parts: ModelSlotParts;
  #live: LiveModel | undefined;
  /** What the model said of itself when it was last loaded. */
  #known: LoadedModel | undefined;
  #loading: Promise<LiveModel> | undefined;
  #closing: Promise<void> = Promise.resolve();
  #closed = false;
  #held = 0;
  #heldBytes = 0;
  #failure: { readonly reason: string; readonly at: number; readonly pauseMs: number } | undefined;
  #loadMs: number | undefined;
  #phase: string | undefined;
  #usedAt: number;
  #cancelIdle: (() => void) | undefined;
  #cancelScale: (() => void) | undefined;
  /** Requests between being admitted and having their answer; a model with any is not idle. */
  #pins = 0;
  #onFree: (() => void)[] = [];

  constructor(key: string, served: ServedModel, parts: ModelSlotParts) {
    this.#key = key;
    this.served = served;
    this.#parts = parts;
    this.#usedAt = parts.clock.now();
  }

  get state(): ModelSlotStats['state'] {
    if (this.#live !== undefined) return 'ready';
    if (this.#loading !== undefined) return 'loading';
    return this.#failure === undefined ? 'idle' : 'failed';
  }

  get reason(): string | undefined {
    return this.#live === undefined ? this.#failure?.reason : undefined;
  }

  /** True once it has been loaded, also when it sleeps now. */
  get proven(): boolean {
    return this.#known !== undefined;
  }

  /** What is known of the model without loading it. */
  get known(): LoadedModel | undefined {
    return this.#known;
  }

  /** The model, if it is there now: no promise for what nearly always is. */
  get live(): LiveModel | undefined {
    return this.#live;
  }

  /** A request has it from now on, until `unpin`. */
  pin(): void {
    this.#pins++;
  }

  unpin(): void {
    this.#pins--;
    this.#usedAt = this.#parts.clock.now();
    if (this.#pins > 0) return;
    const told = this.#onFree;
    this.#onFree = [];
    for (const tell of told) tell();
  }

  /** Waits for the model in the place of a request of so many bytes. Throws `model_unavailable` when too many do. */
  async hold(bytes: number): Promise<LiveModel> {
    if (this.#live !== undefined) return this.#live;
    if (this.#held >= MOST_HELD || this.#heldBytes + bytes > MOST_HELD_BYTES) {
      throw new DaisError('model_unavailable', `The model is being loaded and ${this.#held} requests wait for it.`, {
        retryAfter: Math.ceil((this.#loadMs ?? USUAL_LOAD_MS) / 1000),
      });
    }
    this.#held++;
    this.#heldBytes += bytes;
    try {
      return await this.wake();
    } finally {
      this.#held--;
      this.#heldBytes -= bytes;
    }
  }

  /** Loads it unless it is loaded. Throws `model_unavailable` with the reason. */
  async wake(): Promise<LiveModel> {
    if (this.#live !== undefined) return this.#live;
    const { clock } = this.#parts;
    if (this.#closed) throw new DaisError('model_unavailable', 'The model is being unloaded.');
    if (this.#loading === undefined && this.#failure !== undefined) {
      const left = this.#failure.at + this.#failure.pauseMs - clock.now();
      if (left > 0) throw unloadable(this.#failure.reason, left);
    }
    this.#loading ??= this.#load();
    return await this.#loading;
  }

  /** Tries again at the next call, whenever the last one failed. */
  forgive(): void {
    if (this.#failure !== undefined) this.#failure = { ...this.#failure, at: -LONGEST_PAUSE_MS };
  }

  /** When nobody has it any more, it is unloaded, for good. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelIdle?.();
    this.#cancelScale?.();
    await this.#loading?.catch(() => {});
    if (this.#pins > 0) await new Promise<void>((resolve) => this.#onFree.push(resolve));
    await this.#unload();
  }

  stats(): ModelSlotStats {
    const told = this.#live?.model.stats();
    return {
      key: this.#key,
      state: this.state,
      reason: this.reason,
      phase: this.#phase,
      engine: this.#known?.engine,
      platform: this.#known?.platform,
      inputs: this.#known?.inputs,
      outputs: this.#known?.outputs,
      batchable: this.#known?.batchable,
      waitingRows: this.#live?.batcher.load.waitingRows ?? 0,
      waitingBytes: this.#live?.batcher.load.waitingBytes ?? this.#heldBytes,
      running: this.#live?.batcher.load.running ?? 0,
      concurrency: this.#live?.model.concurrency ?? 0,
      loadMs: this.#loadMs,
      memoryBytes: told?.memoryBytes ?? 0,
      cpuMs: told?.cpuMs ?? 0,
      crashes: told?.crashes ?? 0,
    };
  }

  async #load(): Promise<LiveModel> {
    const { clock, log, load, memory } = this.#parts;
    const startedAt = performance.now();
    const { project, name, version } = this.served;
    try {
      await this.#closing;
      const { model, files } = await load(this.served, (phase) => {
        this.#phase = phase;
      });
      this.#loadMs = performance.now() - startedAt;
      this.#failure = undefined;
      this.#known = model;
      this.#usedAt = clock.now();
      this.#live = { model, files, batcher: new Batcher(model, clock, memory) };
      this.#sleepWhenIdle();
      this.#scaleByLoad(this.#live);
      log.info('a model was loaded', { project, model: name, version, ms: Math.round(this.#loadMs) });
      return this.#live;
    } catch (error) {
      const reason = error instanceof DaisError ? error.message : 'Dais made a mistake; its log says more.';
      const pauseMs = Math.min((this.#failure?.pauseMs ?? FIRST_PAUSE_MS / 2) * 2, LONGEST_PAUSE_MS);
      this.#failure = { reason, at: clock.now(), pauseMs };
      log.warn('a model could not be loaded', { project, model: name, version, error });
      throw unloadable(reason, pauseMs);
    } finally {
      this.#loading = undefined;
      this.#phase = undefined;
    }
  }

  #sleepWhenIdle(): void {
    const { clock, log } = this.#parts;
    const { min, idleMs } = this.served.workers;
    if (min > 0 || idleMs <= 0) return;
    const left = Math.max(1, this.#usedAt + idleMs - clock.now());
    this.#cancelIdle = clock.after(left, () => {
      if (this.#live === undefined) return;
      if (this.#pins > 0 || clock.now() - this.#usedAt < idleMs) this.#sleepWhenIdle();
      else {
        this.#closing = this.#unload().catch((error: unknown) => log.error('a model was not unloaded', { error }));
      }
    });
  }

  /** Until this model is unloaded. */
  #scaleByLoad(live: LiveModel): void {
    const { clock, log } = this.#parts;
    const { min, max, idleMs } = this.served.workers;
    if (max <= Math.max(1, min)) return;
    const rule = new ScaleRule({ min: Math.max(1, min), max });
    const { project, name, version } = this.served;
    const look = async () => {
      const load = live.batcher.takeLoad();
      const idle = this.#pins === 0 && idleMs > 0 && clock.now() - this.#usedAt >= idleMs;
      const before = live.model.concurrency;
      const wanted = idle ? Math.max(1, min) : rule.next({ at: clock.now(), load, workers: before });
      if (wanted === before) return;
      await live.model.scale(wanted);
      live.batcher.widen();
      log.info('a model was scaled', { project, model: name, version, from: before, to: live.model.concurrency, load });
    };
    const again = () => {
      if (this.#live !== live || this.#closed) return;
      this.#cancelScale = clock.after(SCALE_EACH_MS, () => {
        look()
          .catch((error: unknown) => log.warn('a model could not be scaled', { project, model: name, version, error }))
          .finally(again);
      });
    };
    again();
  }

  async #unload(): Promise<void> {
    const live = this.#live;
    this.#cancelScale?.();
    this.#live = undefined;
    await live?.batcher.settled();
    await live?.model.close();
  }
}

function unloadable(reason: string, leftMs: number): DaisError {
  return new DaisError('model_unavailable', `The model could not be loaded: ${reason}`, {
    retryAfter: Math.max(1, Math.ceil(leftMs / 1000)),
  });
}
