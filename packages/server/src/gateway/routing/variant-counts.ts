import { LATENCY_BUCKETS_MS, LATENCY_GRID, latencyBucket } from '@dais/api/gateway';

/** Counters of one variant of an endpoint, kept across snapshots while the variant has the same model. */
export class VariantCounters {
  requests = 0;
  failures = 0;
  refused = 0;
  modelErrors = 0;
  shed = 0;
  shadowDropped = 0;
  queueMicros = 0;
  lastAt = 0;
  latencyMicros = 0;
  /** For Prometheus, by `LATENCY_BUCKETS_MS`. */
  readonly latencies: number[] = [...LATENCY_BUCKETS_MS.map(() => 0), 0];
  /** For comparisons of versions, by `LATENCY_GRID`. */
  readonly latencyGrid: number[] = Array.from({ length: LATENCY_GRID.buckets }, () => 0);
  readonly batches = new BatchCounts();

  answered(at: number, micros: number, status: number): void {
    this.requests++;
    if (status >= 500) this.failures++;
    else if (status >= 400) this.refused++;
    this.lastAt = at;
    this.latencyMicros += micros;
    const ms = micros / 1000;
    let index = 0;
    while (index < LATENCY_BUCKETS_MS.length && ms > (LATENCY_BUCKETS_MS[index] as number)) index++;
    this.latencies[index] = (this.latencies[index] ?? 0) + 1;
    const bucket = latencyBucket(ms);
    this.latencyGrid[bucket] = (this.latencyGrid[bucket] ?? 0) + 1;
  }
}

/** Runs of one variant by their number of rows, for the statistics of the protocols. */
export class BatchCounts {
  runs = 0;
  rows = 0;
  micros = 0;
  readonly bySize = new Map<number, { runs: number; micros: number }>();

  run(rows: number, micros: number): void {
    this.runs++;
    this.rows += rows;
    this.micros += micros;
    // Larger sizes are single large requests, and each would create its own entry.
    const size = rows <= 256 ? rows : 256;
    const entry = this.bySize.get(size);
    if (entry === undefined) this.bySize.set(size, { runs: 1, micros });
    else {
      entry.runs++;
      entry.micros += micros;
    }
  }
}
