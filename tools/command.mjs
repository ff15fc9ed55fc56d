/** Runs the programs of the tool chain: output kept, process groups ended as a whole, never a waiting stdin. */
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { environment } from './environment.mjs';

/** The repository. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Running process groups; they are ended when this process receives a signal. */
const running = new Set();

/**
 * @typedef {object} CommandOptions
 * @property {string} [cwd] default: the repository
 * @property {Readonly<Record<string, string | undefined>>} [env] added to the environment of this process
 * @property {boolean} [quiet] keep the output instead of showing it
 * @property {(chunk: string) => void} [onOutput] gets the output as it comes
 * @property {number} [silenceMs] ends the process group after this time without output: code 124
 */

/**
 * Runs a program to its end. Never rejects: one that cannot start gives code 127.
 * @param {string} program a name on the PATH; the repository's own programs (node_modules/.bin) come first
 * @param {readonly string[]} args
 * @param {CommandOptions} [options]
 * @returns {Promise<{ code: number, output: string, ms: number }>}
 */
export async function runCommand(program, args, options = {}) {
  const started = performance.now();
  return await new Promise((resolve) => {
    const child = spawn(program, [...args], {
      cwd: options.cwd ?? root,
      env: { ...environment, PATH: `${join(root, 'node_modules', '.bin')}:${environment.PATH ?? ''}`, ...options.env },
      stdio: ['ignore', options.quiet ? 'pipe' : 'inherit', options.quiet ? 'pipe' : 'inherit'],
      // Its own group, so that what it starts can be ended with it.
      detached: options.quiet === true,
    });
    if (options.quiet && child.pid) running.add(child.pid);
    let output = '';
    let silent = false;
    const silence = () => {
      silent = true;
      output += `\n${program} printed nothing for ${Math.round((options.silenceMs ?? 0) / 1000)} s and was ended\n`;
      if (child.pid) signalGroup(child.pid, 'SIGKILL');
    };
    const watchdog = options.silenceMs ? setTimeout(silence, options.silenceMs) : undefined;
    const hear = (/** @type {Buffer} */ chunk) => {
      watchdog?.refresh();
      output += chunk.toString('utf8');
      options.onOutput?.(chunk.toString('utf8'));
    };
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
    const end = (/** @type {number} */ code) => {
      clearTimeout(watchdog);
      if (child.pid) running.delete(child.pid);
      resolve({ code, output, ms: performance.now() - started });
    };
    child.once('error', (error) => {
      output += `${program}: ${error.message}\n`;
      end(127);
    });
    child.once('close', (code) => end(silent ? 124 : (code ?? 130)));
  });
}

/** Sends a signal to every program that still runs, and to what they started. */
export function endCommands(/** @type {NodeJS.Signals} */ signal) {
  for (const pid of running) signalGroup(pid, signal);
}

/**
 * @param {number} leader
 * @param {NodeJS.Signals} signal
 */
function signalGroup(leader, signal) {
  try {
    process.kill(-leader, signal);
  } catch {
    // Already gone.
  }
}
