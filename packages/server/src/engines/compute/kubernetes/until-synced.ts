/** Waits for the first lists of a cluster, and finds out why they are missing. */
import { DaisError } from '@dais/api/errors';
import type { Clock } from '#lib/clock.ts';
import { pause } from '#lib/concurrency/pause.ts';

/** The first lists of a large cluster take seconds. */
const SYNC_MS = 60_000;
/** Then Dais finds out why the lists are missing. */
const EXPLAIN_MS = 2000;

export interface OpeningOptions {
  /** Returns why the view of the cluster stays empty. Undefined: it only takes long. */
  readonly explain?: () => Promise<string | undefined>;
  readonly signal?: AbortSignal;
}

/**
 * Resolves when the view has seen everything once.
 * @throws DaisError `target_unavailable` after 60 s, or when `explain` knows why it never will; the reason of `signal`
 */
export async function untilSynced(
  view: { synced(): Promise<void> },
  clock: Clock,
  { explain, signal }: OpeningOptions,
): Promise<void> {
  const stop = new AbortController();
  const waiting = AbortSignal.any([stop.signal, ...(signal === undefined ? [] : [signal])]);
  const refuse = (why: string) =>
    new DaisError('target_unavailable', `The cluster does not show its objects to Dais. ${why}`);
  const explained = pause(clock, EXPLAIN_MS, waiting).then(async () => {
    // The API server is away: the view continues to try, and the limit applies.
    const why = await explain?.().catch(() => undefined);
    if (why !== undefined) throw refuse(why);
    await pause(clock, SYNC_MS - EXPLAIN_MS, waiting);
    throw refuse(`Its lists are missing after ${SYNC_MS / 1000} s. Check the load of its API server.`);
  });
  try {
    await Promise.race([view.synced(), explained]);
  } finally {
    stop.abort();
  }
}
