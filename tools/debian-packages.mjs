/** Programs that come from Debian: found on the PATH, otherwise installed where the user has permission. */
import { accessSync, constants, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from './command.mjs';
import { cacheFolder, environment } from './environment.mjs';
import { withProcessLock } from '../packages/server/src/lib/system/process-lock.mjs';

/**
 * Installs packages, and prints it.
 * @param {string} missing a sentence with the missing program and its purpose
 * @param {readonly string[]} packages
 * @throws Error with what to install
 */
export async function installDebian(missing, packages) {
  const command = `apt-get install ${packages.join(' ')}`;
  if (process.getuid?.() !== 0) throw new Error(`${missing} Install it: sudo ${command}`);
  process.stderr.write(`${missing} ${command}\n`);
  // Projects of tests run at the same time, and apt does not wait for another apt.
  await withProcessLock(join(cacheFolder(), 'locks', 'apt'), async () => {
    for (const args of [['update'], ['install', '-y', '--no-install-recommends', ...packages]]) {
      const { code, output } = await runCommand('apt-get', args, { quiet: true });
      if (code !== 0) throw new Error(`${missing} apt-get ${args.join(' ')} failed:\n${output.slice(-2000)}`);
    }
  });
}

/**
 * The path of the first program that is there.
 * @param {readonly string[]} names
 * @returns {string | undefined}
 */
export function findProgram(names) {
  const folders = (environment.PATH ?? '').split(':').filter(Boolean);
  return names
    .flatMap((name) => folders.map((folder) => join(folder, name)))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/**
 * The path of a program; installs its package when it is missing and the user has permission.
 * @param {string} missing a sentence with the missing program and its purpose
 * @param {readonly string[]} names
 * @param {string} name of the package
 * @returns {Promise<string>}
 * @throws Error with what to install
 */
export async function ensureProgram(missing, names, name) {
  const found = findProgram(names);
  if (found !== undefined) return found;
  await installDebian(missing, [name]);
  const installed = findProgram(names);
  if (installed === undefined) throw new Error(`${missing} apt-get installed none either.`);
  return installed;
}

/**
 * The folder of a package's programs: that of the first one on the PATH, otherwise the package, unpacked in the cache
 * without installation: for packages that would start a service, or need more than the program itself.
 * @param {string} missing a sentence with the missing program and its purpose
 * @param {string} program
 * @param {string} name of the package
 * @returns {Promise<string>}
 * @throws Error with the output of apt
 */
export async function unpackedPrograms(missing, program, name) {
  const found = findProgram([program]);
  if (found !== undefined) return join(found, '..');
  const folders = ['usr/bin', 'usr/sbin'];
  return join(
    await unpackedFile(
      missing,
      name,
      folders.map((folder) => join(folder, program)),
    ),
    '..',
  );
}

/**
 * The path of a shared library of a package, which is unpacked in the cache without installation.
 * @param {string} missing a sentence with the missing library and its purpose
 * @param {string} library below the folder of the libraries of this machine
 * @param {string} name of the package
 * @returns {Promise<string>}
 * @throws Error with the output of apt
 */
export async function unpackedLibrary(missing, library, name) {
  const machines = ['x86_64-linux-gnu', 'aarch64-linux-gnu'];
  return await unpackedFile(
    missing,
    name,
    machines.map((machine) => join('usr/lib', machine, library)),
  );
}

/**
 * The path of a file or folder of a package, which is unpacked in the cache without installation.
 * @param {string} missing a sentence with what is missing and its purpose
 * @param {string} name of the package
 * @param {string} path in the package
 * @returns {Promise<string>}
 * @throws Error with the output of apt
 */
export async function unpackedPackage(missing, name, path) {
  return await unpackedFile(missing, name, [path]);
}

/**
 * @param {string} missing
 * @param {string} name of the package
 * @param {readonly string[]} paths in the package, of which it has one
 * @returns {Promise<string>}
 */
async function unpackedFile(missing, name, paths) {
  const folder = join(cacheFolder(), 'debian', name);
  const found = () => paths.map((path) => join(folder, path)).find((path) => existsSync(path));
  return await withProcessLock(join(cacheFolder(), 'locks', `debian-${name}`), async () => {
    const present = found();
    if (present !== undefined) return present;
    const part = `${folder}.part`;
    rmSync(part, { recursive: true, force: true });
    mkdirSync(part, { recursive: true });
    const must = async (/** @type {string} */ command, /** @type {readonly string[]} */ args) => {
      const { code, output } = await runCommand(command, args, { quiet: true, cwd: part });
      if (code !== 0) throw new Error(`${missing} ${command} ${args.join(' ')} failed:\n${output.slice(-2000)}`);
    };
    process.stderr.write(`${missing} apt-get download ${name}\n`);
    // Only root can update the lists of packages; other users get the present ones.
    if (process.getuid?.() === 0) await must('apt-get', ['update']);
    await must('apt-get', ['download', name]);
    const file = readdirSync(part).find((one) => one.endsWith('.deb'));
    if (file === undefined) throw new Error(`${missing} apt-get download ${name} brought none.`);
    await must('dpkg-deb', ['-x', file, '.']);
    rmSync(join(part, file));
    rmSync(folder, { recursive: true, force: true });
    renameSync(part, folder);
    const unpacked = found();
    if (unpacked === undefined) throw new Error(`${missing} The package ${name} has none of ${paths.join(', ')}.`);
    return unpacked;
  });
}
