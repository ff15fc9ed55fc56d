/** A benchmark that compares the calls of servers: its folder, its measurements and its claims. */
import { CallComparison, type ComparisonFlags } from './call-comparison.ts';
import type { CallUnit } from './call-table.ts';
import { Claims } from './claims.mjs';
import { benchmarkFolder } from './cleanup.mjs';
import { describeMachine } from './own-server.ts';

export interface ServerComparisonOptions {
  readonly unit: CallUnit;
  /** Each server gets calls for this time before its first round. */
  readonly warmMs: number;
  readonly flags: ComparisonFlags;
  /** Printed after the description of the machine. */
  readonly note?: string;
}

interface Server {
  stop(): Promise<void>;
}

export class ServerComparison {
  readonly folder: string;
  readonly claims = new Claims();
  readonly calls: CallComparison;
  readonly #servers: Server[] = [];

  /** Prints the first line of the benchmark. @throws Error when the number of rounds gives no interval. */
  constructor(name: string, { unit, warmMs, flags, note }: ServerComparisonOptions) {
    const { claims } = this;
    this.calls = new CallComparison({
      unit,
      rounds: Number(flags.rounds),
      warmMs,
      only: new RegExp(flags.only),
      claims,
    });
    this.folder = benchmarkFolder(name);
    console.log(`${describeMachine()}${note === undefined ? '' : `; ${note}`}\n`);
  }

  /** Stops the server at the end. */
  add<T extends Server>(server: T): T {
    this.#servers.push(server);
    return server;
  }

  async stopServers(): Promise<void> {
    for (const server of this.#servers.splice(0)) await server.stop();
  }

  /** Stops the servers, and prints the table and the claims. */
  async end(): Promise<void> {
    await this.stopServers();
    this.calls.print();
    this.claims.end();
  }

  /** Measures, then ends. After an error it only stops the servers. */
  async run(measure: () => Promise<void>): Promise<void> {
    try {
      await measure();
    } finally {
      await this.stopServers();
    }
    await this.end();
  }
}
