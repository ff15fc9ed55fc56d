/**
 * A model of the snapshot in this gateway: its state (loaded, idle, loading, failed, quarantined) and waiting requests.
 */
import { DaisError } from '@dais/api/errors';
import type { ServedModel } from '@dais/api/gateway';
import { ProcessEnded, type LoadedModel, type ModelFiles, type ProcessEnd } from '#engines/inference/contract.ts';
import type { Clock } from '#lib/clock.ts';
import type { BufferPool } from '#lib/concurrency/buffer-pool.ts';
import type { Log } from '#lib/log.ts';
import { ScaleRule } from './scale-rule.ts';
import { Batcher } from './batcher.ts';
import type { ModelSlotStats } from '../metrics/gateway-stats.ts';
import type { LoadJournal } from './load-journal.ts';
import type { LoadedFiles, LoadHooks } from './load-model.ts';
import type { LoadQueue } from './load-queue.ts';

export interface ModelSlotDependencies {
  readonly load: (model: ServedModel, hooks: LoadHooks) => Promise<LoadedFiles>;
  readonly journal: LoadJournal;
  readonly queue: LoadQueue;
  /** Memory for the rows of batches. */
  readonly memory: BufferPool;
  /** Longest wait of a request for a model that is loading, unless it is scaled to zero. */
  readonly loadWaitMs: number;
  /** Called when a model is loaded by a retry, which belongs to no snapshot. */
  readonly onRetried?: () => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** A model that is ready for predictions. */
export interface LiveModel {
  readonly model: LoadedModel;
  readonly files: ModelFiles;
  readonly batcher: Batcher;
}

/** Limits of the requests that wait for a loading model, and of their bytes with bodies. */
const MOST_HELD = 1000;
const MOST_HELD_BYTES = 32 * 1024 * 1024;
/** Delay before a failed load is retried: doubles each time, up to one minute. */
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;
/** Interval between attempts to load a model whose server is not ready. */
const AWAY_PAUSE_MS = 2000;
/** Interval between measurements of the load. */
const SCALE_EACH_MS = 1000;
/** Assumed duration of the first load. */
const USUAL_LOAD_MS = 2000;
/** Share of the longest wait within which a load usually ends, so that a request waits for it; otherwise the response says when to retry. */
const WORTH_WAITING = 2 / 3;
const LONGEST_RETRY_S = 60;
/** A quarantine ends only when a user resumes the model. */
const QUARANTINE_RETRY_MS = 60_000;

export class ModelSlot {
  readonly served: ServedModel;
  readonly #key: string;
  readonly #dependencies: ModelSlotDependencies;
  #live: LiveModel | undefined;
  /** The description of the model from its last load. */
  #known: LoadedModel | undefined;
  #loading: Promise<LiveModel> | undefined;
  #loadingSince = 0;
  #closing: Promise<void> = Promise.resolve();
  #closed = false;
  #held = 0;
  #heldBytes = 0;
  #failure:
    | { readonly reason: string; readonly at: number; readonly pauseMs: number; readonly isAway: boolean }
    | undefined;
  #loadMs: number | undefined;
  #phase: string | undefined;
  #usedAt: number;
  #cancelIdle: (() => void) | undefined;
  #cancelScale: (() => void) | undefined;
  #cancelRetry: (() => void) | undefined;
  /** Requests between admission and response; a model with any is not idle. */
  #pins = 0;
  #onFree: (() => void)[] = [];

  constructor(key: string, served: ServedModel, dependencies: ModelSlotDependencies) {
    this.#key = key;
    this.served = served;
    this.#dependencies = dependencies;
    this.#usedAt = dependencies.clock.now();
  }

