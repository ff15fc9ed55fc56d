/** Updates node_modules to the state of package-lock.json, and does nothing when it matches. Runs before any dependency. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { root, runCommand } from './command.mjs';
import { cacheFolder } from './environment.mjs';
import { withProcessLock } from '../packages/server/src/lib/system/process-lock.mjs';

/**
 * @typedef {{ version?: string, integrity?: string, link?: boolean, optional?: boolean, os?: string[], cpu?: string[] }} Entry
 * @typedef {{ packages: Record<string, Entry> }} Lock
 */

/**
 * True when `npm ci` has something to do in a folder that has a package-lock.json.
 * @param {string} [folder] default: the repository
 */
export function installNeeded(folder = root) {
  const lockText = readFileSync(join(folder, 'package-lock.json'), 'utf8');
  const stamp = stampFile(folder);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === stampOf(lockText)) return false;
  const installed = join(folder, 'node_modules', '.package-lock.json');
  if (!existsSync(installed)) return true;
  return !samePackages(JSON.parse(lockText), JSON.parse(readFileSync(installed, 'utf8')));
}

/**
 * Runs `npm ci` when the lock requires it; once, even for concurrent processes.
 * @param {(done: number, total: number) => void} [report] packages fetched
 * @param {string} [folder] default: the repository
 * @throws Error with the output of npm and the variables to set
 */
export async function ensureInstalled(report, folder = root) {
  if (installNeeded(folder)) {
    const lock = `install-${createHash('sha256').update(folder).digest('hex').slice(0, 16)}`;
    await withProcessLock(join(cacheFolder(), 'locks', lock), async () => {
      if (installNeeded(folder)) await install(folder, report);
    });
  }
  const expected = stampOf(readFileSync(join(folder, 'package-lock.json'), 'utf8'));
  const stamp = stampFile(folder);
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== expected) writeFileSync(stamp, expected);
}

/**
 * @param {string} folder
 * @param {((done: number, total: number) => void) | undefined} report
 */
async function install(folder, report) {
  const total = packageCount(folder);
  let done = 0;
  // npm has no progress of its own without a terminal; at this level it names each tarball that it fetches.
  const result = await runCommand('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=http'], {
    cwd: folder,
    quiet: true,
    // Its script would fetch the runtime for graphics cards from elsewhere; what is in the package is what we use.
    env: { ONNXRUNTIME_NODE_INSTALL: 'skip' },
    onOutput: (chunk) => {
      done = Math.min(total, done + (chunk.match(/fetch GET 200 \S+\.tgz/g)?.length ?? 0));
      report?.(done, total);
    },
  });
  if (result.code === 0) {
    dropOtherPlatforms(folder);
    return;
  }
  const printed = result.output.split('\n').filter((line) => !/^npm (http|warn EBADENGINE)/.test(line));
  // The cause comes first; a page of usage may follow.
  throw new Error(
    `npm ci failed:\n${printed.join('\n').slice(0, 4000)}\nIf the registry cannot be reached: set npm_config_registry to a ` +
      'mirror, HTTPS_PROXY to a proxy, or NODE_EXTRA_CA_CERTS to the certificates of a proxy that reads TLS.',
  );
}

/**
 * The package of the ONNX runtime contains the libraries of every platform: 245 MB of 290 are unused here.
 * @param {string} folder
 */
export function dropOtherPlatforms(folder) {
  const libraries = join(folder, 'node_modules', 'onnxruntime-node', 'bin');
  if (!existsSync(libraries)) return;
  for (const location of readdirSync(libraries, { recursive: true, encoding: 'utf8' })) {
    // napi-v6/linux/x64
    const [, platform, cpu, ...inside] = location.split(sep);
    if (cpu === undefined || inside.length > 0) continue;
    if (platform === process.platform && cpu === process.arch) continue;
    rmSync(join(libraries, location), { recursive: true, force: true });
  }
}

/**
 * What `npm ci` will install here: packages of other platforms are left out.
 * @param {string} folder
 */
function packageCount(folder) {
  /** @type {Lock} */
  const lock = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8'));
  const here = (/** @type {readonly string[] | undefined} */ list, /** @type {string} */ value) =>
    list === undefined || list.includes(value);
  return Object.entries(lock.packages).filter(
    ([path, entry]) =>
      path.includes('node_modules/') &&
      !entry.link &&
      here(entry.os, process.platform) &&
      here(entry.cpu, process.arch),
  ).length;
}

/** @param {string} folder */
function stampFile(folder) {
  return join(folder, 'node_modules', '.dais-lock');
}

/**
 * The lock alone is not enough: native packages are chosen by platform.
 * @param {string} lockText
 */
function stampOf(lockText) {
  return createHash('sha256').update(`${lockText}\n${process.platform} ${process.arch}`).digest('hex');
}

/**
 * npm writes what it installed in the form of the lock. Optional packages of other platforms are left out there.
 * @param {Lock} expected
 * @param {Lock} installed
 */
export function samePackages(expected, installed) {
  for (const [path, entry] of Object.entries(expected.packages)) {
    if (!path.includes('node_modules/')) continue;
    const there = installed.packages[path];
    if (!there && !entry.optional) return false;
    if (there && (there.version !== entry.version || there.integrity !== entry.integrity)) return false;
  }
  return Object.keys(installed.packages).every((path) => path in expected.packages);
}
