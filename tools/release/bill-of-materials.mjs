/** Writes the software bill of materials of a release (CycloneDX JSON): everything that the packages contain or install. */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, runCommand } from '../command.mjs';

/** The console is built into the server, so that its dependencies belong to the release. */
const WORKSPACES = ['packages/api', 'packages/server', 'packages/cli', 'packages/web'];

/**
 * @param {string} folder
 * @param {string} version
 * @param {Date} time the same for each build of a commit
 * @returns {Promise<string>} the name of the file that it writes into the folder
 */
export async function writeBillOfMaterials(folder, version, time) {
  const args = ['sbom', '--sbom-format=cyclonedx', '--omit=dev', '--package-lock-only', '--loglevel=error'];
  const { code, output } = await runCommand('npm', [...args, ...WORKSPACES.map((path) => `--workspace=${path}`)], {
    quiet: true,
  });
  if (code !== 0) throw new Error(`npm ${args.join(' ')} ended with ${code}:\n${output}`);
  const bill = JSON.parse(output);
  // npm names the product and the workspaces after their folders, and draws a random number for each document.
  for (const component of [bill.metadata.component, ...bill.components]) {
    component.name = component['bom-ref'].slice(0, component['bom-ref'].lastIndexOf('@'));
  }
  bill.metadata.timestamp = time.toISOString();
  delete bill.serialNumber;
  bill.serialNumber = `urn:uuid:${uuidOf(JSON.stringify(bill))}`;
  const file = `dais-${version}.cdx.json`;
  writeFileSync(join(folder, file), `${JSON.stringify(bill, undefined, 2)}\n`);
  return file;
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
