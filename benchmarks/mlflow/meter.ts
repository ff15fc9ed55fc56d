/** Measures the calls of a load on one server, together with the loads of the other servers. */
import type { CallBarrier } from '../lib/call-barrier.ts';
import type { CallServer, RoundLoad } from '../lib/call-comparison.ts';
import type { ConnectionMode } from '../lib/http-client.ts';
import { CallCounter, runCalls, type Call } from '../lib/load.ts';

export interface MeterOptions {
  readonly name: string;
  /** The first processes of the server. */
  readonly pids: readonly number[];
  /** How many clients call in parallel; each sends its next call after the response to its last. */
  readonly clients: number;
  /** Share of the calls, for a quick look. */
  readonly share: number;
  /** Selects the connections of the calls that follow. */
  readonly useConnections: (mode: ConnectionMode) => void;
}

export class Meter {
  readonly #barrier: CallBarrier;
  readonly #options: MeterOptions;

  constructor(barrier: CallBarrier, options: MeterOptions) {
    this.#barrier = barrier;
    this.#options = options;
  }

  isSelected(name: string): boolean {
    return this.#barrier.isSelected(name);
  }

  /**
   * A round has half of `calls`. Each call gets a higher number than those before it, and the number of its client. `prepare` gets the
   * number of calls before each round, and is not measured.
   */
  async measure(name: string, calls: number, call: Call, prepare?: (times: number) => Promise<void>): Promise<void> {
    const { clients, share, useConnections } = this.#options;
    const counter = new CallCounter();
    const count = Math.max(clients, Math.ceil((calls * share) / 2));
    const load = (mode: ConnectionMode) => async () => {
      useConnections(mode);
      return await runCalls(count, clients, call, counter).finally(() => useConnections('kept'));
    };
    await this.#measure(name, {
      loads: { kept: load('kept'), new: load('new') },
      ...(prepare !== undefined && { prepare: async () => await prepare(count) }),
    });
  }

  /** Measures a load whose client is another program, with connections of its own. */
  async measureProgram(name: string, load: RoundLoad): Promise<void> {
    await this.#measure(name, { loads: { kept: load }, isSlow: true });
  }

  async #measure(call: string, server: Pick<CallServer, 'loads' | 'prepare' | 'isSlow'>): Promise<void> {
    const { name, pids } = this.#options;
    await this.#barrier.measure(call, { name, pids, ...server });
  }
}
