/** One process of a test cluster: its output goes to a file, and it ends with the process that started it, however that one ends. */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where a component runs: on this machine, or in the namespaces of a node. */
export interface Location {
  /** Starts a program there. Empty: on this machine. */
  readonly command: readonly string[];
  readonly folder: string;
}

const SHOWN_LOG = 4000;

export class Component {
  readonly name: string;
  readonly pid: number;
  /** Resolves when it has ended. */
  readonly ended: Promise<void>;
  #isRunning = true;
  readonly #logFile: string;

  /** Appends to `NAME.log` of the folder. */
  constructor(name: string, [program, ...args]: readonly [string, ...string[]], { command, folder }: Location) {
    this.name = name;
    this.#logFile = join(folder, `${name}.log`);
    const log = openSync(this.#logFile, 'a');
    // The kernel sends the signal when the process that started it ends.
    const [first = '', ...rest] = [...command, 'setpriv', '--pdeathsig', 'KILL', '--', program, ...args];
    const child = spawn(first, rest, { cwd: folder, env: { PATH }, stdio: ['ignore', log, log], detached: true });
    closeSync(log);
    this.pid = child.pid ?? 0;
    this.ended = new Promise((resolve) => {
      const end = () => {
        this.#isRunning = false;
        resolve();
      };
      child.once('exit', end);
      child.once('error', end);
    });
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** The end of its log, for errors. */
  log(): string {
    return readFileSync(this.#logFile, 'utf8').slice(-SHOWN_LOG);
  }

  /** Resolves when it has ended. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.#isRunning && this.pid > 0) process.kill(this.pid, signal);
    await this.ended;
  }
}

const PATH = '/usr/sbin:/usr/bin:/sbin:/bin';
const INTERVAL_MS = 50;

/**
 * Waits until a component responds.
 * @throws Error with its log when it ends before, or after the time limit
 */
export async function untilReady(
  component: Component,
  isReady: () => Promise<boolean>,
  limitMs = 120_000,
): Promise<void> {
  const until = performance.now() + limitMs;
  while (!(await isReady().catch(() => false))) {
    if (!component.isRunning) throw new Error(`${component.name} ended:\n${component.log()}`);
    if (performance.now() > until) throw new Error(`${component.name} did not become ready:\n${component.log()}`);
    await new Promise((resolve) => void setTimeout(resolve, INTERVAL_MS));
  }
}
