/** Python environments for conformance tests and examples: built once from pinned requirements, kept outside the repository. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from './environment.mjs';
import { withProcessLock } from '../packages/server/src/lib/system/process-lock.mjs';
import { INDEX_HELP } from './package-index.mjs';
import { findPython } from './python.mjs';
import { uv, UV_VERSION, uvEnvironment } from './uv.mjs';

const execute = promisify(execFile);

/**
 * Returns the folder of a virtual environment with exactly the packages of `requirementsFile` (its programs are in
 * `bin/`). Every package must be pinned with `==`, transitive ones too: `uv pip compile` writes such a file. Kept under
 * the cache folder, keyed by the file's content, Python and uv; built once even for concurrent processes.
 * @param {string} name names the environment in messages and in its folder: lower case, digits and `-`
 * @param {string} requirementsFile
 * @returns {Promise<string>}
 * @throws Error with the output of uv and the variables to set
 */
export async function pythonEnvironment(name, requirementsFile) {
  if (!/^[a-z0-9-]+$/.test(name)) throw new Error(`an environment's name is lower case, digits and "-": ${name}`);
  const file = resolve(requirementsFile);
  const requirements = readFileSync(file, 'utf8');
  refuseUnpinned(file, requirements);
  const python = await findPython();
  const key = createHash('sha256')
    .update(JSON.stringify([requirements, python, UV_VERSION, process.platform, process.arch]))
    .digest('hex')
    .slice(0, 16);
  const folder = join(cacheFolder(), 'python', `${name}-${key}`);
  // Written last: a folder without it is the remains of a build that was killed.
  const complete = join(folder, '.complete');
  if (existsSync(complete)) return folder;
  return await withProcessLock(join(cacheFolder(), 'locks', `python-${name}-${key}`), async () => {
    if (existsSync(complete)) return folder;
    rmSync(folder, { recursive: true, force: true });
    await build(name, folder, file, python.path);
    writeFileSync(complete, '');
    return folder;
  });
}

/**
 * Returns the folder of one wheel's code, without its dependencies: for `PYTHONPATH`, in addition to an environment
 * that has them. Stored like environments.
 * @param {string} pin a line of a requirements file, with a hash: `NAME==VERSION --hash=sha256:…`
 * @returns {Promise<string>}
 * @throws Error with the output of uv
 */
export async function pythonWheel(pin) {
  const name = /^([a-z0-9-]+)==([0-9.]+) --hash=\S+$/.exec(pin);
  if (name === null) throw new Error(`a wheel is pinned with == and a hash: ${pin}`);
  const folder = join(cacheFolder(), 'python', `wheel-${name[1]}-${name[2]}`);
  if (existsSync(folder)) return folder;
  return await withProcessLock(join(cacheFolder(), 'locks', `wheel-${name[1]}-${name[2]}`), async () => {
    if (existsSync(folder)) return folder;
    const unfinished = `${folder}.unfinished`;
    rmSync(unfinished, { recursive: true, force: true });
    mkdirSync(dirname(folder), { recursive: true });
    writeFileSync(`${folder}.txt`, `${pin}\n`);
    const { path: python } = await findPython();
    const install = ['pip', 'install', '--python', python, '--no-deps', '--require-hashes', '--target', unfinished];
    await execute(await uv(), ['--no-config', ...install, '-r', `${folder}.txt`], {
      env: await uvEnvironment(),
      timeout: 300_000,
      maxBuffer: 16 << 20,
    });
    renameSync(unfinished, folder);
    return folder;
  });
}

/**
 * @param {string} name
 * @param {string} folder
 * @param {string} requirementsFile
 * @param {string} python
 */
async function build(name, folder, requirementsFile, python) {
  const program = await uv();
  const interpreter = join(folder, 'bin', 'python');
  const steps = [
    ['venv', '--python', python, '--no-project', folder],
    ['pip', 'sync', '--python', interpreter, '--strict', requirementsFile],
    ['pip', 'check', '--python', interpreter],
  ];
  const env = await uvEnvironment();
  for (const step of steps) {
    try {
      await execute(program, ['--no-config', ...step], { env, timeout: 1_200_000, maxBuffer: 16 << 20 });
    } catch (error) {
      const output = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : String(error);
      throw new Error(
        `the Python environment "${name}" (${requirementsFile}) could not be created: uv ${step.slice(0, 2).join(' ')} failed:\n` +
          `${output.slice(-4000)}\nIf the index cannot be reached: ${INDEX_HELP}.`,
        { cause: error },
      );
    }
  }
}

/**
 * @param {string} file
 * @param {string} requirements
 */
function refuseUnpinned(file, requirements) {
  const lines = requirements
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .map((line) => line.replace(/(^|\s)#.*$/, '').trim())
    .filter((line) => line !== '' && !line.startsWith('--hash'));
  const pin = /^[A-Za-z0-9._-]+(\[[^\]]*\])?\s*==\s*[^\s*,;]+(\s*;[^#]*)?(\s+--hash=\S+)*$/;
  const loose = lines.filter((line) => !pin.test(line));
  if (loose.length > 0) {
    throw new Error(`${file}: every package is pinned with ==, but found: ${loose.slice(0, 5).join('; ')}`);
  }
}
