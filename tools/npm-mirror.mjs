/** Serves the packages that package-lock.json files name as an npm registry, from a folder that npm filled as its cache. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { runCommand } from './command.mjs';

/**
 * @typedef {object} Entry
 * @property {string} version
 * @property {string} integrity
 * @property {boolean} [link]
 * @property {Record<string, { optional?: boolean }>} [peerDependenciesMeta]
 * @property {boolean} [inBundle] part of the archive of another package; it has no archive and no checksum
 *
 * @typedef {object} Archive a packed package that no lock names
 * @property {string} file
 * @property {string} integrity `sha512-…`
 * @property {Record<string, unknown> & { name: string, version: string }} manifest
 *
 * @typedef {object} MirrorOptions
 * @property {string} cache
 * @property {readonly string[]} locks
 * @property {readonly Archive[]} [archives]
 * @property {number} [port] a free port is used if this one is not
 * @property {(path: string) => void} onMiss receives the path of a request that the mirror cannot serve
 */

/**
 * Starts the registry on the loopback interface.
 * @param {MirrorOptions} options
 * @returns {Promise<{ url: string, close(): void }>}
 */
export async function startNpmMirror({ cache, locks, archives = [], port = 0, onMiss }) {
  const packages = readVersions(locks);
  const optionalPeers = readOptionalPeers(locks);
  /** @type {Map<string, string>} */
  const files = new Map();
  for (const { file, integrity, manifest } of archives) {
    const versions = packages.get(manifest.name) ?? new Map();
    packages.set(manifest.name, versions.set(manifest.version, { ...manifest, integrity }));
    files.set(integrity, file);
  }
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '').slice(1);
    const [name = '', file] = path.split('/-/');
    const versions = packages.get(name);
    const entry = versions?.get(file?.replace(/\.tgz$/, '') ?? '');
    const content = entry && (files.get(entry.integrity) ?? contentFile(cache, entry.integrity));
    if (versions && file === undefined) {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(packument(name, versions, `http://${request.headers.host}`)));
    } else if (content && existsSync(content)) {
      response.setHeader('content-type', 'application/octet-stream');
      createReadStream(content).pipe(response);
    } else {
      // npm also asks for optional peers that nobody installs.
      if (!optionalPeers.has(name)) onMiss(path);
      response.writeHead(404).end('{}');
    }
  });
  await listen(server, port).catch(async () => await listen(server, 0));
  const address = server.address();
  if (address === null || typeof address !== 'object') throw new Error('the mirror has no port');
  return {
    url: `http://127.0.0.1:${address.port}/`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/**
 * @param {import('node:http').Server} server
 * @param {number} port
 */
async function listen(server, port) {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
}

/**
 * Fills a cache with the packages that the lock of a folder names for this platform. A cache that was filled from an equal lock is ready.
 * @param {string} cache
 * @param {string} folder has a package.json and a package-lock.json; npm may create node_modules there
 * @throws Error with the output of npm
 */
export async function fillNpmCache(cache, folder) {
  const lock = readFileSync(join(folder, 'package-lock.json'));
  const stamp = join(cache, `filled-${createHash('sha256').update(lock).digest('hex').slice(0, 16)}`);
  if (existsSync(stamp)) return;
  const args = ['ci', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--cache', cache];
  const { code, output } = await runCommand('npm', args, { quiet: true, cwd: folder });
  if (code !== 0) throw new Error(`npm ${args.join(' ')} ended with ${code}:\n${output}`);
  writeFileSync(stamp, '');
}

/**
 * The locked versions of each package, by name.
 * @param {readonly string[]} lockFiles
 */
function readVersions(lockFiles) {
  /** @type {{ packages: Record<string, Entry> }[]} */
  const locks = lockFiles.map((file) => JSON.parse(readFileSync(file, 'utf8')));
  /** @type {Map<string, Map<string, Entry>>} */
  const packages = new Map();
  for (const [path, entry] of locks.flatMap((lock) => Object.entries(lock.packages))) {
    const name = path.split('node_modules/').at(-1);
    if (!path.includes('node_modules/') || !name || entry.link || entry.inBundle) continue;
    const versions = packages.get(name) ?? new Map();
    packages.set(name, versions.set(entry.version, entry));
  }
  return packages;
}

/** @param {readonly string[]} lockFiles */
function readOptionalPeers(lockFiles) {
  /** @type {{ packages: Record<string, Entry> }[]} */
  const locks = lockFiles.map((file) => JSON.parse(readFileSync(file, 'utf8')));
  const entries = locks.flatMap(({ packages }) => Object.values(packages));
  return new Set(entries.flatMap(({ peerDependenciesMeta = {} }) => Object.keys(peerDependenciesMeta)));
}

/**
 * The description of a package in the format of a registry. The lock contains the fields of the manifest that npm needs.
 * @param {string} name
 * @param {ReadonlyMap<string, Entry>} versions
 * @param {string} origin
 */
function packument(name, versions, origin) {
  const described = [...versions.values()].map((entry) => [
    entry.version,
    { ...entry, name, dist: { integrity: entry.integrity, tarball: `${origin}/${name}/-/${entry.version}.tgz` } },
  ]);
  return { name, 'dist-tags': { latest: [...versions.keys()].at(-1) }, versions: Object.fromEntries(described) };
}

/**
 * The file in which npm's cache stores content with that checksum (cacache, content-v2).
 * @param {string} cache
 * @param {string} integrity `sha512-…`
 */
function contentFile(cache, integrity) {
  const hex = Buffer.from(integrity.slice('sha512-'.length), 'base64').toString('hex');
  return join(cache, '_cacache', 'content-v2', 'sha512', hex.slice(0, 2), hex.slice(2, 4), hex.slice(4));
}
