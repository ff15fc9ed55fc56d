/**
 * An npm registry that serves what package-lock.json files name out of a folder that npm filled as its cache:
 * node tools/air-gap-mirror.mjs CACHE LOCK [LOCK ...]. It listens on a free port of the loopback interface, which it brings up first
 * (a new network namespace has it down), prints the port as one line, and ends with its standard input.
 */
import { execFileSync } from 'node:child_process';
import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { findPython } from './python.mjs';

/**
 * @typedef {object} Entry
 * @property {string} version
 * @property {string} integrity
 * @property {boolean} [link]
 * @property {boolean} [inBundle] part of the archive of another package; it has no archive and no checksum
 */

/** Python, because it is there for uv, while iproute2 may be missing. 0x8913 reads the flags, 0x8914 sets them, 1 is IFF_UP. */
const LOOPBACK_UP = `
import fcntl, socket, struct
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
    flags = struct.unpack("16sh", fcntl.ioctl(control, 0x8913, struct.pack("16sh14x", b"lo", 0))[:18])[1]
    if not flags & 1:
        fcntl.ioctl(control, 0x8914, struct.pack("16sh14x", b"lo", flags | 1))
`;

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

/**
 * What a registry answers about a package. The lock keeps the fields of the manifest that npm needs.
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
 * Where npm's cache keeps content of that checksum (cacache, content-v2).
 * @param {string} cache
 * @param {string} integrity `sha512-…`
 */
function contentFile(cache, integrity) {
  const hex = Buffer.from(integrity.slice('sha512-'.length), 'base64').toString('hex');
  return join(cache, '_cacache', 'content-v2', 'sha512', hex.slice(0, 2), hex.slice(2, 4), hex.slice(4));
}

const [cache = '', ...lockFiles] = process.argv.slice(2);
const packages = readVersions(lockFiles);
execFileSync((await findPython()).path, ['-I', '-c', LOOPBACK_UP]);
const server = createServer((request, response) => {
  const path = decodeURIComponent(request.url ?? '').slice(1);
  const [name = '', file] = path.split('/-/');
  const versions = packages.get(name);
  const entry = versions?.get(file?.replace(/\.tgz$/, '') ?? '');
  const content = entry && contentFile(cache, entry.integrity);
  if (versions && file === undefined) {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(packument(name, versions, `http://${request.headers.host}`)));
  } else if (content && existsSync(content)) {
    response.setHeader('content-type', 'application/octet-stream');
    createReadStream(content).pipe(response);
  } else {
    process.stderr.write(`the mirror does not have ${path}\n`);
    response.writeHead(404).end('{}');
  }
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address !== null && typeof address === 'object') process.stdout.write(`${address.port}\n`);
});
process.stdin.resume();
process.stdin.once('close', () => {
  server.closeAllConnections();
  server.close();
});