  get state(): ModelSlotStats['state'] {
    if (this.isAway) return 'failed';
    if (this.#live !== undefined) return 'ready';
    if (this.#quarantine !== undefined) return 'quarantined';
    if (this.#loading !== undefined) return 'loading';
    return this.#failure === undefined ? 'idle' : 'failed';
  }

  get reason(): string | undefined {
    if (this.#live !== undefined) return this.#live.model.unavailable;
    return this.#quarantine ?? this.#failure?.reason;
  }

  /** The server of a remote model is not ready, before or after the model was loaded. The gateway retries without requests. */
  get isAway(): boolean {
    return this.#live === undefined ? this.#failure?.isAway === true : this.#live.model.unavailable !== undefined;
  }

  /** The reason why the model may not be loaded. */
  get #quarantine(): string | undefined {
    return this.#dependencies.journal.recordOf(this.served.key).quarantine?.reason;
  }

  /** Whether it has been loaded before, also if it is scaled to zero now. */
  get proven(): boolean {
    return this.#known !== undefined;
  }

  /** The known description of the model, without loading it. */
  get known(): LoadedModel | undefined {
    return this.#known;
  }

  /** The model if it is loaded; synchronous because it nearly always is. */
  get live(): LiveModel | undefined {
    return this.#live;
  }

  /** Keeps the model loaded for a request until `unpin`. */
  pin(): void {
    this.#pins++;
  }

  unpin(): void {
    this.#pins--;
    this.#usedAt = this.#dependencies.clock.now();
    if (this.#pins > 0) return;
    const listeners = this.#onFree;
    this.#onFree = [];
    for (const notify of listeners) notify();
  }

  /**
   * Waits for the model on behalf of a request of `bytes` bytes. Throws `model_unavailable` if too many requests or
   * bytes are waiting. A single waiting request may exceed the limit: otherwise it could never start a model that is
   * scaled to zero.
   */
  async hold(bytes: number): Promise<LiveModel> {
    if (this.#live !== undefined) return this.#live;
    if (this.#failure?.isAway === true) throw away(this.#failure.reason);
    const isFull = this.#held >= MOST_HELD || this.#heldBytes + bytes > MOST_HELD_BYTES;
    if (this.#held > 0 && isFull) {
      throw new DaisError(
        'model_unavailable',
        `The model is loading, and the limit of ${this.#held} waiting requests is reached.`,
        {
          retryAfter: Math.ceil((this.#loadMs ?? USUAL_LOAD_MS) / 1000),
        },
      );
    }
    this.#held++;
    this.#heldBytes += bytes;
    try {
      const waking = this.wake();
      // The first request starts a model that is scaled to zero, and waits for it.
      return this.served.workers.min === 0 || this.#known !== undefined ? await waking : await this.#whenSoon(waking);
    } finally {
      this.#held--;
      this.#heldBytes -= bytes;
    }
  }

  /** Waits for a load that ends soon. Otherwise throws `model_unavailable` with a retry delay. */
  async #whenSoon(waking: Promise<LiveModel>): Promise<LiveModel> {
    const { clock, journal, loadWaitMs } = this.#dependencies;
    const leftMs = () => {
      const usual = this.#loadMs ?? journal.recordOf(this.served.key).loadMs ?? USUAL_LOAD_MS;
      return usual - (clock.now() - this.#loadingSince);
    };
    const loadingError = () => {
      const seconds = Math.min(LONGEST_RETRY_S, Math.max(1, Math.ceil(leftMs() / 1000)));
      const phase = this.#phase === undefined ? '' : ` (${this.#phase})`;
      return new DaisError('model_unavailable', `The model is loading${phase}. Retry in ${seconds} s.`, {
        retryAfter: seconds,
      });
    };
    if (this.#loading !== undefined && leftMs() > WORTH_WAITING * loadWaitMs) {
      waking.catch(() => {});
      throw loadingError();
    }
    return await new Promise<LiveModel>((resolve, reject) => {
      const cancel = clock.after(loadWaitMs, () => reject(loadingError()));
      waking.then(resolve, reject).finally(cancel);
    });
  }

  /** Loads the model if necessary. Throws `model_unavailable` with the reason. */
  async wake(): Promise<LiveModel> {
    if (this.#live !== undefined) return this.#live;
    const { clock } = this.#dependencies;
    const quarantine = this.#quarantine;
    if (quarantine !== undefined) throw quarantined(quarantine);
    if (this.#closed) throw new DaisError('model_unavailable', 'The model is being unloaded.');
    if (this.#loading === undefined && this.#failure !== undefined) {
      const left = this.#failure.at + this.#failure.pauseMs - clock.now();
      if (left > 0) throw unloadable(this.#failure.reason, left);
    }
    if (this.#loading === undefined) {
      this.#loadingSince = clock.now();
      this.#loading = this.#load();
    }
    return await this.#loading;
  }

  /** The next call retries a failed load without a delay. */
  forgive(): void {
    if (this.#failure !== undefined) this.#failure = { ...this.#failure, at: -LONGEST_PAUSE_MS };
  }

  /** Unloads the model permanently when its last request ends. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelIdle?.();
    this.#cancelScale?.();
    this.#cancelRetry?.();
    await this.#loading?.catch(() => {});
    if (this.#pins > 0) await new Promise<void>((resolve) => this.#onFree.push(resolve));
    await this.#unload();
  }

  stats(): ModelSlotStats {
    const stats = this.#live?.model.stats();
    return {
      key: this.#key,
      project: this.served.project,
      name: this.served.name,
      version: this.served.version ?? '',
      state: this.state,
      reason: this.reason,
      isAway: this.isAway,
      phase: this.#phase,
      engine: this.#known?.engine,
      platform: this.#known?.platform,
      inputs: this.#known?.inputs,
      outputs: this.#known?.outputs,
      batchable: this.#known?.batchable,
      waitingRows: this.#live?.batcher.load.waitingRows ?? 0,
      waitingBytes: this.#live?.batcher.load.waitingBytes ?? this.#heldBytes,
      running: this.#live?.batcher.load.running ?? 0,
      concurrency: this.served.remote === undefined ? (this.#live?.model.concurrency ?? 0) : 0,
      loadMs: this.#loadMs,
      memoryBytes: stats?.memoryBytes ?? 0,
      cpuMs: stats?.cpuMs ?? 0,
      crashes: stats?.crashes ?? 0,
    };
  }

  async #load(): Promise<LiveModel> {
    const { clock, log, memory, queue, journal } = this.#dependencies;
    const { project, name, version, key, files: list } = this.served;
    try {
      await this.#closing;
      this.#phase = 'queued';
      const bytes = list.reduce((sum, file) => sum + file.bytes, 0);
      const turn = { bytes, isSuspect: journal.isSuspect(key) };
      const { model, files } = await queue.run(turn, async () => await this.#attempt());
      this.#failure = undefined;
      this.#known = model;
      this.#usedAt = clock.now();
      this.#live = { model, files, batcher: new Batcher(model, clock, memory) };
      this.#sleepWhenIdle();
      this.#scaleByLoad(this.#live);
      log.info('model loaded', { project, model: name, version, ms: Math.round(this.#loadMs ?? 0) });
      return this.#live;
    } catch (error) {
      const quarantine = this.#quarantine;
      if (quarantine !== undefined) throw quarantined(quarantine);
      const reason = error instanceof DaisError ? error.message : 'Internal server error; the log has details.';
      const isAway = isServerAway(this.served, error);
      const pauseMs = isAway
        ? AWAY_PAUSE_MS
        : Math.min((this.#failure?.pauseMs ?? FIRST_PAUSE_MS / 2) * 2, LONGEST_PAUSE_MS);
      const isNew = this.#failure?.reason !== reason;
      this.#failure = { reason, at: clock.now(), pauseMs, isAway };
      if (isNew || !isAway) log.warn('cannot load a model', { project, model: name, version, error });
      if (!isAway) throw unloadable(reason, pauseMs);
      this.#retryLater();
      throw away(reason);
    } finally {
      this.#loading = undefined;
      this.#phase = undefined;
    }
  }

  #retryLater(): void {
    if (this.#closed) return;
    this.#cancelRetry?.();
    this.#cancelRetry = this.#dependencies.clock.after(AWAY_PAUSE_MS, () => {
      this.forgive();
      this.wake().then(
        () => this.#dependencies.onRetried?.(),
        // The next attempt is scheduled, and the state contains the reason.
        () => {},
      );
    });
  }

  /** Loads the model, with one retry if its process ended. */
  async #attempt(): Promise<LoadedFiles> {
    const { load, journal, log } = this.#dependencies;
    const { project, name, version, key } = this.served;
    for (;;) {
      const startedAt = performance.now();
      await journal.start(key);
      try {
        const loaded = await load(this.served, {
          isProven: journal.recordOf(key).isProven,
          onPhase: (phase) => (this.#phase = phase),
          onEnd: (end) => this.#onEnd(end),
        });
        this.#loadMs = performance.now() - startedAt;
        await journal.succeed(key, this.#loadMs);
        return loaded;
      } catch (error) {
        if (!(error instanceof ProcessEnded)) {
          await journal.fail(key);
          throw error;
        }
        const quarantine = await journal.endWhileLoading(key, error.message);
        log.warn('a model process ended during loading', {
          project,
          model: name,
          version,
          error,
          quarantine,
        });
        if (quarantine !== undefined || this.#closed) throw error;
      }
    }
  }

  /** Returns why the model is not restarted. */
  #onEnd(end: ProcessEnd): string | undefined {
    const { journal, log } = this.#dependencies;
    const { project, name, version, key } = this.served;
    const reason = journal.end(key, end);
    if (reason === undefined) return undefined;
    log.error('model quarantined', { project, model: name, version, reason });
    this.#cancelIdle?.();
    this.#closing = this.#unload().catch((error: unknown) => log.error('cannot unload a model', { error }));
    return quarantined(reason).message;
  }

  #sleepWhenIdle(): void {
    const { clock, log } = this.#dependencies;
    const { min, idleMs } = this.served.workers;
    if (min > 0 || idleMs <= 0) return;
    const left = Math.max(1, this.#usedAt + idleMs - clock.now());
    this.#cancelIdle = clock.after(left, () => {
      if (this.#live === undefined) return;
      if (this.#pins > 0 || clock.now() - this.#usedAt < idleMs) this.#sleepWhenIdle();
      else {
        this.#closing = this.#unload().catch((error: unknown) => log.error('cannot unload a model', { error }));
      }
    });
  }

  /** Runs until this model is unloaded. */
  #scaleByLoad(live: LiveModel): void {
    const { clock, log } = this.#dependencies;
    const { min, max, idleMs } = this.served.workers;
    if (max <= Math.max(1, min)) return;
    const rule = new ScaleRule({ min: Math.max(1, min), max });
    const { project, name, version } = this.served;
    const measure = async () => {
      const load = live.batcher.takeLoad();
      const idle = this.#pins === 0 && idleMs > 0 && clock.now() - this.#usedAt >= idleMs;
      const before = live.model.concurrency;
      const target = idle ? Math.max(1, min) : rule.next({ at: clock.now(), load, workers: before });
      if (target === before) return;
      await live.model.scale(target);
      live.batcher.widen();
      log.info('model scaled', { project, model: name, version, from: before, to: live.model.concurrency, load });
    };
    const scheduleMeasurement = () => {
      if (this.#live !== live || this.#closed) return;
      this.#cancelScale = clock.after(SCALE_EACH_MS, () => {
        measure()
          .catch((error: unknown) => log.warn('cannot scale a model', { project, model: name, version, error }))
          .finally(scheduleMeasurement);
      });
    };
    scheduleMeasurement();
  }

  async #unload(): Promise<void> {
    const live = this.#live;
    this.#cancelScale?.();
    this.#live = undefined;
    await live?.batcher.settled();
    await live?.model.close();
  }
}

function quarantined(reason: string): DaisError {
  return new DaisError(
    'model_unavailable',
    `The model is quarantined and is not loaded until it is resumed (\`dais endpoint resume\`). ${reason}`,
    { retryAfter: QUARANTINE_RETRY_MS / 1000 },
  );
}

function isServerAway({ remote }: ServedModel, error: unknown): boolean {
  return remote !== undefined && error instanceof DaisError && error.code === 'model_unavailable';
}

function away(reason: string): DaisError {
  return new DaisError('model_unavailable', reason, { retryAfter: AWAY_PAUSE_MS / 1000 });
}

function unloadable(reason: string, leftMs: number): DaisError {
  return new DaisError('model_unavailable', `The model could not be loaded: ${reason}`, {
    retryAfter: Math.max(1, Math.ceil(leftMs / 1000)),
  });
}
