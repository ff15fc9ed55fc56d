/**
 * Compares the CPU that one call costs servers, as users send it: over kept connections, with a new connection for each
 * call, and at the documented address where that is another one. Rounds alternate, so that all servers see the same
 * machine.
 */
import { loadavg } from 'node:os';
import { callRow, TABLE_HEADER, type CallTarget, type CallUnit, type Samples, type Way } from './call-table.ts';
import type { Claims } from './claims.mjs';
import { resultTable } from './result-table.mjs';
import type { LoadFigures } from './load.ts';
import { IdleCpu } from './idle-cpu.ts';
import { cpuOf } from './processes.ts';

/** Sends the calls of one round. */
export type RoundLoad = () => Promise<LoadFigures>;

export interface CallServer {
  readonly name: string;
  /** First processes of the server; the CPU of their trees is measured. */
  readonly pids: readonly number[];
  /** Without `documented`, the kept connections use the documented address. */
  readonly loads: Partial<Readonly<Record<Way, RoundLoad>>> & Readonly<Record<'kept', RoundLoad>>;
  /** Runs before each round of each way. Its CPU does not count. */
  readonly prepare?: () => Promise<void>;
  /** A round takes minutes: there is no warm-up, and as few rounds as an interval needs. */
  readonly isSlow?: boolean;
}

export interface ComparisonOptions {
  readonly unit: CallUnit;
  readonly rounds: number;
  /** Each server gets calls for this time before its first round: runtimes compile, plan and cache while they run. */
  readonly warmMs: number;
  /** Only calls that match are measured. */
  readonly only?: RegExp;
  readonly claims: Claims;
  readonly title?: string;
  readonly idle?: IdleCpu;
}

/** Options of the command line that all comparisons have. */
export const COMPARISON_FLAGS = {
  rounds: { type: 'string', default: '6' },
  only: { type: 'string', default: '' },
} as const;

/** Values of these options. */
export type ComparisonFlags = Readonly<Record<keyof typeof COMPARISON_FLAGS, string>>;

/** A process that used no whole tick counts as half a tick. */
const LEAST_MS = 5;
/** An interval needs two values. */
const MIN_ROUNDS = 2;

export class CallComparison {
  readonly #options: ComparisonOptions;
  readonly #rows: (readonly string[])[] = [];
  readonly #idle: IdleCpu;

  /** @throws Error when the number of rounds is too small for an interval. */
  constructor(options: ComparisonOptions) {
    if (!Number.isInteger(options.rounds) || options.rounds < MIN_ROUNDS) {
      throw new Error(
        `--rounds ${options.rounds}: use a whole number of at least ${MIN_ROUNDS}, the interval needs it`,
      );
    }
    this.#options = options;
    this.#idle = options.idle ?? new IdleCpu();
  }

  isSelected(call: string): boolean {
    return this.#options.only?.test(call) ?? true;
  }

  /** Measures one call of a server of Dais and of its peers. Returns the samples of each server by its name. */
  async measure(
    call: string,
    own: CallServer,
    peers: readonly CallServer[] = [],
    target: CallTarget = {},
  ): Promise<ReadonlyMap<string, Samples>> {
    if (!this.isSelected(call)) return new Map();
    const { unit, claims } = this.#options;
    const servers = [own, ...peers];
    const rounds = servers.some(({ isSlow }) => isSlow) ? MIN_ROUNDS : this.#options.rounds;
    for (const server of servers) await this.#warm(server);
    await this.#idle.measure(servers);
    const samples = await sampleRounds(servers, this.#idle, { rounds, unit });
    const ownSamples = samples.get(own.name) as Samples;
    const rows = servers.map(({ name }) => {
      const compared = name === own.name ? undefined : ownSamples;
      return callRow(
        { call, server: name, samples: samples.get(name) as Samples, own: compared, unit, target },
        claims,
      );
    });
    // A benchmark that is stopped prints what it has measured.
    if (this.#rows.length === 0) process.once('exit', () => this.print());
    this.#rows.push(...rows);
    for (const row of rows) console.log(row.filter((cell) => cell !== '').join(' | '));
    console.log(`load ${loadavg()[0]?.toFixed(2)}`);
    return samples;
  }

  /** Prints the table of the calls that it has not printed yet. */
  print(): void {
    const { title = 'CPU per call', unit } = this.#options;
    const rows = this.#rows.splice(0);
    if (rows.length > 0) console.log(`\n${resultTable(`${title} (${unit})`, TABLE_HEADER, rows)}`);
  }

  async #warm({ loads, isSlow }: CallServer): Promise<void> {
    if (isSlow === true) return;
    const until = performance.now() + this.#options.warmMs;
    do await loads.kept();
    while (performance.now() < until);
    await loads.new?.();
    await loads.documented?.();
  }
}

async function sampleRounds(
  servers: readonly CallServer[],
  idle: IdleCpu,
  { rounds, unit }: Pick<ComparisonOptions, 'rounds' | 'unit'>,
): Promise<ReadonlyMap<string, Samples>> {
  const samples = new Map(servers.map(({ name }) => [name, { kept: [], new: [], documented: [], figures: [] }]));
  const trials = servers.flatMap((server) =>
    Object.entries(server.loads).map(([way, load]) => ({ server, way: way as Way, load })),
  );
  for (let round = 0; round < rounds; round++) {
    for (const { server, way, load } of round % 2 === 0 ? trials : trials.toReversed()) {
      const of = samples.get(server.name) as { [way in Way]: number[] } & { figures: LoadFigures[] };
      await server.prepare?.();
      const before = cpuOf(server.pids);
      const figures = await load();
      const spent = cpuOf(server.pids) - before - idle.of(server.pids, figures.seconds);
      const cpu = Math.max(LEAST_MS, spent) / figures.requests;
      of[way].push(unit === 'ms' ? cpu : cpu * 1000);
      if (way === 'kept') of.figures.push(figures);
    }
  }
  return samples;
}
