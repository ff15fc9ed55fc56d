#!/usr/bin/env node
/**
 * Writes the files of a release: npm run release -- --out DIR. It publishes nothing. DIR then contains the npm packages, the Python
 * wheel, the bill of materials and SHA256SUMS. A commit always gives the same files, if npm and Node have the same versions.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isBuilt } from './build-stamp.mjs';
import { root, runCommand } from './command.mjs';
import { environment } from './environment.mjs';
import { ensureInstalled } from './install.mjs';
import { writeBillOfMaterials } from './release/bill-of-materials.mjs';
import { packPackages } from './release/installation.mjs';
import { writeWheel } from './release/wheel.mjs';
import { continueOnPinnedNode } from './runtime.mjs';

const USAGE = `usage: npm run release -- --out DIR

Builds Dais and writes the files of a release into DIR, a new or empty folder: npm packages, Python wheel, bill of materials, SHA256SUMS.
`;

/**
 * @param {string} out
 * @param {(line: string) => void} log receives a line for each file
 */
export async function writeRelease(out, log) {
  if (existsSync(out) && readdirSync(out).length > 0) {
    throw new Error(`The folder ${out} is not empty, so that files of two releases would mix. Name a new folder.`);
  }
  await ensureInstalled();
  if (!isBuilt()) await expectOutput('node', ['tools/build.mjs']);
  mkdirSync(out, { recursive: true });
  const time = await timeOfCommit();
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const archives = await packPackages(out);
  writeWheel(out, version, archives);
  writeBillOfMaterials(out, version, time);
  const files = readdirSync(out).sort();
  const sums = files.map((file) => {
    const content = readFileSync(join(out, file));
    log(`${file} (${(content.length / 1e6).toFixed(1)} MB)`);
    return `${createHash('sha256').update(content).digest('hex')}  ${file}\n`;
  });
  writeFileSync(join(out, 'SHA256SUMS'), sums.join(''));
  log('SHA256SUMS');
}

/** Returns the time of the commit, or SOURCE_DATE_EPOCH where the sources are no checkout. */
async function timeOfCommit() {
  const seconds = environment.SOURCE_DATE_EPOCH ?? (await expectOutput('git', ['log', '-1', '--format=%ct']));
  return new Date(Number(seconds) * 1000);
}

/**
 * @param {string} program
 * @param {readonly string[]} args
 */
async function expectOutput(program, args) {
  const { code, output } = await runCommand(program, args, { quiet: true });
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}:\n${output}`);
  return output;
}

/** @returns {Promise<number>} the exit code */
async function main() {
  const [option, out, ...rest] = process.argv.slice(2);
  if (option !== '--out' || out === undefined || rest.length > 0) {
    process.stderr.write(USAGE);
    return 2;
  }
  const continued = await continueOnPinnedNode((text) => void process.stderr.write(text));
  if (continued !== undefined) return continued;
  await writeRelease(resolve(environment.INIT_CWD ?? '.', out), (line) => void process.stdout.write(`${line}\n`));
  return 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    process.exitCode = await main();
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
