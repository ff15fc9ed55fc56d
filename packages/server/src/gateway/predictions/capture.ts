/** The interface for recording predictions, and its guarantees. */
import type { ServedEndpoint } from '@dais/api/gateway';
import type { PredictionRecord, SegmentStats } from '#ledgers/predictions/segment.ts';

/** Counts of captured and lost predictions. */
export type CaptureStats = Pick<SegmentStats, 'records' | 'dropped' | 'shed' | 'cut' | 'pendingBytes'>;

export interface CaptureSink {
  /**
   * Accepts a record under the policy of the endpoint. Undefined or a resolved promise means accepted. With `ack` and
   * `sync`, the promise resolves when the record has the promised durability, and the response waits for it. Rejects
   * with `overloaded` if the policy forbids responses without a record (`overflow: shed`) and the buffer is full. The
   * sink decides which records `sample` keeps.
   */
  append(record: PredictionRecord, policy: ServedEndpoint['capture']): Promise<void> | undefined;
  /** Whether the buffer is full. Check it before the model runs if responses require a record (`overflow: shed`). */
  full(): boolean;
  /** Resolves when all accepted records are on disk. */
  flush(): Promise<void>;
  stats(): CaptureStats;
}
