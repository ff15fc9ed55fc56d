/** Fetches model files to this machine and builds Python environments, before a gateway loads the models. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { BuiltEnvironment, Environments } from '#engines/environments/contract.ts';
import type { Content } from '#kernel/content/content.ts';
import type { Log } from '#lib/log.ts';
import { fetchModel, type FetchOptions } from './fetch-model.ts';
import type { ModelRow } from './model-rows.ts';

export interface LocalModelDependencies {
  /** Contains one folder per key. */
  readonly folder: string;
  readonly content: Content;
  readonly environments: () => Promise<Environments>;
  readonly peers?: FetchOptions['peers'];
  readonly log: Log;
  /** Called when a requested model is available or has failed. */
  readonly changed: () => void;
}

export type LocalState =
  | { readonly state: 'preparing'; readonly note: string }
  | { readonly state: 'here'; readonly environment?: string }
  | { readonly state: 'failed'; readonly note: string; readonly at: number };

/** Delay before a failed model is retried. */
const RETRY_MS = 30_000;

export class LocalModels {
  readonly #dependencies: LocalModelDependencies;
  readonly #states = new Map<string, LocalState>();
  readonly #held = new Map<string, BuiltEnvironment>();

  constructor(dependencies: LocalModelDependencies) {
    this.#dependencies = dependencies;
  }

  /** Returns the states of all requested models, without what only this node uses. */
  get files(): Readonly<Record<string, { readonly state: LocalState['state']; readonly note?: string }>> {
    return Object.fromEntries(
      [...this.#states].map(([key, one]) => [key, { state: one.state, ...('note' in one && { note: one.note }) }]),
    );
  }

  /** Starts to fetch the model, unless it is available or in progress. */
  want(key: string, model: ModelRow): LocalState {
    const state = this.#states.get(key);
    if (state !== undefined && (state.state !== 'failed' || Date.now() - state.at < RETRY_MS)) return state;
    const preparing: LocalState = { state: 'preparing', note: 'Fetching the files of the model.' };
    this.#states.set(key, preparing);
    this.#fetch(key, model).then(
      (environment) => this.#settle(key, { state: 'here', ...(environment !== undefined && { environment }) }),
      (error: unknown) => {
        const note = error instanceof Error ? error.message : String(error);
        this.#dependencies.log.warn('cannot fetch a model for the gateway', { model: model.label, error });
        this.#settle(key, { state: 'failed', note, at: Date.now() });
      },
    );
    return preparing;
  }

  /** Removes other models from the disk. */
  async keepOnly(keys: ReadonlySet<string>): Promise<void> {
    const existing = await readdir(this.#dependencies.folder).catch(() => []);
    for (const name of existing) {
      const key = name.replace(/\..*$/, '');
      if (keys.has(key)) continue;
      this.#states.delete(key);
      await this.#held.get(key)?.release();
      this.#held.delete(key);
      await rm(join(this.#dependencies.folder, name), { recursive: true, force: true });
    }
  }

  async close(): Promise<void> {
    for (const held of this.#held.values()) await held.release();
    this.#held.clear();
  }

  #settle(key: string, state: LocalState): void {
    this.#states.set(key, state);
    this.#dependencies.changed();
  }

  async #fetch(key: string, model: ModelRow): Promise<string | undefined> {
    const folder = join(this.#dependencies.folder, key);
    const progress = (note: string) => this.#states.set(key, { state: 'preparing', note });
    const { held, environment } = await fetchModel(this.#dependencies, folder, model, progress);
    if (held !== undefined) {
      await this.#held.get(key)?.release();
      this.#held.set(key, held);
    }
    return environment;
  }
}
