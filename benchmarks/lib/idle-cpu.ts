/**
 * CPU time of servers without calls. A slow machine makes a round longer: without this, a call would cost more because its
 * server does other work meanwhile.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { cpuOf } from './processes.ts';

interface Processes {
  readonly name: string;
  readonly pids: readonly number[];
}

const WINDOWS_MS = [2000, 2000, 2000, 2000];

export class IdleCpu {
  readonly #windowsMs: readonly number[];
  /** Milliseconds of CPU per second, by process ids. */
  readonly #rates = new Map<string, number>();

  /** `windowsMs`: the lowest rate of these windows counts. */
  constructor(windowsMs: readonly number[] = WINDOWS_MS) {
    this.#windowsMs = windowsMs;
  }

  /** Measures the servers that were not measured yet. They must be idle. */
  async measure(servers: readonly Processes[]): Promise<void> {
    const byPids = new Map(servers.map((server) => [keyOf(server.pids), server]));
    const added = [...byPids].flatMap(([key, server]) => (this.#rates.has(key) ? [] : [server]));
    if (added.length === 0 || this.#windowsMs.length === 0) return;
    for (const ms of this.#windowsMs) {
      const before = added.map(({ pids }) => cpuOf(pids));
      const from = performance.now();
      await delay(ms);
      const seconds = (performance.now() - from) / 1000;
      for (const [at, { pids }] of added.entries()) {
        const rate = (cpuOf(pids) - (before[at] ?? 0)) / seconds;
        this.#rates.set(keyOf(pids), Math.min(this.#rates.get(keyOf(pids)) ?? rate, rate));
      }
    }
    const rates = added.map(({ name, pids }) => `${name} ${this.of(pids, 1).toFixed(1)}`);
    console.log(`CPU of idle servers (ms per second), which does not count for calls: ${rates.join(', ')}`);
  }

  /** Returns the CPU (ms) of these processes in a time (s) without calls. */
  of(pids: readonly number[], seconds: number): number {
    return (this.#rates.get(keyOf(pids)) ?? 0) * seconds;
  }
}

function keyOf(pids: readonly number[]): string {
  return pids.join(' ');
}
