/** Files that a task left. Its folder is hostile: links lead anywhere, names are any bytes, and a pipe would never end. */
import { constants } from 'node:fs';
import { lstat, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { DaisError } from '@dais/api';
import type { OutputFile, TaskOutput } from '../contract.ts';

/** @throws DaisError `invalid_request` for a name that is not UTF-8: it has no path that could be told. */
export async function* outputFiles(work: string, outputs: readonly TaskOutput[]): AsyncIterable<OutputFile> {
  for (const output of outputs) {
    if (await behindLink(work, output.path)) continue;
    yield* walk(output, work, output.path, '');
  }
}

async function* walk(output: TaskOutput, work: string, at: string, path: string): AsyncIterable<OutputFile> {
  const place = join(work, at);
  const stat = await lstat(place, { bigint: true }).catch(() => undefined);
  if (stat === undefined) return;
  if (stat.isFile()) {
    yield {
      output: output.name,
      path,
      size: Number(stat.size),
      executable: (stat.mode & 0o111n) !== 0n,
      open: async () => await openFile(place, at, stat),
    };
    return;
  }
  if (!stat.isDirectory()) return;
  const entries = await readdir(place, { encoding: 'buffer', withFileTypes: true });
  // As whole paths are ordered: a folder's name counts with its slash.
  const names = entries
    .filter((entry) => entry.isFile() || entry.isDirectory())
    .map((entry) => ({ name: utf8(entry.name as unknown as Buffer, at), slash: entry.isDirectory() ? '/' : '' }))
    .toSorted((a, b) => Buffer.compare(Buffer.from(a.name + a.slash), Buffer.from(b.name + b.slash)));
  for (const { name } of names) {
    yield* walk(output, work, `${at}/${name}`, path === '' ? name : `${path}/${name}`);
  }
}

/** Whether a part of the way is a link, or no folder. */
async function behindLink(work: string, path: string): Promise<boolean> {
  const parts = path.split('/');
  for (let depth = 1; depth < parts.length; depth++) {
    const stat = await lstat(join(work, ...parts.slice(0, depth))).catch(() => undefined);
    if (stat === undefined || !stat.isDirectory()) return true;
  }
  return false;
}

async function openFile(
  place: string,
  at: string,
  seen: { readonly ino: bigint; readonly dev: bigint },
): Promise<Readable> {
  const handle = await open(place, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  const stat = await handle.stat({ bigint: true });
  if (stat.ino !== seen.ino || stat.dev !== seen.dev) {
    await handle.close();
    throw new DaisError('conflict', `${at} is not the file that was listed.`);
  }
  return handle.createReadStream();
}

function utf8(name: Buffer, folder: string): string {
  const text = name.toString('utf8');
  if (Buffer.from(text, 'utf8').equals(name)) return text;
  const shown = name.toString('latin1').replaceAll(/[^\x21-\x7e]/g, '?');
  throw new DaisError(
    'invalid_request',
    `In ${folder} the task left a file whose name is not UTF-8 (${shown}): rename it.`,
  );
}
