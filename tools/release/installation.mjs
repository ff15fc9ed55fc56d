#!/usr/bin/env node
/**
 * The packages that users install, with a lock: node tools/release/installation.mjs DIR writes the packed workspaces, package.json and
 * package-lock.json into DIR. `npm ci` there installs each dependency in the version of the repository. Needs a build.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root, runCommand } from '../command.mjs';
import { installedPackages } from './installed-lock.mjs';

/** The packages that users install; the console is part of the server. */
const PUBLISHED = ['packages/api', 'packages/server', 'packages/cli'];

/**
 * Packs the workspaces; npm gives all files of an archive one fixed time.
 * @param {string} folder
 * @returns {Promise<import('./installed-lock.mjs').Archive[]>}
 * @throws Error with the output of npm
 */
export async function packPackages(folder) {
  const args = ['pack', '--json', '--loglevel=error', '--pack-destination', folder];
  const workspaces = PUBLISHED.map((path) => `--workspace=${path}`);
  const { code, output } = await runCommand('npm', [...args, ...workspaces], { quiet: true });
  if (code !== 0) throw new Error(`npm ${args.join(' ')} ended with ${code}:\n${output}`);
  /** @type {{ name: string, filename: string, integrity: string }[]} */
  const packed = JSON.parse(output);
  return packed.map(({ name, filename, integrity }) => {
    const path = PUBLISHED.find((workspace) => name === `@dais/${workspace.slice('packages/'.length)}`);
    if (path === undefined) throw new Error(`npm packed ${name}, which is not a published package.`);
    return { name, path, file: filename, integrity };
  });
}

/**
 * Returns package.json and package-lock.json of a folder that has the archives.
 * @param {string} version
 * @param {readonly import('./installed-lock.mjs').Archive[]} archives
 * @returns {[name: string, content: string][]}
 */
export function installationFiles(version, archives) {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const dependencies = Object.fromEntries(archives.map(({ name, file }) => [name, `file:${file}`]));
  const manifest = { name: 'dais', version, private: true, dependencies };
  const lock = {
    name: 'dais',
    version,
    lockfileVersion: 3,
    requires: true,
    packages: { '': { name: 'dais', version, dependencies }, ...installedPackages(packages, archives) },
  };
  return [
    ['package.json', `${JSON.stringify(manifest, undefined, 2)}\n`],
    ['package-lock.json', `${JSON.stringify(lock, undefined, 2)}\n`],
  ];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder, ...rest] = process.argv.slice(2);
  if (folder === undefined || rest.length > 0) {
    process.stderr.write('usage: node tools/release/installation.mjs DIR\n');
    process.exitCode = 2;
  } else {
    const target = resolve(folder);
    mkdirSync(target, { recursive: true });
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    for (const [name, content] of installationFiles(version, await packPackages(target))) {
      writeFileSync(join(target, name), content);
    }
  }
}
