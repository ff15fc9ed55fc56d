/**
 * Environments of tasks in the object store: packed once for all attempts, processes and projects of the installation, because environments have no
 * secrets and are the same for the same lock.
 */
import type { Clock } from '#lib/clock.ts';
import type { TaskEnvironment } from '../contract.ts';
import { packEnvironment, type PackedEnvironment } from './environment-archive.ts';
import { environmentPath } from './plan/pod-resources.ts';
import type { NamedStore } from './task-objects.ts';
import { deleteObjects, type StoredBytes, type TaskObjects } from './task-store.ts';

export interface StoredEnvironment extends StoredBytes, Omit<PackedEnvironment, 'bytes'> {
  readonly digest: string;
  /** Milliseconds since 1970; at most a day old. */
  readonly usedAt: number;
}

const DAY_MS = 86_400_000;
/** An environment that no task used for so long is deleted. A task can wait for a node for a week. */
const KEPT_MS = 14 * DAY_MS;
const FORMAT = 1;

export class EnvironmentStore {
  readonly #objects: TaskObjects;
  readonly #root: string;
  readonly #clock: Clock;
  readonly #storing = new Map<string, Promise<StoredEnvironment>>();

  /** `installation` consists of letters, digits and `-`. */
  constructor(objects: TaskObjects, installation: string, clock: Clock) {
    this.#objects = objects;
    this.#root = environmentRoot(installation);
    this.#clock = clock;
  }

  /** Packs the environment unless it is there. @throws DaisError `invalid_request` for an environment that pods cannot have */
  async store(environment: TaskEnvironment & { readonly digest: string }): Promise<StoredEnvironment> {
    const { digest } = environment;
    const storing = this.#storing.get(digest);
    if (storing !== undefined) return await storing;
    const stored = this.#store(environment).finally(() => this.#storing.delete(digest));
    this.#storing.set(digest, stored);
    return await stored;
  }

  async #store(environment: TaskEnvironment & { readonly digest: string }): Promise<StoredEnvironment> {
    const { digest } = environment;
    const usedAt = this.#clock.now();
    const name = `${this.#root}${digest}/${FORMAT}.json`;
    const text = await this.#objects.get(name);
    const known = text && (JSON.parse(text.toString('utf8')) as StoredEnvironment);
    if (known !== undefined && usedAt - known.usedAt < DAY_MS) return known;
    const stored = known ?? (await this.#pack(environment));
    const current = { ...stored, usedAt };
    await this.#objects.put(name, Buffer.from(JSON.stringify(current)));
    return current;
  }

  async #pack(environment: TaskEnvironment & { readonly digest: string }): Promise<Omit<StoredEnvironment, 'usedAt'>> {
    const { digest } = environment;
    const { bytes, ...packed } = await packEnvironment(environment, environmentPath({ lock: digest }));
    // Of two processes, both store the bytes, and the last record counts.
    return { ...packed, digest, ...(await this.#objects.putBytes(`${this.#root}${digest}`, bytes)) };
  }
}

function environmentRoot(installation: string): string {
  return `environments/${installation}/`;
}

/** Deletes environments that were not used for two weeks. Returns their number. @throws errors of the store; the reason of `signal` */
export async function sweepEnvironments({
  objects,
  installation,
  clock,
  signal,
}: {
  readonly objects: NamedStore;
  readonly installation: string;
  readonly clock: Pick<Clock, 'now'>;
  readonly signal?: AbortSignal;
}): Promise<number> {
  const root = environmentRoot(installation);
  const folders = new Map<string, { readonly names: string[]; newest: number }>();
  for await (const { name, modifiedAt } of objects.list(root)) {
    signal?.throwIfAborted();
    const digest = name.slice(root.length, name.indexOf('/', root.length));
    const folder = folders.get(digest) ?? { names: [], newest: 0 };
    folder.names.push(name);
    // The record is written again at each use, at most daily.
    folder.newest = Math.max(folder.newest, modifiedAt.getTime());
    folders.set(digest, folder);
  }
  const unused = [...folders.values()].filter(({ newest }) => newest < clock.now() - KEPT_MS);
  for (const { names } of unused) {
    signal?.throwIfAborted();
    // The record first: without it, the bytes are packed again.
    await deleteObjects(
      objects,
      names.toSorted((a, b) => Number(b.endsWith('.json')) - Number(a.endsWith('.json'))),
    );
  }
  return unused.length;
}
