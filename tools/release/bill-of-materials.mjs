/**
 * Writes the software bill of materials of a release (CycloneDX 1.6, JSON): everything that the packages contain or install. `npm sbom`
 * leaves out packages that the repository uses as tools too, for example zod.
 */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../command.mjs';
import { neededPackages } from './installed-lock.mjs';

/** The console is built into the server, so that its dependencies belong to the release. */
const WORKSPACES = ['packages/api', 'packages/server', 'packages/cli', 'packages/web'];

/**
 * @typedef {import('./installed-lock.mjs').LockEntry & { name?: string }} Entry
 * @typedef {Readonly<Record<string, Entry>>} Packages
 */

/**
 * @param {string} folder
 * @param {string} version
 * @param {Date} time the same for each build of a commit
 * @returns {string} the name of the file that it writes into the folder
 */
export function writeBillOfMaterials(folder, version, time) {
  /** @type {{ packages: Packages }} */
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const bill = billOfMaterials(packages, WORKSPACES, time);
  const file = `dais-${version}.cdx.json`;
  writeFileSync(join(folder, file), `${JSON.stringify(bill, undefined, 2)}\n`);
  return file;
}

/**
 * @param {Packages} packages those of a package-lock.json
 * @param {readonly string[]} workspaces
 * @param {Date} time
 */
export function billOfMaterials(packages, workspaces, time) {
  const needed = neededPackages(packages, workspaces);
  const product = component('', packages['']);
  const components = new Map(
    [...needed.keys()].map((path) => [purl(path, packages[path]), component(path, packages[path])]),
  );
  /** @type {Map<string, Set<string>>} */
  const dependencies = new Map([[product.purl, new Set(workspaces.map((path) => purl(path, packages[path])))]]);
  for (const [path, needs] of needed) {
    const from = purl(path, packages[path]);
    const all = dependencies.get(from) ?? new Set();
    for (const target of needs) all.add(purl(target, packages[target]));
    dependencies.set(from, all);
  }
  const content = {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: { timestamp: time.toISOString(), component: { ...product, type: 'application' } },
    components: [...components.values()].sort(byRef),
    dependencies: [...dependencies]
      .map(([ref, dependsOn]) => ({ ref, dependsOn: [...dependsOn].sort() }))
      .sort((a, b) => (a.ref < b.ref ? -1 : 1)),
  };
  return { ...content, serialNumber: `urn:uuid:${uuidOf(JSON.stringify(content))}` };
}

/**
 * @param {string} path
 * @param {Entry | undefined} entry
 */
function component(path, entry = {}) {
  return {
    type: 'library',
    'bom-ref': purl(path, entry),
    name: nameOf(path, entry),
    version: entry.version,
    scope: entry.optional ? 'optional' : 'required',
    purl: purl(path, entry),
    ...(entry.license !== undefined && { licenses: [licenseOf(entry.license)] }),
    ...(entry.integrity !== undefined && { hashes: [hashOf(entry.integrity)] }),
  };
}

/**
 * @param {string} path
 * @param {Entry} entry
 */
function nameOf(path, entry) {
  return entry.name ?? path.split('node_modules/').at(-1) ?? path;
}

/**
 * @param {string} path
 * @param {Entry | undefined} entry
 */
function purl(path, entry = {}) {
  return `pkg:npm/${nameOf(path, entry).replace('@', '%40')}@${entry.version}`;
}

/** @param {string} license an SPDX expression */
function licenseOf(license) {
  return /^[\w.+-]+$/.test(license) ? { license: { id: license } } : { expression: license };
}

/** @param {string} integrity `sha512-…` in base64 */
function hashOf(integrity) {
  const [algorithm = '', value = ''] = integrity.split(/-(.*)/s);
  return { alg: algorithm.replace(/^sha(\d+)$/, 'SHA-$1'), content: Buffer.from(value, 'base64').toString('hex') };
}

/**
 * @param {{ 'bom-ref': string }} a
 * @param {{ 'bom-ref': string }} b
 */
function byRef(a, b) {
  return a['bom-ref'] < b['bom-ref'] ? -1 : 1;
}

/**
 * A UUID of version 8 (RFC 9562) from a digest.
 * @param {string} text
 */
function uuidOf(text) {
  const bytes = createHash('sha256').update(text).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
