/** What the benchmarks of the ledgers have in common: CPU of the server's process and of its PostgreSQL, and lines with limits. */
import { readdirSync, readFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { Claims } from './claims.mjs';
import { resultTable } from './result-table.mjs';

/** Milliseconds of CPU. */
export interface CpuTimes {
  readonly node: number;
  readonly postgres: number;
}

/** CPU of this process, of a PostgreSQL of its own, and of those of its processes that have ended. */
export class ServerCpu {
  readonly #postmaster: number;

  /** `host`: the folder of the server's socket, in the same folder as its cluster. */
  constructor({ host }: { readonly host: string }) {
    this.#postmaster = Number(readFileSync(join(host, 'cluster', 'postmaster.pid'), 'utf8').split('\n')[0]);
  }

  now(): CpuTimes {
    const own = process.cpuUsage();
    let ticks = 0;
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
        const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        const isPostmaster = Number(pid) === this.#postmaster;
        if (isPostmaster || Number(fields[1]) === this.#postmaster) ticks += Number(fields[11]) + Number(fields[12]);
        if (isPostmaster) ticks += Number(fields[13]) + Number(fields[14]);
      } catch {
        // It has ended meanwhile.
      }
    }
    return { node: (own.user + own.system) / 1000, postgres: ticks * 10 };
  }

  /** Of one of so many calls, one after the other. */
  async measureParts(times: number, work: (index: number) => Promise<unknown>): Promise<CpuTimes> {
    const from = this.now();
    for (let index = 0; index < times; index++) await work(index);
    const to = this.now();
    return { node: (to.node - from.node) / times, postgres: (to.postgres - from.postgres) / times };
  }

  async measure(times: number, work: (index: number) => Promise<unknown>): Promise<number> {
    const { node, postgres } = await this.measureParts(times, work);
    return node + postgres;
  }
}

/** Prints measured values, and a table of them at the end. A value with a limit is a claim. */
export class Report {
  readonly #claims = new Claims();
  readonly #rows: string[][] = [];

  constructor() {
    console.log(`${cpus().length} cores, load ${load()}, Node ${process.version}\n`);
  }

  print(what: string, value: number, unit: string, limit?: number, more = ''): void {
    const shown = `${value.toFixed(value < 10 ? 2 : 0)} ${unit}`;
    const kept = limit === undefined ? '' : `≤ ${limit}: ${this.#claims.judge(what, value <= limit, shown)}`;
    console.log(`${what.padEnd(52)} ${shown.padStart(24)} ${kept}${more === '' ? '' : `  ${more}`}`.trimEnd());
    this.#rows.push([what, shown, kept]);
  }

  end(): void {
    console.log(`\n${resultTable('Measurements', ['measurement', 'value', 'target'], this.#rows)}`);
    console.log(`\nload ${load()}`);
    this.#claims.end();
  }
}

function load(): string {
  return (loadavg()[0] ?? 0).toFixed(2);
}
