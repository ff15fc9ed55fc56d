/**
 * What share of the machines each project had lately. It decides between projects that have equal shares now: on a machine
 * that runs one step at a time every project has none whenever a step ends. Kept in memory: it is a matter of order only.
 */

/** After this time a share counts half, in milliseconds. */
const HALF_LIFE_MS = 10 * 60_000;
/** Less than a step of 10 ms on a machine of 100 cores. */
const NEGLIGIBLE = 0.1;

interface Recent {
  share: number;
  /** Share × milliseconds, decayed. */
  sum: number;
}

export class RecentShares {
  readonly #projects = new Map<string, Recent>();
  #at: number | undefined;

  /** Adds the time since the last call, during which each project had the share that was set then. */
  settle(now: number): void {
    const passed = this.#at === undefined ? 0 : Math.max(0, now - this.#at);
    this.#at = now;
    const decay = 2 ** (-passed / HALF_LIFE_MS);
    for (const [project, recent] of this.#projects) {
      recent.sum = recent.sum * decay + recent.share * passed;
      if (recent.share === 0 && recent.sum < NEGLIGIBLE) this.#projects.delete(project);
    }
  }

  /** Sets the shares from now on; a project that is missing has none. */
  set(shares: ReadonlyMap<string, number>): void {
    for (const [project, recent] of this.#projects) recent.share = shares.get(project) ?? 0;
    for (const [project, share] of shares) {
      if (!this.#projects.has(project)) this.#projects.set(project, { share, sum: 0 });
    }
  }

  of(project: string): number {
    return this.#projects.get(project)?.sum ?? 0;
  }
}
