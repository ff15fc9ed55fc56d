/** What a load came to, whatever the protocol. */
export interface LoadFigures {
  readonly requests: number;
  readonly failures: number;
  readonly seconds: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

/** Keeps so many connections busy, each with one request after the other. */
export type Load = (connections: number, seconds: number) => Promise<LoadFigures>;

/** What one connection tells of its requests. */
export interface Tally {
  /** `sentAt`: by `performance.now()`. False: the time is over. */
  readonly answered: (sentAt: number, good: boolean) => boolean;
  /** A request that no answer came to. */
  readonly lost: () => void;
}

/** Runs `connection` so many times at once; each goes on until its tally says that the time is over. */
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
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return {
    requests: times.length,
    failures,
    seconds: (performance.now() - startedAt) / 1000,
    p50: at(0.5),
    p99: at(0.99),
  };
}
