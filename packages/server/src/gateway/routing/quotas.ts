/**
 * Limits predictions per second of a project and of each caller in it, at this gateway. A bucket holds one second of
 * tokens and refills evenly: an even rate is never rejected, and a burst is at most twice the rate in its first second.
 */
import { DaisError } from '@dais/api/errors';
import type { Snapshot } from '@dais/api/gateway';

export type Quota = NonNullable<Snapshot['quotas']>[number];

interface Bucket {
  left: number;
  at: number;
}

/** Most buckets of callers. A forgotten caller starts with a full bucket. */
const MOST_BUCKETS = 10_000;

export class Quotas {
  #byProject: ReadonlyMap<string, Quota> = new Map();
  /** Ordered by last use. */
  readonly #buckets = new Map<string, Bucket>();

  /** Consumed tokens stay consumed. */
  replace(quotas: readonly Quota[]): void {
    this.#byProject = new Map(quotas.map((quota) => [quota.project, quota]));
  }

  /** Counts one prediction. @throws DaisError `rate_limited` with a retry delay; the request is then not counted. */
  take(project: string, caller: string, now: number): void {
    const quota = this.#byProject.get(project);
    if (quota === undefined) return;
    const { perSecond, perCallerPerSecond } = quota;
    const own =
      perCallerPerSecond === undefined ? undefined : this.#bucket(`${project}/${caller}`, perCallerPerSecond, now);
    const all = perSecond === undefined ? undefined : this.#bucket(project, perSecond, now);
    if (own !== undefined && own.left < 1) {
      throw refused(
        `Each caller can make ${rateText(perCallerPerSecond)} predictions per second in the project "${project}"`,
        own,
        perCallerPerSecond,
      );
    }
    if (all !== undefined && all.left < 1) {
      throw refused(`The project "${project}" can make ${rateText(perSecond)} predictions per second`, all, perSecond);
    }
    if (own !== undefined) own.left--;
    if (all !== undefined) all.left--;
  }

  #bucket(name: string, perSecond: number, now: number): Bucket {
    const full = Math.max(1, perSecond);
    const bucket = this.#buckets.get(name) ?? { left: full, at: now };
    this.#buckets.delete(name);
    this.#buckets.set(name, bucket);
    // A clock that was set back removes no tokens.
    bucket.left = Math.min(full, bucket.left + (Math.max(0, now - bucket.at) * perSecond) / 1000);
    bucket.at = now;
    if (this.#buckets.size > MOST_BUCKETS) {
      const [oldest] = this.#buckets.keys();
      if (oldest !== undefined) this.#buckets.delete(oldest);
    }
    return bucket;
  }
}

/** A part of a limit need not be a whole number. */
const rateText = (perSecond = 0) => String(Math.round(perSecond * 100) / 100);

function refused(what: string, { left }: Bucket, perSecond = 1): DaisError {
  return new DaisError('rate_limited', `${what} at this gateway. Retry later.`, {
    retryAfter: Math.ceil((1 - left) / perSecond),
  });
}
