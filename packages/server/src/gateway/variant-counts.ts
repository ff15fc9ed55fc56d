import { BatchCounts } from './batch-counts.ts';
import { latencyBounds } from './gateway-stats.ts';

/** What one variant of an endpoint did. Kept over snapshots for as long as the variant has the same model. */
export class VariantCounters {
  requests = 0;
  failures = 0;
  refused = 0;
  shadowDropped = 0;
  queueMicros = 0;
  lastAt = 0;
  latencyMicros = 0;
  readonly latencies: number[] = [...latencyBounds.map(() => 0), 0];
  readonly batches = new BatchCounts();

  answered(at: number, micros: number, status: number): void {
    this.requests++;
    if (status >= 500) this.failures++;
    this.lastAt = at;
    this.latencyMicros += micros;
    const seconds = micros / 1e6;
    let place = 0;
    while (place < latencyBounds.length && seconds > (latencyBounds[place] as number)) place++;
    this.latencies[place] = (this.latencies[place] ?? 0) + 1;
  }
}
