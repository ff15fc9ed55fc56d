/** Keeps a copy of a collection up to date. Level-triggered: it reports that an object differs, never how it came to that. */
import type { Clock } from '#lib/clock.ts';
import { pause } from '#lib/concurrency/pause.ts';
import type { Log } from '#lib/log.ts';
import { classifyFailure } from './classify-failure.ts';
import type { Selectors } from './call-options.ts';
import type { ClusterClient } from './cluster-client.ts';
import { ConnectionError } from './connection-error.ts';
import { describeCollection, keyOf, type Collection, type KubernetesObject } from './kubernetes-object.ts';
import { WatchBackoff } from './watch-backoff.ts';
import type { WatchEvent } from './watch-events.ts';

export interface ReflectorOptions<T> extends Selectors {
  readonly collection: Collection;
  /** Returns what the cache keeps of an object. Default: all of it. */
  readonly project?: (object: KubernetesObject) => T;
  /**
   * Called after the cache has the new state. `object` is undefined when it no longer exists or is no longer selected.
   * Changes in a short time can be one call.
   */
  readonly changed?: (key: string, object: T | undefined) => void;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  /** Default 90 s. */
  readonly idleMs?: number;
  /** Default 300 s. */
  readonly timeoutSeconds?: number;
}

export interface ReflectorState {
  /** The cache was complete at least once. */
  readonly isSynced: boolean;
  /** Since then (milliseconds since the epoch) the cache may be old. */
  readonly disconnectedSince?: number;
  readonly lastError?: { readonly at: number; readonly message: string };
}

const IDLE_MS = 90_000;
const TIMEOUT_SECONDS = 300;
/** A watch without an event that ends earlier than this was not ended by its timeout. */
const SHORTEST_WATCH_MS = 1_000;

export class Reflector<T = KubernetesObject> {
  /** Resolves when the cache is complete for the first time. Rejects when the reflector is closed before. */
  readonly synced: Promise<void>;
  readonly #client: Pick<ClusterClient, 'list' | 'watch'>;
  readonly #options: ReflectorOptions<T>;
  readonly #backoff: WatchBackoff;
  readonly #cache = new Map<string, T>();
  /** The resourceVersion of each object, which a projection may not contain. */
  readonly #versions = new Map<string, string | undefined>();
  readonly #stop = new AbortController();
  readonly #firstSync = Promise.withResolvers<void>();
  readonly #ended: Promise<void>;
  #resourceVersion: string | undefined;
  #openedAt: number | undefined;
  #state: ReflectorState;

  /** Starts immediately. */
  constructor(client: Pick<ClusterClient, 'list' | 'watch'>, options: ReflectorOptions<T>) {
    this.#client = client;
    this.#options = options;
    this.#backoff = new WatchBackoff(options.random);
    this.#state = { isSynced: false, disconnectedSince: options.clock.now() };
    this.synced = this.#firstSync.promise;
    // A caller that does not wait for it must not end the process.
    this.synced.catch(() => {});
    this.#ended = this.#run();
  }

  /** Objects by `namespace/name`; by `name` for cluster-scoped types. */
  get cache(): ReadonlyMap<string, T> {
    return this.#cache;
  }

  get state(): ReflectorState {
    return this.#state;
  }

  /** Ends the watch and waits for its end. Idempotent. */
  async close(): Promise<void> {
    this.#stop.abort(new Error('the reflector was closed'));
    await this.#ended;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    const { clock } = this.#options;
    while (!signal.aborted) {
      this.#openedAt = undefined;
      try {
        this.#resourceVersion ??= await this.#list();
        await this.#watch(this.#resourceVersion);
      } catch (error) {
        if (signal.aborted) break;
        this.#recordFailure(error);
        const openMs = this.#openedAt === undefined ? 0 : clock.now() - this.#openedAt;
        const { delayMs, relists } = this.#backoff.fail(error, openMs);
        if (relists) this.#resourceVersion = undefined;
        await pause(clock, delayMs, signal).catch(() => {});
      }
    }
    this.#firstSync.reject(new Error(`the reflector of ${describeCollection(this.#options.collection)} was closed`));
  }

