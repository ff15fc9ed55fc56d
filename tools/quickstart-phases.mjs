/** The phases of the quickstart after the preflight: packages, Python tooling, build, start, and the demo. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { bubblewrap, bubblewrapDownloadBytes, BUBBLEWRAP_VERSION, isolationFolder } from './bubblewrap.mjs';
import { isBuilt } from './build-stamp.mjs';
import { endCommands, root, runCommand } from './command.mjs';
import { findProgram } from './debian-packages.mjs';
import { cacheFolder, environment, programFolder } from './environment.mjs';
import { ensureInstalled, installNeeded } from './install.mjs';
import { runPhase } from './phase-bar.mjs';
import { finalScreen } from './quickstart-screen.mjs';
import { runStory } from './story/story.mjs';
import { tableBytes } from './story/tables.mjs';
import { uv, uvDownloadBytes, UV_VERSION } from './uv.mjs';

/** Measured: size of an initially empty npm cache after the installation, on linux-x64. */
const PACKAGES_MB = 170;
/** Estimated: size of the wheels for the steps of the demo. */
const WHEELS_MB = 145;

/** A cold start takes 5 s; a machine at load 20 took twelve times that. */
const READY_WITHIN_MS = 180_000;

const out = process.stdout;
const cli = join(root, 'packages', 'cli', 'dist', 'main.js');
const log = join(cacheFolder(), 'quickstart.log');

/**
 * @param {{ data: string, keys: string, port?: string, exit: boolean, slice: boolean, serve: boolean, speed?: number,
 *   again: readonly string[] }} options
 * @returns {Promise<number>} the exit code
 */
export async function quickstart(options) {
  /** @type {import('node:child_process').ChildProcess | undefined} */
  let server;
  /** @type {Promise<unknown> | undefined} */
  let ended;
  let stopping = false;
  const stop = (/** @type {NodeJS.Signals} */ signal) => {
    stopping = true;
    endCommands(signal);
    server?.kill('SIGTERM');
  };
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.on(signal, stop);
  try {
    announce(options);
    await packages();
    await python();
    await isolation();
    await build();
    mkdirSync(cacheFolder(), { recursive: true });
    server = startServer(options);
    ended = new Promise((resolve) => server?.once('exit', (code) => resolve(code ?? 1)));
    const url = await phase('Start Dais', 'steps', () => untilReady(options.data, server));
    const reported = options.serve ? undefined : await story(options, url);
    out.write(await screen(options, url, reported));
    if (options.exit) server.kill('SIGTERM');
    const code = Number(await ended);
    out.write(code === 0 ? 'Dais has stopped.\n' : `Dais ended with exit code ${code}; see ${log}\n`);
    return code;
  } catch (error) {
    server?.kill('SIGTERM');
    await ended;
    if (stopping) {
      process.stderr.write('Stopped. Run it again to resume.\n');
      return 130;
    }
    process.stderr.write(`\n${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
}

/** Prints the downloads before they start. */
function announce(/** @type {{ serve: boolean, data: string }} */ { serve, data }) {
  const parts = [];
  if (installNeeded()) parts.push(`npm packages, about ${PACKAGES_MB} MB`);
  const bytes = uvDownloadBytes();
  if (bytes > 0) parts.push(`uv ${UV_VERSION} for Python environments, ${(bytes / 1e6).toFixed(0)} MB`);
  const isolating = missingBubblewrapBytes();
  if (isolating > 0) {
    parts.push(`bubblewrap ${BUBBLEWRAP_VERSION} to isolate code and models, ${(isolating / 1e6).toFixed(2)} MB`);
  }
  if (!serve && !existsSync(join(data, 'story'))) parts.push(`Python packages for training, about ${WHEELS_MB} MB`);
  if (!serve && tableBytes() > 0) parts.push(`flights of 2013, ${(tableBytes() / 1e6).toFixed(0)} MB`);
  out.write(parts.length > 0 ? `To download: ${parts.join('; ')}.\n` : 'Nothing to download.\n');
}

async function packages() {
  if (!installNeeded()) return await ensureInstalled();
  await phase('Install npm packages', 'steps', ensureInstalled);
}

async function python() {
  if (uvDownloadBytes() === 0) return;
  await phase(`Download uv ${UV_VERSION}`, 'bytes', uv);
}

/** Returns 0 if the machine has bubblewrap, because nothing is downloaded then. */
function missingBubblewrapBytes() {
  return findProgram(['bwrap']) === undefined ? bubblewrapDownloadBytes() : 0;
}

/** Downloads bubblewrap. Without it, Dais starts too, and reports its isolation and the remedy. */
async function isolation() {
  if (missingBubblewrapBytes() === 0) return;
  try {
    await phase(`Download bubblewrap ${BUBBLEWRAP_VERSION}`, 'bytes', bubblewrap);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    out.write(`• ${why}\n    Dais isolates with what this machine has; \`dais doctor\` shows the boundary.\n`);
  }
}

