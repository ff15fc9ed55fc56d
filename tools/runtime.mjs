/**
 * The Node.js runtime. Dais and its tools run on Node 24; where the machine's own is older, they continue on a pinned
 * one, which npm fetches by the checksums in tools/node-24 and which is kept outside the repository. This file and what
 * it imports run on Node 20.
 */
import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { root } from './command.mjs';
import { environment, programFolder } from './environment.mjs';
import { withProcessLock } from '../packages/server/src/lib/system/process-lock.mjs';
import { ensureInstalled, installNeeded } from './install.mjs';

/** The process that a program continues on the pinned Node: quickstart.mjs then does not check the machine again. */
const CONTINUED = 'DAIS_CONTINUED';

/** The oldest Node that the sources run on. */
const MAJOR = 24;

/** Bytes that npm fetches: a compressed Node 24 (53 MB) and npm (3 MB). */
const DOWNLOAD_BYTES = 56_000_000;

/** Variables of `npm run` for the npm and the Node that started it; child processes get those of the pinned runtime. */
const OF_OTHER_NODE = ['NODE', 'npm_execpath', 'npm_node_execpath', 'npm_config_user_agent'];

/**
 * Runs this program again on the pinned Node and waits for it, unless this Node is new enough.
 * @param {(text: string) => void} announce receives what is about to be downloaded
 * @returns {Promise<number | undefined>} the exit code of the program; undefined when this process continues itself
 * @throws Error when there is no pinned Node for this system, or when it cannot be fetched
 */
export async function continueOnPinnedNode(announce) {
  if (isNewEnough(process.versions.node)) return undefined;
  return await runOnPinnedNode('node', [...process.execArgv, ...process.argv.slice(1)], announce);
}

/**
 * Runs a program with the pinned Node first on its PATH, in the terminal of this process.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {(text: string) => void} announce
 * @returns {Promise<number>} its exit code
 */
async function runOnPinnedNode(program, args, announce) {
  const bin = await pinnedNode(24, announce);
  /** @type {NodeJS.ProcessEnv} */
  const env = { ...environment, PATH: `${bin}:${environment.PATH ?? ''}` };
  for (const name of OF_OTHER_NODE) delete env[name];
  env[CONTINUED] = String(process.pid);
  return await runInTerminal(join(bin, program), args, env);
}

/**
 * Runs a program with this process's terminal, working folder and signals.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<number>} its exit code
 */
export async function runInTerminal(program, args, env) {
  const child = spawn(program, [...args], { stdio: 'inherit', env });
  // A terminal sends SIGINT to both processes: only the child acts on it. The others reach this process alone.
  process.on('SIGINT', () => {});
  for (const signal of /** @type {const} */ (['SIGTERM', 'SIGHUP'])) process.on(signal, () => child.kill(signal));
  return await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 143)));
  });
}

/** @param {string} version */
export function isNewEnough(version) {
  return Number(version.split('.')[0]) >= MAJOR;
}

/**
 * Returns the folder with `node` (and of Node 24 also `npm` and `npx`), which it fetches on first use.
 * @param {24 | 26} major 26: the one with which the long runs repeat the tests
 * @param {(text: string) => void} [announce]
 * @throws Error when there is no pinned Node for this system, or when it cannot be fetched
 */
export async function pinnedNode(major, announce) {
  if (process.platform !== 'linux') {
    throw new Error(
      `Dais needs Node ${MAJOR} or newer; this is Node ${process.versions.node}. Install it from https://nodejs.org/en/download, or ` +
        `with your version manager: nvm install ${MAJOR}`,
    );
  }
  const pins = join(root, 'tools', `node-${major}`);
  const name = `node-linux-${process.arch}`;
  /** @type {{ optionalDependencies: Record<string, string> }} */
  const { optionalDependencies } = JSON.parse(readFileSync(join(pins, 'package.json'), 'utf8'));
  // The version is part of the name: a running Dais starts processes from this folder, while an update fetches the next.
  const folder = join(programFolder(), `node-${optionalDependencies[name]}`);
  const bin = join(folder, 'bin');
  if (existsSync(bin) && !installNeeded(folder)) return bin;
  announce?.(
    `Node ${optionalDependencies[name]} is needed and this is Node ${process.versions.node}: npm fetches it once ` +
      `(${DOWNLOAD_BYTES / 1e6} MB) and keeps it in ${folder}.\n`,
  );
  await withProcessLock(join(programFolder(), 'locks', basename(folder)), async () => {
    if (existsSync(bin) && !installNeeded(folder)) return;
    mkdirSync(folder, { recursive: true });
    for (const file of ['package.json', 'package-lock.json']) copyFileSync(join(pins, file), join(folder, file));
    await ensureInstalled(undefined, folder);
    // Headers for native modules: 67 MB that nothing reads.
    rmSync(join(folder, 'node_modules', name, 'include'), { recursive: true, force: true });
    linkPrograms(folder, name);
  });
  return bin;
}

/**
 * @param {string} folder
 * @param {string} name the package of Node
 */
function linkPrograms(folder, name) {
  const bin = join(folder, 'bin');
  const programs = { node: `${name}/bin/node`, npm: 'npm/bin/npm-cli.js', npx: 'npm/bin/npx-cli.js' };
  const partial = `${bin}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial);
  for (const [program, path] of Object.entries(programs)) {
    if (existsSync(join(folder, 'node_modules', path))) symlinkSync(`../node_modules/${path}`, join(partial, program));
  }
  rmSync(bin, { recursive: true, force: true });
  renameSync(partial, bin);
}
