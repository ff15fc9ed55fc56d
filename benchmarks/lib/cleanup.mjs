/**
 * Removes what a benchmark has started and written when it ends, whatever ends it. Exit handlers alone are not enough: `tsx` sends
 * SIGKILL to a program that does not handle a signal within 30 ms. A shell therefore reads the processes and the folders from a pipe.
 * When the benchmark has ended and the pipe closes, the shell kills and removes what is left.
 */
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';

/** The last line `processes` has all of them. Processes that are killed may still write, so the shell removes the folders until it succeeds. */
const GUARD = `
processes=
while read -r type value; do
  case $type in
    folder) set -- "$@" "$value" ;;
    processes) processes=$value ;;
  esac
done
[ -z "$processes" ] || kill -KILL $processes
for attempt in 1 2 3 4 5 6 7 8 9 10; do
  rm -rf -- "$@" && exit
  sleep 0.5
done
`;

/** @type {Set<number>} */
const processes = new Set();
/** @type {string[]} */
const folders = [];
/** @type {import('node:stream').Writable | undefined} */
let guard;

/**
 * Kills a process when the benchmark ends; a negative number is a process group.
 * @param {number} pid
 * @returns {() => void} a function to call when the process has ended, because its number can then be reused
 */
export function killAtEnd(pid) {
  if (pid === 0) throw new Error('The process to kill at the end of the benchmark was not started.');
  processes.add(pid);
  report(`processes ${[...processes].join(' ')}`);
  return () => {
    processes.delete(pid);
    report(`processes ${[...processes].join(' ')}`);
  };
}

/**
 * Creates a temporary folder that is removed when the benchmark ends.
 * @param {string} name
 * @param {() => void} [onSignal] default: the benchmark ends
 * @returns {string}
 */
export function benchmarkFolder(name, onSignal) {
  const folder = mkdtempSync(join(tmpdir(), `dais-benchmark-${name}-`));
  // PostgreSQL and the trials of models run as other users when this runs as root.
  chmodSync(folder, 0o755);
  folders.push(folder);
  report(`folder ${folder}`);
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
    process.once(signal, onSignal ?? (() => process.exit(128 + constants.signals[signal])));
  }
  return folder;
}

/** @param {string} line */
function report(line) {
  guard ??= startGuard();
  guard.write(`${line}\n`);
}

function startGuard() {
  // In a session of its own, so that Ctrl-C in the terminal does not end it.
  const child = spawn('sh', ['-c', GUARD], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  child.unref();
  // Without the shell, the exit handler alone removes.
  child.on('error', () => {});
  child.stdin.on('error', () => {});
  /** @type {import('node:net').Socket} */ (/** @type {unknown} */ (child.stdin)).unref();
  process.once('exit', removeAll);
  return child.stdin;
}

function removeAll() {
  for (const pid of processes) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended already.
    }
  }
  for (const folder of folders) {
    try {
      rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
    } catch {
      // The shell tries it again.
    }
  }
}
