/** Programs that come from Debian: found on the PATH, else installed where this user may. */
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from './command.mjs';
import { environment } from './environment.mjs';

/**
 * Installs packages, and tells that it does.
 * @param {string} missing a sentence: what is missing, and what for
 * @param {readonly string[]} packages
 * @throws Error that says what to install
 */
export async function installDebian(missing, packages) {
  const command = `apt-get install ${packages.join(' ')}`;
  if (process.getuid?.() !== 0) throw new Error(`${missing} Install it: sudo ${command}`);
  process.stderr.write(`${missing} ${command}\n`);
  for (const args of [['update'], ['install', '-y', '--no-install-recommends', ...packages]]) {
    const { code, output } = await runCommand('apt-get', args, { quiet: true });
    if (code !== 0) throw new Error(`${missing} apt-get ${args.join(' ')} failed:\n${output.slice(-2000)}`);
  }
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
 * The path of a program; installs its package when it is not there and this user may.
 * @param {string} missing a sentence: what is missing, and what for
 * @param {readonly string[]} names
 * @param {string} name of the package
 * @returns {Promise<string>}
 * @throws Error that says what to install
 */
export async function ensureProgram(missing, names, name) {
  const found = findProgram(names);
  if (found !== undefined) return found;
  await installDebian(missing, [name]);
  const installed = findProgram(names);
  if (installed === undefined) throw new Error(`${missing} apt-get installed none either.`);
  return installed;
}
