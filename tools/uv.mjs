/**
 * Brings `uv`, which builds every Python environment of Dais: one pinned version, from its wheel, by checksum. It needs
 * neither pip nor the venv module, which Debian does not install with Python, and nothing is installed system-wide.
 */
import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { downloadFile, downloadText } from './download.mjs';
import { cacheFolder, environment } from './environment.mjs';
import { withFileLock } from './file-lock.mjs';
import { findInFolders, INDEX_HELP, packageIndex } from './package-index.mjs';
import { findPython } from './python.mjs';

const execute = promisify(execFile);

/**
 * @typedef {object} Wheel
 * @property {string} file
 * @property {number} bytes
 * @property {string} sha256
 */

/** @type {{ version: string, wheels: Record<string, Wheel> }} */
const release = new URL('../packages/server/src/engines/environments/uv/uv-release.json', import.meta.url);
const pinned = JSON.parse(readFileSync(release, 'utf8'));

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
 * The path of the pinned uv; downloaded on first use, once even when several processes ask.
 * @param {(done: number, total: number) => void} [progress] bytes
 * @returns {Promise<string>}
 * @throws Error that names the address, the reason and the variables to set
 */
export async function uv(progress) {
  const path = uvPath();
  if (existsSync(path)) return path;
  return await withFileLock(join(cacheFolder(), 'locks', `uv-${UV_VERSION}`), async () => {
    if (!existsSync(path)) await install(path, progress);
    return path;
  });
}

/**
 * Puts the pinned wheel of uv for this platform into a folder, for a machine that has no Python package index: there the
 * folder is named with UV_FIND_LINKS. Does nothing when the wheel is there.
 * @param {string} folder made when missing
 * @returns {Promise<string>} the path of the wheel
 * @throws Error that names the address, the reason and the variables to set
 */
export async function uvWheel(folder) {
  const wheel = wheelHere();
  const path = join(folder, wheel.file);
  if (existsSync(path)) return path;
  mkdirSync(folder, { recursive: true });
  const part = `${path}.${process.pid}`;
  try {
    await bring(wheel, part, (await findPython()).path, undefined);
    renameSync(part, path);
  } finally {
    rmSync(part, { force: true });
  }
  return path;
}

/**
 * The environment in which to run uv: the variables of this process, what pip's variables and files say in uv's words,
 * and its caches inside ours.
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
  const wheel = pinned.wheels[platform];
  if (!wheel) throw new Error(`there is no pinned uv for ${platform}; name one of your own with DAIS_UV=/path/to/uv`);
  return wheel;
}

/**
 * @param {string} path
 * @param {((done: number, total: number) => void) | undefined} progress
 */
async function install(path, progress) {
  const wheel = wheelHere();
  const python = await findPython();
  const folder = join(path, '..');
  const work = `${folder}.${process.pid}`;
  mkdirSync(work, { recursive: true });
  try {
    const file = join(work, wheel.file);
    await bring(wheel, file, python.path, progress);
    await execute(python.path, ['-m', 'zipfile', '-e', file, join(work, 'wheel')]);
    const binary = join(work, 'wheel', `uv-${UV_VERSION}.data`, 'scripts', 'uv');
    chmodSync(binary, 0o755);
    const { stdout } = await execute(binary, ['--version']);
    if (!stdout.startsWith(`uv ${UV_VERSION}`)) throw new Error(`${wheel.file} holds ${stdout.trim()}`);
    mkdirSync(folder, { recursive: true });
    renameSync(binary, path);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/**
 * @param {Wheel} wheel
 * @param {string} path
 * @param {string} python
 * @param {((done: number, total: number) => void) | undefined} progress
 */
async function bring(wheel, path, python, progress) {
  const index = await packageIndex(python, environment);
  const local = findInFolders(index, wheel.file);
  if (local) {
    const { createHash } = await import('node:crypto');
    const content = readFileSync(local);
    const digest = createHash('sha256').update(content).digest('hex');
    if (digest !== wheel.sha256) throw new Error(`${local} has SHA-256 ${digest}, but ${wheel.sha256} is pinned`);
    writeFileSync(path, content);
    return;
  }
  try {
    const url = await fileAddress(index.url, wheel.file);
    await downloadFile({ url, sha256: wheel.sha256, bytes: wheel.bytes, path, ...(progress && { progress }) });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`uv ${UV_VERSION} could not be downloaded from the index of ${index.from}: ${why}; ${INDEX_HELP}`, {
      cause: error,
    });
  }
}

/**
 * The address of one file of the project `uv`, from the index's simple API in either of its forms (JSON: PEP 691,
 * HTML: PEP 503; mirrors often have only the second).
 * @param {string} index
 * @param {string} file
 */
async function fileAddress(index, file) {
  const page = `${index}/uv/`;
  const { type, text } = await downloadText(page, 'application/vnd.pypi.simple.v1+json, text/html;q=0.5');
  const address = type.includes('json') ? addressInJson(text, file) : addressInHtml(text, file);
  if (!address) throw new Error(`${page} does not list ${file}`);
  const url = new URL(address, page);
  url.hash = '';
  return url.href;
}

/**
 * @param {string} text
 * @param {string} file
 * @returns {string | undefined}
 */
export function addressInJson(text, file) {
  /** @type {{ files: { filename: string, url: string }[] }} */
  const { files } = JSON.parse(text);
  return files.find((entry) => entry.filename === file)?.url;
}

/**
 * @param {string} text
 * @param {string} file
 * @returns {string | undefined}
 */
export function addressInHtml(text, file) {
  for (const match of text.matchAll(/<a\b[^>]*?\bhref\s*=\s*["']([^"']+)["'][^>]*>([^<]*)<\/a>/gi)) {
    const [, href = '', label = ''] = match;
    if (label.trim() === file || href.split('#')[0]?.endsWith(`/${file}`)) return href.replaceAll('&amp;', '&');
  }
  return undefined;
}
