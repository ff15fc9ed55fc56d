/** `run/server.json` in the data folder: how the CLI of the same user finds the server that runs there. */
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DaisError } from '@dais/api/errors';
import { writePrivateFile } from '#lib/system/private-file.ts';
import { checkProcess, processIdentity, type ProcessIdentity } from '#lib/system/process-identity.mjs';

export interface ServerFile {
  readonly pid: number;
  /** Where it answers, without a slash at the end. */
  readonly url: string;
  /** Absolute path of the file with the owner token. */
  readonly tokenFile: string;
  /** RFC 3339, UTC. */
  readonly startedAt: string;
  readonly version: string;
  /** Socket of the database that the server manages, for administration. */
  readonly database?: {
    readonly host: string;
    readonly port: number;
    readonly user: string;
    readonly database: string;
  };
  readonly process?: ProcessIdentity;
}

const serverFile = (data: string) => join(data, 'run', 'server.json');

/** The server that runs on a data folder; undefined when none does. */
export async function readServerFile(data: string): Promise<ServerFile | undefined> {
  let file: ServerFile;
  try {
    file = JSON.parse(await readFile(serverFile(data), 'utf8')) as ServerFile;
  } catch {
    return undefined;
  }
  // Remains after a kill -9 or a reboot. The process of another container is unknown: the caller tries the URL.
  return file.process !== undefined && checkProcess(file.process) === 'gone' ? undefined : file;
}

/** @throws DaisError `data_locked` when a living process of this machine runs on the folder. */
export async function refuseSecondServer(data: string): Promise<void> {
  const file = await readServerFile(data);
  if (file?.process === undefined || file.pid === process.pid || checkProcess(file.process) !== 'alive') return;
  throw new DaisError('data_locked', `The data in ${data} is in use by process ${file.pid}, which serves ${file.url}.`);
}

export async function writeServerFile(data: string, file: Omit<ServerFile, 'pid' | 'process'>): Promise<void> {
  const identity = processIdentity(process.pid);
  await mkdir(join(data, 'run'), { recursive: true, mode: 0o700 });
  const whole: ServerFile = { pid: process.pid, ...file, ...(identity !== undefined && { process: identity }) };
  await writePrivateFile(serverFile(data), `${JSON.stringify(whole, undefined, 2)}\n`);
}

export async function removeServerFile(data: string): Promise<void> {
  await rm(serverFile(data), { force: true });
}

/** The owner token, created at the first start. Only users with access to the data folder may have it. */
export async function ownerToken(data: string): Promise<{ readonly file: string; readonly token: string }> {
  const file = join(data, 'owner-token');
  const known = (await readFile(file, 'utf8').catch(() => '')).trim();
  if (/^dais_own_[A-Za-z0-9_-]{43}$/.test(known)) return { file, token: known };
  const token = `dais_own_${randomBytes(32).toString('base64url')}`;
  await writePrivateFile(file, `${token}\n`);
  return { file, token };
}
