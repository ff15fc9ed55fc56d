/**
 * The recent share of each project. It orders projects whose current shares are equal: on a machine that runs one step at a
 * time, every project has share 0 when a step ends. It is kept in memory, because it only affects the order, and starts from
 * the usage records.
 */

/** Half-life of a share in milliseconds. */
export const HALF_LIFE_MS = 10 * 60_000;
/** Less than a step of 10 ms on a machine with 100 cores. */
const NEGLIGIBLE = 0.1;

interface Recent {
  share: number;
  /** Share × milliseconds, decayed. */
  sum: number;
}

export class RecentShares {
  readonly #projects = new Map<string, Recent>();
  /** What was used before this process started has been added, or there is no record of it. */
  isSeeded = false;
  #at: number | undefined;

  /** Integrates the shares set by the last call over the time since then. */
  settle(now: number): void {
    const passed = this.#at === undefined ? 0 : Math.max(0, now - this.#at);
    this.#at = now;
    const decay = 2 ** (-passed / HALF_LIFE_MS);
    for (const [project, recent] of this.#projects) {
      recent.sum = recent.sum * decay + recent.share * passed;
      if (recent.share === 0 && recent.sum < NEGLIGIBLE) this.#projects.delete(project);
    }
  }

  /** Sets the current shares. A missing project has share 0. */
  set(shares: ReadonlyMap<string, number>): void {
    for (const [project, recent] of this.#projects) recent.share = shares.get(project) ?? 0;
    for (const [project, share] of shares) {
      if (!this.#projects.has(project)) this.#projects.set(project, { share, sum: 0 });
    }
  }

  /** Adds what a project used before: share × milliseconds, decayed until now. */
  add(project: string, sum: number): void {
    const recent = this.#projects.get(project);
    if (recent === undefined) this.#projects.set(project, { share: 0, sum });
    else recent.sum += sum;
  }

  of(project: string): number {
    return this.#projects.get(project)?.sum ?? 0;
  }
}
