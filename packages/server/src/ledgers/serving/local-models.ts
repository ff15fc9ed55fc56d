/** Brings the files of models to this machine and makes what a Python model runs in, before a gateway is told of them. */
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { BuiltEnvironment, Environments } from '#engines/environments/contract.ts';
import type { Content } from '#kernel/content/content.ts';
import type { Log } from '#lib/log.ts';
import type { ModelRow } from './model-rows.ts';

export interface LocalModelParts {
  /** Below it, one folder for each key. */
  readonly folder: string;
  readonly content: Content;
  readonly environments: () => Promise<Environments>;
  readonly log: Log;
  /** Something that was wanted is here, or failed. */
  readonly changed: () => void;
}

export type LocalState =
  | { readonly state: 'preparing'; readonly note: string }
  | { readonly state: 'here'; readonly environment?: string }
  | { readonly state: 'failed'; readonly note: string; readonly at: number };

/** Before what failed is tried again. */
const AGAIN_MS = 30_000;

export class LocalModels {
  readonly #parts: LocalModelParts;
  readonly #states = new Map<string, LocalState>();
  readonly #held = new Map<string, BuiltEnvironment>();

  constructor(parts: LocalModelParts) {
    this.#parts = parts;
  }

  stateOf(key: string): LocalState | undefined {
    return this.#states.get(key);
  }

  /** Begins to bring it, unless it is here or on its way. */
  want(key: string, model: ModelRow): LocalState {
    const state = this.#states.get(key);
    if (state !== undefined && (state.state !== 'failed' || Date.now() - state.at < AGAIN_MS)) return state;
    const begun: LocalState = { state: 'preparing', note: 'Its files are brought here.' };
    this.#states.set(key, begun);
    this.#bring(key, model).then(
      (environment) => this.#settle(key, { state: 'here', ...(environment !== undefined && { environment }) }),
      (error: unknown) => {
        const note = error instanceof Error ? error.message : String(error);
        this.#parts.log.warn('a model could not be brought to its gateway', { model: model.label, error });
        this.#settle(key, { state: 'failed', note, at: Date.now() });
      },
    );
    return begun;
  }

  /** Others go from the disk. */
  async keepOnly(keys: ReadonlySet<string>): Promise<void> {
    const there = await readdir(this.#parts.folder).catch(() => []);
    for (const name of there) {
      const key = name.replace(/\..*$/, '');
      if (keys.has(key)) continue;
      this.#states.delete(key);
      await this.#held.get(key)?.release();
      this.#held.delete(key);
      await rm(join(this.#parts.folder, name), { recursive: true, force: true });
    }
  }

  async close(): Promise<void> {
    for (const held of this.#held.values()) await held.release();
    this.#held.clear();
  }

  #settle(key: string, state: LocalState): void {
    this.#states.set(key, state);
    this.#parts.changed();
  }

  async #bring(key: string, model: ModelRow): Promise<string | undefined> {
    const folder = join(this.#parts.folder, key);
    const there = await stat(folder).catch(() => undefined);
    if (there === undefined) await this.#copy(folder, model);
    const { python } = model.described;
    if (python === null) return undefined;
    const { version, requirements } = python;
    const progress = ({ note }: { readonly note: string }) =>
      this.#states.set(key, { state: 'preparing', note: `Its environment is built: ${note}` });
    const engine = await this.#parts.environments();
    const spec = {
      type: 'python' as const,
      // The micro version that trained it may not be had; the minor one decides what its files mean.
      ...(version !== null && { version: version.split('.').slice(0, 2).join('.') }),
      requirements,
      indexes: [],
    };
    const built = await engine.build(await engine.lock(spec, { progress }), { progress });
    await this.#held.get(key)?.release();
    this.#held.set(key, built);
    return dirname(built.path[0] ?? built.folders[0] ?? '');
  }

  /** Whole or not at all, and every file with the digest that was asked for. Readable: a process of a model may have a user of its own. */
  async #copy(folder: string, { project_id: projectId, artifacts, described, label }: ModelRow): Promise<void> {
    const unfinished = `${folder}.part`;
    await rm(unfinished, { recursive: true, force: true });
    for (const { path, digest } of described.files) {
      const to = join(unfinished, path);
      await mkdir(dirname(to), { recursive: true, mode: 0o755 });
      const { bytes } = await this.#parts.content.open({ projectId, uid: projectId }, `${artifacts}/${path}`);
      const hash = createHash('sha256');
      const measure = new Transform({
        transform(chunk: Buffer, _encoding, done) {
          hash.update(chunk);
          done(null, chunk);
        },
      });
      await pipeline(bytes, measure, createWriteStream(to, { mode: 0o444 }));
      if (hash.digest('hex') !== digest) throw new Error(`${path} of ${label} was replaced by other bytes`);
    }
    await rename(unfinished, folder);
  }
}
