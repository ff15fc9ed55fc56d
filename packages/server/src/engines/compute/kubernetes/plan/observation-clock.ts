/** The status of a pod and the report of its agent arrive independently of each other. */
export const SECOND_SOURCE_MS = 30_000;

/**
 * Measures how long an observation lasts, in the clock of this process: times of a cluster are those of other machines. The
 * caller keeps `firstSeen` between evaluations, so an evaluation itself has no state.
 */
export class ObservationClock {
  readonly now: Date;
  readonly #before: Readonly<Record<string, Date>>;
  readonly #firstSeen: Record<string, Date> = {};
  #reviewAt: number | undefined;

  /** `now` is from a clock that nobody sets. */
  constructor(now: Date, firstSeen: Readonly<Record<string, Date>>) {
    this.now = now;
    this.#before = firstSeen;
  }

  /** Returns when `observation` was first seen without interruption until now. */
  since(observation: string): Date {
    const before = this.#before[observation];
    const since = before === undefined || before > this.now ? this.now : before;
    this.#firstSeen[observation] = since;
    return since;
  }

  /** Whether the previous evaluation saw it. */
  wasSeen(observation: string): boolean {
    return this.#before[observation] !== undefined;
  }

  /** The evaluation is repeated when the time is over. */
  hasLasted(observation: string, limitMs: number): boolean {
    return this.hasPassed(this.since(observation), limitMs);
  }

  hasPassed(since: Date, limitMs: number): boolean {
    const end = since.getTime() + limitMs;
    if (end <= this.now.getTime()) return true;
    this.#reviewAt = Math.min(end, this.#reviewAt ?? Infinity);
    return false;
  }

  /** The current observations. Those that are over are not included: they start again. */
  get firstSeen(): Readonly<Record<string, Date>> {
    return this.#firstSeen;
  }

  get reviewAt(): Date | undefined {
    return this.#reviewAt === undefined ? undefined : new Date(this.#reviewAt);
  }
}