async function build() {
  if (isBuilt()) return;
  await phase('Build', 'steps', async () => {
    const { code, output } = await runCommand('node', ['tools/build.mjs'], { quiet: true });
    if (code !== 0) throw new Error(output);
  });
}

/**
 * Starts the server in a separate session, so that Ctrl-C reaches it exactly once, through this process.
 * @param {{ data: string, port?: string }} options
 */
export function startServer({ data, port }) {
  const file = openSync(log, 'a');
  const args = [cli, 'up', '--accounts', '--data', data, ...(port ? ['--port', port] : [])];
  const env = { DAIS_ISOLATION_FOLDER: isolationFolder(), ...environment };
  return spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', file, file], detached: true });
}

/**
 * Returns the URL of the server when /readyz succeeds. `dais up` writes its URL to the data folder.
 * @param {string} data
 * @param {import('node:child_process').ChildProcess | undefined} server
 */
export async function untilReady(data, server) {
  const deadline = performance.now() + READY_WITHIN_MS;
  let last = `${data}/run/server.json was not written`;
  while (performance.now() < deadline) {
    if (!server || server.exitCode !== null || server.signalCode !== null) {
      throw new Error(`dais up ended with ${server?.exitCode ?? server?.signalCode}:\n${tail(log)}`);
    }
    const url = readAddress(data, server.pid);
    if (url) {
      try {
        const response = await fetch(`${url}/readyz`);
        if (response.ok) return url;
        last = `/readyz returns ${response.status}: ${(await response.text()).slice(0, 500)}`;
      } catch (error) {
        last = String(error);
      }
    }
    await delay(50);
  }
  throw new Error(`Dais was not ready after ${READY_WITHIN_MS / 1000} s (${last}):\n${tail(log)}`);
}

/**
 * Returns undefined until this server has written the file; the file of an earlier server is ignored.
 * @param {string} data
 * @param {number | undefined} pid
 * @returns {string | undefined}
 */
function readAddress(data, pid) {
  try {
    const written = JSON.parse(readFileSync(join(data, 'run', 'server.json'), 'utf8'));
    return written.pid === pid ? String(written.url).replace(/\/$/, '') : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Runs the demo and stores its results in the data folder as JSON.
 * @param {{ data: string, slice: boolean, speed?: number }} options
 * @param {string} url
 */
async function story({ data, slice, speed }, url) {
  const work = join(data, 'story');
  const file = join(work, 'result.json');
  const before = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
  const keep = (/** @type {object} */ found) => writeFileSync(file, `${JSON.stringify(found, undefined, 2)}\n`);
  const result = await runStory({ url, data, work, slice, speed, before, keep, out });
  const { invitation: _, ...rest } = result;
  keep(rest);
  return result;
}

/**
 * @param {{ data: string, keys: string, exit: boolean, again: readonly string[] }} options
 * @param {string} url
 * @param {import('./story/story.mjs').StoryResult | undefined} reported
 */
async function screen({ data, keys, exit, again }, url, reported) {
  const release = existsSync('/proc/version') ? readFileSync('/proc/version', 'utf8') : '';
  const locations = [
    { path: data, what: 'your data' },
    { path: cacheFolder(), what: 'downloads' },
    ...(programFolder() !== cacheFolder() && existsSync(programFolder())
      ? [{ path: programFolder(), what: 'Node' }]
      : []),
    { path: join(root, 'node_modules'), what: 'packages' },
  ];
  return finalScreen({
    url,
    port: Number(new URL(url).port),
    ...(reported && { story: reported }),
    disk: await Promise.all(locations.map(async (location) => ({ ...location, bytes: await diskUsed(location.path) }))),
    data,
    keys,
    log,
    exits: exit,
    again,
    environment: {
      ...(environment.SSH_CONNECTION && { sshConnection: environment.SSH_CONNECTION }),
      user: userInfo().username,
      wsl: /microsoft/i.test(release),
      container: existsSync('/.dockerenv') || existsSync('/run/.containerenv'),
    },
  });
}

/**
 * Returns the bytes on disk. Hard links count once; unreadable folders do not count (the database's
 * folder, if it belongs to another user).
 * @param {string} folder
 */
async function diskUsed(folder) {
  const { output } = await runCommand('du', ['-sk', folder], { quiet: true });
  return Number(/^(\d+)\t/m.exec(output)?.[1] ?? 0) * 1024;
}

/** @param {string} file */
function tail(file) {
  return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n').slice(-20).join('\n') : '';
}

/**
 * Runs a phase; the error of a failed phase contains its title.
 * @template T
 * @param {string} title
 * @param {'bytes' | 'steps'} unit
 * @param {(report: import('./phase-bar.mjs').Report) => Promise<T>} work
 */
async function phase(title, unit, work) {
  try {
    return await runPhase({ title, unit, out }, work);
  } catch (error) {
    throw new Error(`"${title}" failed: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
