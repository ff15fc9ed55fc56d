/**
 * Counts the requests of this node's gateway from its reports, for the rows of `serving.gateway_minute`. A row contains the
 * whole count of its minute, so a write that is repeated changes nothing. Pure except for its state.
 */
import type { GatewayFigures, VariantFigures } from '@dais/api/gateway';
import { addCounters, countersSince, NO_REQUESTS, type Counters, type VariantKey } from './counters.ts';

/** Requests of one variant in one minute. */
export interface MinuteCounts extends VariantKey {
  /** Start of the minute by the clock of the database, in milliseconds since 1970. */
  readonly minute: number;
  readonly counters: Counters;
}

/** Rows that wait to be stored: an hour of a hundred variants. Further requests are not counted. */
const MOST_ROWS = 6000;

export class GatewayCounts {
  /** Counts of gateways that started before are known from their second report on. Milliseconds since 1970. */
  readonly #since: number;
  #before: GatewayFigures | undefined;
  /** Counted since the last `take`, by variant. */
  #fresh = new Map<string, VariantKey & { readonly counters: Counters }>();
  #rows = new Map<string, { readonly counts: MinuteCounts; isStored: boolean }>();

  constructor(since: number) {
    this.#since = since;
  }

  /** Returns whether a new version received requests: its rollout waits for the counts. */
  record(now: GatewayFigures): boolean {
    const isSame = this.#before?.startedAt === now.startedAt;
    const isNew = !isSame && Date.parse(now.startedAt) >= this.#since;
    const last = new Map(isSame ? this.#before?.variants.map((one) => [keyOf(one), one]) : []);
    this.#before = now;
    // The requests before the first report of a gateway that an earlier control process has counted.
    if (!isSame && !isNew) return false;
    let isCanary = false;
    for (const one of now.variants) {
      const key = keyOf(one);
      const more = countersSince(one, last.get(key) ?? NO_REQUESTS);
      if (more.requests === 0) continue;
      const { project, endpoint, variant, model } = one;
      const counters = addCounters(this.#fresh.get(key)?.counters ?? NO_REQUESTS, more);
      this.#fresh.set(key, { project, endpoint, variant, model, counters });
      isCanary ||= variant === 'canary';
    }
    return isCanary;
  }

  get isEmpty(): boolean {
    return this.#fresh.size === 0 && [...this.#rows.values()].every(({ isStored }) => isStored);
  }

  /** Returns the rows that are not stored as they are. `minute`: the current one, for new counts. */
  take(minute: number): readonly MinuteCounts[] {
    for (const [key, { counters, ...variant }] of this.#fresh) {
      const row = `${minute} ${key}`;
      const before = this.#rows.get(row)?.counts.counters ?? NO_REQUESTS;
      if (before === NO_REQUESTS && this.#rows.size >= MOST_ROWS) continue;
      const counts = { ...variant, minute, counters: addCounters(before, counters) };
      this.#rows.set(row, { counts, isStored: false });
    }
    this.#fresh = new Map();
    for (const [row, { counts, isStored }] of this.#rows) {
      if (isStored && counts.minute !== minute) this.#rows.delete(row);
    }
    return [...this.#rows.values()].flatMap(({ counts, isStored }) => (isStored ? [] : [counts]));
  }

  /** Their transaction committed. Rows that grew since then are not stored. */
  markStored(rows: readonly MinuteCounts[]): void {
    for (const counts of rows) {
      const row = this.#rows.get(`${counts.minute} ${keyOf(counts)}`);
      if (row?.counts === counts) row.isStored = true;
    }
  }
}

function keyOf({ project, endpoint, variant, model }: VariantKey | VariantFigures): string {
  return JSON.stringify([project, endpoint, variant, model]);
}
