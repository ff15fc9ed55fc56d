/** The server that runs on this machine, from `run/server.json` in its data folder. */
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Environment } from '#environment.ts';

export interface LocalServer {
  readonly url: string;
  readonly pid: number;
  readonly token: string | undefined;
}

/** The default data folders of `dais up`, the most likely first. */
export function dataFolders(environment: Environment, given?: string): readonly string[] {
  if (given !== undefined) return [resolve(given)];
  if (environment.data !== undefined) return [resolve(environment.data)];
  const own = join(environment.home, '.dais');
  return environment.isRoot ? ['/var/lib/dais', own] : [own];
}

/** Undefined when none runs there, or when another user owns it and it cannot be read. */
export async function findLocalServer(folder: string): Promise<LocalServer | undefined> {
  let text: string;
  try {
    text = await readFile(join(folder, 'run', 'server.json'), 'utf8');
  } catch {
    return undefined;
  }
  const found = parseServerFile(text);
  if (found === undefined || !isRunning(found.pid)) return undefined;
  const token = found.tokenFile === undefined ? undefined : await readToken(resolve(folder, found.tokenFile));
  return { url: found.url, pid: found.pid, token };
}

function parseServerFile(text: string): { url: string; pid: number; tokenFile: string | undefined } | undefined {
  try {
    const { url, pid, tokenFile } = JSON.parse(text) as Record<string, unknown>;
    if (typeof url !== 'string' || typeof pid !== 'number') return undefined;
    return { url, pid, tokenFile: typeof tokenFile === 'string' ? tokenFile : undefined };
  } catch {
    return undefined;
  }
}

async function readToken(file: string): Promise<string | undefined> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch {
    return undefined;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It runs as another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
