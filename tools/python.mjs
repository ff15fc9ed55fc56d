/** Finds a Python that Dais can build environments with. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { environment } from './environment.mjs';

const execute = promisify(execFile);

/** 3.11 is the oldest that the pinned peers and dais_worker are tested with; it is what Debian 12 has. */
export const MINIMUM_PYTHON = Object.freeze([3, 11]);

/** A machine that reads and writes much else may take 10 s to start a Python for the first time. */
const ANSWERS_WITHIN_MS = 120_000;

const CANDIDATES = ['python3', 'python3.13', 'python3.12', 'python3.11'];

/**
 * @typedef {object} Python
 * @property {string} path the real interpreter, behind shims and links
 * @property {string} version for example `3.11.2`
 */

/**
 * The first Python >= 3.11: `DAIS_PYTHON` alone when it is set, else `python3` and then the versioned names.
 * @returns {Promise<Python>}
 * @throws Error that names what was found and how to get one
 */
export async function findPython() {
  const named = environment.DAIS_PYTHON;
  const tried = [];
  for (const candidate of named ? [named] : CANDIDATES) {
    const found = await inspect(candidate);
    if ('path' in found && isNewEnough(found.version)) return found;
    tried.push(`${candidate} ${'path' in found ? `is ${found.version}` : found.why}`);
  }
  const expected = MINIMUM_PYTHON.join('.');
  throw new Error(
    `Python >= ${expected} is needed (${tried.join(', ')}). On Debian or Ubuntu: apt-get install python3. ` +
      'Another interpreter can be named with DAIS_PYTHON=/path/to/python3.',
  );
}

/**
 * @param {string} version
 * @returns {boolean}
 */
export function isNewEnough(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [requiredMajor = 0, requiredMinor = 0] = MINIMUM_PYTHON;
  return major > requiredMajor || (major === requiredMajor && minor >= requiredMinor);
}

/**
 * @param {string} command
 * @returns {Promise<Python | { why: string }>}
 */
async function inspect(command) {
  try {
    const { stdout } = await execute(
      command,
      ['-I', '-c', 'import sys; print(sys.executable); print("%d.%d.%d" % sys.version_info[:3])'],
      { timeout: ANSWERS_WITHIN_MS, env: environment },
    );
    const [path, version] = stdout.trim().split('\n');
    return path && version ? { path, version } : { why: 'does not print a Python version' };
  } catch (error) {
    const { code, killed } = /** @type {{ code?: string | number, killed?: boolean }} */ (error);
    if (code === 'ENOENT') return { why: 'is not there' };
    if (killed) return { why: `did not answer within ${ANSWERS_WITHIN_MS / 1000} s` };
    return { why: `failed (${code ?? 'unknown'})` };
  }
}
