/** The files of a model on this machine, and its Python environment. */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Transform, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { BuiltEnvironment, Environments } from '#engines/environments/contract.ts';
import type { Content } from '#kernel/content/content.ts';
import type { ModelRow } from './model-rows.ts';

export interface FetchOptions {
  readonly content: Content;
  readonly environments: () => Promise<Environments>;
  /** Opens a file by its digest at another node, if the object store fails. Undefined: no node has it. */
  readonly peers?: ((digest: string) => Promise<Readable | undefined>) | undefined;
}

export interface FetchedModel {
  /** The folder of the interpreter, for a model that needs Python. */
  readonly environment?: string;
  /** Held until it is released; undefined: no environment. */
  readonly held?: BuiltEnvironment;
}

/**
 * Fetches the files to `folder` unless they are present and intact, and builds the environment, with the packages
 * `more`.
 */
export async function fetchModel(
  options: FetchOptions,
  folder: string,
  model: ModelRow,
  progress: (note: string) => void,
  more: readonly string[] = [],
): Promise<FetchedModel> {
  if (!(await isWhole(folder, model))) {
    await rm(folder, { recursive: true, force: true });
    await copyFiles(options, folder, model);
  }
  const { python } = model.description;
  if (python === null) return {};
  const { version, requirements } = python;
  const reportProgress = ({ note }: { readonly note: string }) => progress(`Building the Python environment: ${note}`);
  const engine = await options.environments();
  const spec = {
    type: 'python' as const,
    // The micro version of the training may be unavailable; the minor version determines the file formats.
    ...(version !== null && { version: version.split('.').slice(0, 2).join('.') }),
    requirements: [...requirements, ...more],
    indexes: [],
  };
  const held = await engine.build(await engine.lock(spec, { progress: reportProgress }), { progress: reportProgress });
  return { held, environment: dirname(held.path[0] ?? held.folders[0] ?? '') };
}

/** Whether every file is present with its digest: the disk may have damaged a copy of an earlier process. */
async function isWhole(folder: string, { description: described }: ModelRow): Promise<boolean> {
  if ((await stat(folder).catch(() => undefined)) === undefined) return false;
  for (const { path, digest } of described.files) {
    const hash = createHash('sha256');
    try {
      await pipeline(createReadStream(join(folder, path)), hash);
    } catch {
      return false;
    }
    if (hash.digest('hex') !== digest) return false;
  }
  return true;
}

/**
 * Atomic, and every file is verified by its digest. Readable for all: the process of a model may run as another user.
 */
async function copyFiles(
  { content, peers }: FetchOptions,
  folder: string,
  { project_id: projectId, artifacts, description: described, label }: ModelRow,
): Promise<void> {
  const unfinished = `${folder}.part`;
  await rm(unfinished, { recursive: true, force: true });
  // A model of another server has no files.
  await mkdir(unfinished, { recursive: true, mode: 0o755 });
  for (const { path, digest } of described.files) {
    const to = join(unfinished, path);
    await mkdir(dirname(to), { recursive: true, mode: 0o755 });
    const copy = async (bytes: Readable) => {
      const found = await copyFile(bytes, to);
      if (found !== digest) throw new Error(`the bytes of ${path} of ${label} do not match their digest`);
    };
    try {
      await copy((await content.open({ projectId, uid: projectId }, `${artifacts}/${path}`)).bytes);
    } catch (error) {
      const bytes = await peers?.(digest).catch(() => undefined);
      if (bytes === undefined) throw error;
      await rm(to, { force: true });
      await copy(bytes);
    }
  }
  await rename(unfinished, folder);
}

/** Returns the SHA-256 of the bytes, hex. */
async function copyFile(bytes: Readable, to: string): Promise<string> {
  const hash = createHash('sha256');
  const measure = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  await pipeline(bytes, measure, createWriteStream(to, { mode: 0o444 }));
  return hash.digest('hex');
}
