/**
 * Lets the loads of several servers wait for each other at every call. A load prepares its server on its own; when all have
 * arrived at a call, the call is measured on all servers in alternating rounds.
 */
import type { CallComparison, CallServer } from './call-comparison.ts';
import type { CallTarget } from './call-table.ts';

interface Arrival {
  readonly call: string;
  readonly server: CallServer;
  readonly leave: () => void;
  readonly fail: (reason: unknown) => void;
}

export class CallBarrier {
  readonly #comparison: CallComparison;
  readonly #own: string;
  readonly #servers: number;
  readonly #targetOf: (call: string) => CallTarget;
  #arrivals: Arrival[] = [];

  /** `own`: name of the server that the others are compared with; `servers`: number of all. */
  constructor(
    comparison: CallComparison,
    { own, servers, targetOf }: { own: string; servers: number; targetOf: (call: string) => CallTarget },
  ) {
    this.#comparison = comparison;
    this.#own = own;
    this.#servers = servers;
    this.#targetOf = targetOf;
  }

  isSelected(call: string): boolean {
    return this.#comparison.isSelected(call);
  }

  /** Resolves when the call was measured on all servers. @throws Error when loads arrive at different calls. */
  async measure(call: string, server: CallServer): Promise<void> {
    if (!this.isSelected(call)) return;
    await new Promise<void>((leave, fail) => {
      this.#arrivals.push({ call, server, leave, fail });
      if (this.#arrivals.length === this.#servers) void this.#measureAll(this.#arrivals.splice(0));
    });
  }

  async #measureAll(arrivals: readonly Arrival[]): Promise<void> {
    try {
      const [own, ...peers] = arrivals
        .map(({ server }) => server)
        .toSorted((a, b) => Number(b.name === this.#own) - Number(a.name === this.#own));
      const call = arrivals[0]?.call ?? '';
      if (own?.name !== this.#own || arrivals.some((one) => one.call !== call)) {
        throw new Error(`The loads measure different calls: ${arrivals.map((one) => one.call).join(', ')}.`);
      }
      await this.#comparison.measure(call, own, peers, this.#targetOf(call));
      for (const { leave } of arrivals) leave();
    } catch (error) {
      for (const { fail } of arrivals) fail(error);
    }
  }
}
