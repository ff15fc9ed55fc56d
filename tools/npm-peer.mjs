/** Peers from npm for conformance tests: installed once from a lock file, kept outside the repository. */
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from './command.mjs';
import { cacheFolder } from './environment.mjs';
import { withProcessLock } from '../packages/server/src/lib/system/process-lock.mjs';

/**
 * Returns the `node_modules` folder with exactly the packages of the lock file, which contains a checksum of each. No script of
 * a package runs.
 * @param {string} name names the peer in its folder: lower case, digits and `-`
 * @param {string} folder has a package.json and a package-lock.json
 * @returns {Promise<string>}
 * @throws Error with the output of npm
 */
export async function npmPeer(name, folder) {
  const files = ['package.json', 'package-lock.json'];
  const hash = createHash('sha256').update(process.version);
  for (const file of files) hash.update(readFileSync(join(folder, file)));
  const key = `${name}-${hash.digest('hex').slice(0, 16)}`;
  const target = join(cacheFolder(), 'npm-peers', key);
  // Written last: a folder without it is what a killed installation left.
  const complete = join(target, '.complete');
  const modules = join(target, 'node_modules');
  if (existsSync(complete)) return modules;
  return await withProcessLock(join(cacheFolder(), 'locks', `npm-peer-${key}`), async () => {
    if (existsSync(complete)) return modules;
    rmSync(target, { recursive: true, force: true });
    mkdirSync(target, { recursive: true });
    for (const file of files) copyFileSync(join(folder, file), join(target, file));
    const args = ['ci', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'];
    const { code, output } = await runCommand('npm', args, { quiet: true, cwd: target });
    if (code !== 0)
      throw new Error(`the peer "${name}" could not be installed: npm ci ended with ${code}:\n${output.slice(-4000)}`);
    writeFileSync(complete, '');
    return modules;
  });
}
