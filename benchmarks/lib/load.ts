/** Loads: many calls on some connections, and what the client saw of them. */
export interface LoadFigures {
  readonly requests: number;
  readonly failures: number;
  readonly seconds: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

/** Keeps this number of connections busy for a time (s); each sends its next request after the response to the last. */
export type Load = (connections: number, seconds: number) => Promise<LoadFigures>;

/** What one connection reports of its requests. */
export interface Tally {
  /** `sentAt`: by `performance.now()`. Returns false when the time is over. */
  readonly answered: (sentAt: number, good: boolean) => boolean;
  /** Reports a request that got no response. */
  readonly lost: () => void;
}

/** Runs `connection` this number of times in parallel; each continues until the time of its tally is over. */
export async function figuresOf(
  connections: number,
  seconds: number,
  connection: (tally: Tally) => Promise<void>,
): Promise<LoadFigures> {
  const times: number[] = [];
  let failures = 0;
  const startedAt = performance.now();
  const endsAt = startedAt + seconds * 1000;
  const tally: Tally = {
    answered: (sentAt, good) => {
      const now = performance.now();
      times.push(now - sentAt);
      if (!good) failures++;
      return now < endsAt;
    },
    lost: () => failures++,
  };
  await Promise.all(Array.from({ length: connections }, async () => await connection(tally)));
  return loadFigures(times, failures, (performance.now() - startedAt) / 1000);
}

/** Sends one call. Indexes increase, so that each call differs from those before it. */
export type Call = (index: number, client: number) => Promise<unknown>;

/** Numbers the calls of all rounds. */
export class CallCounter {
  next = 0;
}

/** Runs a fixed number of calls; each client sends its next call after the response to its last. */
export async function runCalls(
  calls: number,
  clients: number,
  call: Call,
  counter = new CallCounter(),
): Promise<LoadFigures> {
  const times: number[] = [];
  const end = counter.next + Math.max(1, Math.ceil(calls));
  const startedAt = performance.now();
  const client = async (number: number) => {
    while (counter.next < end) {
      const index = counter.next++;
      const sentAt = performance.now();
      await call(index, number);
      times.push(performance.now() - sentAt);
    }
  };
  await Promise.all(Array.from({ length: clients }, async (_, number) => await client(number)));
  return loadFigures(times, 0, (performance.now() - startedAt) / 1000);
}

/** Summarizes the times of calls (ms). */
export function loadFigures(times: readonly number[], failures: number, seconds: number): LoadFigures {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { requests: times.length, failures, seconds, p50: at(0.5), p99: at(0.99) };
}
