/**
 * Output files of a task. Its folder is untrusted: links may point anywhere, names are any bytes, a pipe never ends, and a file
 * may be sparse or still grow. Folders are opened one by one through their descriptors, so that a path beyond the limit of the
 * kernel hides nothing, and no link leads out of the folder.
 */
import { constants } from 'node:fs';
import { lstat, open, readdir, type FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { DaisError } from '@dais/api/errors';
import type { OutputFile, TaskOutput } from './contract.ts';
import { DEEPEST_FOLDER, openFolder, pathIn } from './open-folder.ts';

/** @throws DaisError `invalid_request` for a name that is not UTF-8, and for folders that are nested too deep. */
export async function* outputFiles(work: string, outputs: readonly TaskOutput[]): AsyncIterable<OutputFile> {
  for (const output of outputs) {
    const folder = await parentFolder(work, output.path);
    if (folder === undefined) continue;
    try {
      yield* walk({ output, work }, { folder, name: nameOf(output.path), path: '', depth: 0 });
    } finally {
      await folder.close();
    }
  }
}

interface OutputLocation {
  readonly output: TaskOutput;
  readonly work: string;
}

interface Entry {
  readonly folder: FileHandle;
  readonly name: string;
  /** Below the path of the output. */
  readonly path: string;
  readonly depth: number;
}

async function* walk(of: OutputLocation, { folder, name, path, depth }: Entry): AsyncIterable<OutputFile> {
  const location = pathIn(folder, name);
  const stat = await lstat(location, { bigint: true }).catch(() => undefined);
  if (stat === undefined) return;
  const { output } = of;
  if (stat.isFile()) {
    yield {
      output: output.name,
      path,
      size: Number(stat.size),
      identity: `${stat.dev}:${stat.ino}`,
      executable: (stat.mode & 0o111n) !== 0n,
      open: async () => await openFile(of, path, stat),
    };
    return;
  }
  if (!stat.isDirectory()) return;
  if (depth > DEEPEST_FOLDER) throw tooDeep(output);
  const inner = await openFolder(folder, name);
  if (inner === undefined) return;
  try {
    const entries = await readdir(pathIn(inner, '.'), { encoding: 'buffer', withFileTypes: true });
    // Ordered like whole paths: the name of a folder includes its slash.
    const names = entries
      .filter((entry) => entry.isFile() || entry.isDirectory())
      .map((entry) => ({
        name: utf8(entry.name as unknown as Buffer, join(output.path, path)),
        slash: entry.isDirectory() ? '/' : '',
      }))
      .toSorted((a, b) => Buffer.compare(Buffer.from(a.name + a.slash), Buffer.from(b.name + b.slash)));
    for (const one of names) {
      yield* walk(of, { folder: inner, name: one.name, path: join(path, one.name), depth: depth + 1 });
    }
  } finally {
    await inner.close();
  }
}

/** Opens the parent folder of a path. Undefined when it is missing or behind a link. */
async function parentFolder(work: string, path: string): Promise<FileHandle | undefined> {
  let folder = await open(work, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW).catch(
    () => undefined,
  );
  for (const name of path.split('/').slice(0, -1)) {
    if (folder === undefined) return undefined;
    const outer: FileHandle = folder;
    folder = await openFolder(outer, name);
    await outer.close();
  }
  return folder;
}

interface SeenFile {
  readonly ino: bigint;
  readonly dev: bigint;
  readonly size: bigint;
}

/** Streams exactly the listed bytes, however the file changes during the read. */
async function openFile({ output, work }: OutputLocation, path: string, seen: SeenFile): Promise<Readable> {
  const at = join(output.path, path);
  const folder = await parentFolder(work, at);
  if (folder === undefined) throw changed(at);
  let handle: FileHandle;
  try {
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    handle = await open(pathIn(folder, nameOf(at)), flags);
  } finally {
    await folder.close();
  }
  const stat = await handle.stat({ bigint: true });
  if (stat.ino !== seen.ino || stat.dev !== seen.dev || stat.size !== seen.size) {
    await handle.close();
    throw changed(at);
  }
  if (seen.size === 0n) {
    await handle.close();
    return Readable.from([]);
  }
  return handle.createReadStream({ end: Number(seen.size) - 1, highWaterMark: READ_BYTES });
}

const READ_BYTES = 256 * 1024;

function changed(at: string): DaisError {
  return new DaisError('conflict', `${at} changed after the command ended, so it differs from the listed file.`);
}

function tooDeep({ name }: TaskOutput): DaisError {
  return new DaisError(
    'invalid_request',
    `Output \`${name}\` has folders nested more than ${DEEPEST_FOLDER} deep. Flatten them, or pack them into an archive.`,
  );
}

function join(folder: string, name: string): string {
  if (folder === '' || name === '') return folder + name;
  return `${folder}/${name}`;
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function utf8(name: Buffer, folder: string): string {
  const text = name.toString('utf8');
  if (Buffer.from(text, 'utf8').equals(name)) return text;
  const shown = name.toString('latin1').replaceAll(/[^\x21-\x7e]/g, '?');
  throw new DaisError(
    'invalid_request',
    `The task wrote a file in ${folder} whose name is not UTF-8 (${shown}). Rename the file in the command.`,
  );
}
