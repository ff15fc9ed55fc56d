/** Tokens of `dais login`, by server: a file that only the user can read. */
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DaisError } from '@dais/api';
import type { Environment } from '#environment.ts';

export interface Credential {
  readonly token: string;
  readonly user: string;
  /** RFC 3339, UTC; absent: unknown. */
  readonly expiresAt?: string;
}

interface CredentialFile {
  readonly servers: Readonly<Record<string, Credential>>;
}

export function credentialPath({ home, variables }: Pick<Environment, 'home' | 'variables'>): string {
  const configured = variables['XDG_CONFIG_HOME'];
  const folder = configured === undefined || configured === '' ? join(home, '.config') : configured;
  return join(folder, 'dais', 'credentials.json');
}

/**
 * Returns the stored credential of a server. Undefined when there is none, or it has expired at `nowMs`. @throws
 * DaisError `invalid_config` when the file cannot be used, `forbidden` when others can read it.
 */
export async function readCredential(path: string, url: string, nowMs: number): Promise<Credential | undefined> {
  const { servers } = await readCredentials(path);
  const found = Object.hasOwn(servers, serverKey(url)) ? servers[serverKey(url)] : undefined;
  const ended = found?.expiresAt !== undefined && Date.parse(found.expiresAt) <= nowMs;
  return ended ? undefined : found;
}

/** Stores a credential; undefined removes the present one. The file is replaced atomically. */
export async function writeCredential(path: string, url: string, credential: Credential | undefined): Promise<void> {
  const { [serverKey(url)]: _, ...others } = (await readCredentials(path)).servers;
  const servers = credential === undefined ? others : { ...others, [serverKey(url)]: credential };
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    await writeFile(temporary, `${JSON.stringify({ servers }, undefined, 2)}\n`, { mode: 0o600, flag: 'wx' });
    // A new file gets its mode through the umask: this sets the exact mode.
    await chmod(temporary, 0o600);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function readCredentials(path: string): Promise<CredentialFile> {
  let text: string;
  try {
    const { mode } = await stat(path);
    if ((mode & 0o077) !== 0) {
      throw new DaisError('forbidden', `${path} is readable by other users and is ignored. Run: chmod 600 ${path}.`);
    }
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { servers: {} };
    throw error;
  }
  try {
    const { servers } = JSON.parse(text) as CredentialFile;
    if (typeof servers === 'object' && servers !== null) return { servers };
  } catch {
    // Reported below.
  }
  throw new DaisError('invalid_config', `${path} is not a valid credentials file. Remove it and sign in again.`);
}

/** Normalizes a server URL. */
function serverKey(url: string): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname.replace(/\/+$/, '')}`;
}