  /** Replaces the cache, reports each difference, and returns the resourceVersion of the list. */
  async #list(): Promise<string> {
    const { collection, project = (object) => object as T, labelSelector, fieldSelector } = this.#options;
    const { items, resourceVersion } = await this.#client.list(collection, {
      ...selectors({ labelSelector, fieldSelector }),
      signal: this.#stop.signal,
      project: (object) => ({
        key: keyOf(object),
        version: object.metadata.resourceVersion,
        value: project(object),
      }),
    });
    const present = new Set<string>();
    for (const { key, version, value } of items) {
      present.add(key);
      // An object without a version is always new.
      if (version === undefined || this.#versions.get(key) !== version) this.#put(key, version, value);
    }
    for (const key of [...this.#cache.keys()].filter((one) => !present.has(one))) this.#remove(key);
    this.#state = { ...connected(this.#state), isSynced: true };
    this.#firstSync.resolve();
    return resourceVersion;
  }

  async #watch(from: string): Promise<void> {
    const { collection, clock, idleMs = IDLE_MS, timeoutSeconds = TIMEOUT_SECONDS } = this.#options;
    const { labelSelector, fieldSelector } = this.#options;
    const startedAt = clock.now();
    let count = 0;
    const events = this.#client.watch(collection, {
      ...selectors({ labelSelector, fieldSelector }),
      resourceVersion: from,
      timeoutSeconds,
      idleMs,
      signal: this.#stop.signal,
      opened: () => {
        this.#openedAt = clock.now();
        this.#state = connected(this.#state);
      },
    });
    for await (const event of events) {
      count += 1;
      this.#receive(event);
      this.#backoff.succeed();
    }
    if (count === 0 && clock.now() - startedAt < SHORTEST_WATCH_MS) {
      const what = `The watch of ${describeCollection(collection)} ended immediately.`;
      throw new ConnectionError('closed', `${what} Check proxies between Dais and the API server.`);
    }
  }

  #receive({ type, object }: WatchEvent): void {
    const { resourceVersion } = object.metadata;
    if (type === 'DELETED') this.#remove(keyOf(object));
    else if (type !== 'BOOKMARK') {
      const { project = (one) => one as T } = this.#options;
      this.#put(keyOf(object), resourceVersion, project(object));
    }
    // Last: an event that cannot be processed is received again.
    if (resourceVersion !== undefined) this.#resourceVersion = resourceVersion;
  }

  #put(key: string, version: string | undefined, value: T): void {
    this.#cache.set(key, value);
    this.#versions.set(key, version);
    this.#notify(key, value);
  }

  #remove(key: string): void {
    this.#versions.delete(key);
    if (this.#cache.delete(key)) this.#notify(key, undefined);
  }

  /** An error of the caller's function is logged: it must not end the watch of everyone. */
  #notify(key: string, value: T | undefined): void {
    const { changed, collection, log } = this.#options;
    const record = (error: unknown) => {
      log.error(`A change of ${describeCollection(collection)} was not processed.`, { error, key });
    };
    try {
      // An async function fits the type as well.
      const result: unknown = changed?.(key, value);
      if (result instanceof Promise) result.catch(record);
    } catch (error) {
      record(error);
    }
  }

  #recordFailure(error: unknown): void {
    const at = this.#options.clock.now();
    const message = classifyFailure(error)?.message ?? (error instanceof Error ? error.message : String(error));
    const { isSynced, disconnectedSince = at } = this.#state;
    this.#state = { isSynced, disconnectedSince, lastError: { at, message } };
  }
}

function connected({ isSynced, lastError }: ReflectorState): ReflectorState {
  return { isSynced, ...(lastError !== undefined && { lastError }) };
}

function selectors({
  labelSelector,
  fieldSelector,
}: { [Name in keyof Selectors]: Selectors[Name] | undefined }): Selectors {
  return {
    ...(labelSelector !== undefined && { labelSelector }),
    ...(fieldSelector !== undefined && { fieldSelector }),
  };
}
