/** Local files that are pushed. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { DaisError } from '@dais/api';
import type { Context } from '#context.ts';
import { bytesText } from '#output/amounts.ts';

export interface LocalFile {
  /** Absolute. */
  readonly path: string;
  /** The path in problems: the given path, or the path relative to the given folder. */
  readonly name: string;
  readonly bytes: number;
}

/** Returns all named files, and all files in named folders and their subfolders, sorted by name. Omits hidden ones. */
export async function findFiles(context: Context, given: readonly string[]): Promise<readonly LocalFile[]> {
  const found: LocalFile[] = [];
  for (const one of given) {
    const path = resolve(context.workingFolder, one);
    const about = await stat(path).catch(() => undefined);
    if (about === undefined) throw new DaisError('invalid_request', `File not found: ${one}.`);
    if (about.isFile()) found.push({ path, name: basename(path), bytes: about.size });
    else if (about.isDirectory()) found.push(...(await filesBelow(path, '')));
    else throw new DaisError('invalid_request', `${one} is neither a file nor a folder.`);
  }
  if (found.length === 0) throw new DaisError('invalid_request', `No files in ${given.join(', ')}.`);
  return found;
}

async function filesBelow(folder: string, prefix: string): Promise<LocalFile[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const found: LocalFile[] = [];
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    // Links are not followed: they may lead out of the folder, or in a cycle.
    if (entry.name.startsWith('.')) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) found.push(...(await filesBelow(path, `${prefix}${entry.name}/`)));
    else if (entry.isFile()) found.push({ path, name: `${prefix}${entry.name}`, bytes: (await stat(path)).size });
  }
  return found;
}

/** SHA-256 of each, with progress. */
export async function withDigests(
  context: Context,
  files: readonly LocalFile[],
): Promise<readonly (LocalFile & { readonly sha256: string })[]> {
  const all = files.reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  const result: (LocalFile & { readonly sha256: string })[] = [];
  for (const file of files) {
    result.push({ ...file, sha256: await fileDigest(file.path, context.signal) });
    done += file.bytes;
    context.terminal.progress(`Hashing ${files.length} files: ${bytesText(done)} of ${bytesText(all)}`);
  }
  context.terminal.progress('');
  return result;
}

export async function fileDigest(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  const stream = createReadStream(path, { highWaterMark: 1 << 20, ...(signal !== undefined && { signal }) });
  for await (const chunk of stream) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
