/**
 * A Dais whose processes are killed repeatedly under load; for tests. It is started as `npm run quickstart`
 * does, and started again when it has ended, as systemd does.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { openSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { root } from '../command.mjs';
import { environment } from '../environment.mjs';

/** A limit against hanging. */
const READY_MS = 180_000;
const POLL_MS = 100;
/** As `RestartSec` of the unit, and shorter. */
const PAUSE_MS = 500;
/** Where it needs that long to be well again, the machine is slow, and it is left alone for so many times as long. */
const SLOW_MS = 5000;
const SLOW_FACTOR = 6;

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly name: string;
  readonly command: string;
}

export interface KillPlan {
  readonly folder: string;
  readonly port: number;
  /** 0 to 1. */
  readonly random: () => number;
  readonly everyMs: number;
}

export class KilledDais {
  /** What was killed, each time. */
  readonly killed: string[] = [];
  readonly #plan: KillPlan;
  readonly #over = new AbortController();
  #child: ChildProcess | undefined;
  #lives: Promise<void> | undefined;
  #kills: Promise<void> | undefined;

  private constructor(plan: KillPlan) {
    this.#plan = plan;
  }

  /** When it answers for the first time. Nothing is killed yet. */
  static async start(plan: KillPlan): Promise<KilledDais> {
    const made = new KilledDais(plan);
    made.#lives = made.#live();
    await made.#answers();
    return made;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#plan.port}`;
  }

  get data(): string {
    return join(this.#plan.folder, 'data');
  }

  get log(): string {
    return readFileSync(join(this.#plan.folder, 'up.log'), 'utf8');
  }

  /** From now on. */
  begin(): void {
    this.#kills = this.#kill();
  }

  /** Nothing is killed any more, and it answers. */
  async rest(): Promise<void> {
    this.#over.abort();
    await this.#kills;
    await this.#answers();
  }

  /** As a person ends it. */
  async stop(): Promise<number | undefined> {
    this.#over.abort();
    await this.#kills;
    this.#ends = true;
    this.#child?.kill('SIGTERM');
    await this.#lives;
    return this.#child?.exitCode ?? undefined;
  }

  #ends = false;

  async #live(): Promise<void> {
    const { folder, port } = this.#plan;
    const words = [join(root, 'packages', 'cli', 'dist', 'main.js'), 'up', '--accounts', '--data', this.data];
    while (!this.#ends) {
      const file = openSync(join(folder, 'up.log'), 'a');
      const child = spawn(process.execPath, [...words, '--port', String(port)], {
        cwd: root,
        env: { ...environment, DAIS_KEYS_FOLDER: join(folder, 'keys') },
        stdio: ['ignore', file, file],
        detached: true,
      });
      this.#child = child;
      await new Promise((resolve) => child.once('exit', resolve));
      if (!this.#ends) await delay(PAUSE_MS);
    }
  }

  async #answers(): Promise<void> {
    const deadline = performance.now() + READY_MS;
    while (performance.now() < deadline) {
      const answer = await fetch(`${this.url}/readyz`).catch(() => undefined);
      if (answer?.ok === true) return;
      await delay(POLL_MS);
    }
    throw new Error(`Dais does not answer after ${READY_MS / 1000} s:\n${this.log.slice(-4000)}`);
  }

  async #kill(): Promise<void> {
    const { everyMs, random } = this.#plan;
    const drawn = <T>(from: readonly T[]): T | undefined => from[Math.floor(random() * from.length)];
    for (let pause = everyMs; ;) {
      await delay(pause, undefined, { signal: this.#over.signal }).catch(() => {});
      if (this.#over.signal.aborted) return;
      const pid = this.#child?.pid;
      if (pid === undefined) continue;
      // Most processes are PostgreSQL's, and killing one of them ends all of them.
      const all = ofDais(pid);
      const kind = drawn([...new Set(all.map(kindOf))].toSorted());
      const victim = drawn(all.filter((one) => kindOf(one) === kind));
      if (victim === undefined) continue;
      try {
        process.kill(victim.pid, 'SIGKILL');
        this.killed.push(`${new Date().toISOString().slice(11, 19)} ${kindOf(victim)}: ${victim.command.slice(0, 60)}`);
      } catch (error) {
        // It has ended meanwhile.
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
      // On a machine where a start takes as long as the pause, nothing would ever be done.
      const from = performance.now();
      await delay(POLL_MS);
      await this.#answers();
      const took = performance.now() - from;
      pause = took < SLOW_MS ? everyMs : Math.max(everyMs, SLOW_FACTOR * took);
    }
  }
}

/** Every process of Dais. What a step runs is the step's own: a signal that ends it is how it ended. */
function ofDais(supervisor: number): readonly Process[] {
  const all = processes();
  const below = (pid: number): readonly Process[] =>
    all
      .filter(({ parent }) => parent === pid)
      .flatMap((child) => [child, ...(child.name === 'dais-shim' ? [] : below(child.pid))]);
  return [...all.filter(({ pid }) => pid === supervisor), ...below(supervisor)];
}

function kindOf({ name, command }: Process): string {
  return `${name} ${/packages\/([\w./-]+\.(?:m?js|py))(?: |$)/.exec(command)?.[1] ?? ''}`.trim();
}

function processes(): readonly Process[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid): Process[] => {
      const stat = readProc(pid, 'stat');
      const [open, close] = [stat.indexOf('('), stat.lastIndexOf(')')];
      if (open === -1) return [];
      const [state, parent] = stat.slice(close + 2).split(' ');
      if (state === 'Z') return [];
      const command = readProc(pid, 'cmdline').replaceAll('\0', ' ').trim();
      return [{ pid: Number(pid), parent: Number(parent), name: stat.slice(open + 1, close), command }];
    });
}

function readProc(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return '';
  }
}
