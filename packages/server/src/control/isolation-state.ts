/** The isolation of this process: detected at the start, and read by readiness, the console and `dais doctor`. */
import { isolationSummary, type IsolationInfo } from '@dais/api/executions';
import type { Isolation, IsolationReport } from '#engines/isolation/contract.ts';
import type { ReadinessCheck } from '#http/metrics/probe-routes.ts';
import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';

/** A report that is older is read again: what was missing may have been installed. */
const FRESH_MS = 60_000;

export class IsolationState {
  readonly #isolation: Pick<Isolation, 'report'>;
  readonly #clock: Clock;
  readonly #log: Log;
  #latest: IsolationInfo | undefined;
  #readAt = -Infinity;
  #reading = false;

  constructor(isolation: Pick<Isolation, 'report'>, dependencies: { readonly clock: Clock; readonly log: Log }) {
    this.#isolation = isolation;
    this.#clock = dependencies.clock;
    this.#log = dependencies.log;
  }

  /** Undefined until the first report is there. Starts to read a new one when the latest is old; never waits. */
  get latest(): IsolationInfo | undefined {
    if (!this.#reading && this.#clock.now() - this.#readAt > FRESH_MS) void this.read();
    return this.#latest;
  }

  /** Reads the report and logs it when it differs from the one before. Never rejects. */
  async read(): Promise<void> {
    this.#reading = true;
    try {
      const info = isolationInfo(await this.#isolation.report());
      if (JSON.stringify(info) !== JSON.stringify(this.#latest)) this.#report(info);
      this.#latest = info;
    } catch (error) {
      this.#log.error('could not test the isolation of user code', { error });
    } finally {
      this.#readAt = this.#clock.now();
      this.#reading = false;
    }
  }

  /** A server without isolation is ready: it serves models that need none, and refuses the rest with the reason. */
  check(): ReadinessCheck {
    const { latest } = this;
    if (latest === undefined) return { name: 'isolation', ok: true, detail: 'is being tested' };
    const { reason: _, remedy, ...known } = latest;
    return {
      name: 'isolation',
      ok: true,
      // Visible to every caller: the reason contains paths of this machine.
      detail: isolationSummary(known),
      ...(remedy !== undefined && { remedy }),
    };
  }

  #report(info: IsolationInfo): void {
    const { boundary, limits, program, lacks, remedy } = info;
    const facts = { boundary, limits, program, lacks, remedy };
    if (remedy === undefined) this.#log.info(isolationSummary(info), facts);
    else this.#log.warn(isolationSummary(info), facts);
  }
}

/** The report without paths of the machine: every signed-in user may read it. */
export function isolationInfo(report: IsolationReport): IsolationInfo {
  const { boundary, limits, identity, program, lacks, reason, remedy } = report;
  return {
    boundary,
    limits,
    identity,
    ...(program !== undefined && { program: program.source }),
    lacks: [...lacks],
    ...(reason !== undefined && { reason }),
    ...(remedy !== undefined && { remedy }),
  };
}
