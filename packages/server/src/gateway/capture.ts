/** What the gateway hands over to be remembered, and what it may count on. */
import type { ServedEndpoint } from '@dais/api/gateway';
import type { PredictionRecord, SegmentStats } from '#ledgers/predictions/segment.ts';

/** What became of predictions that were to be kept. */
export type CaptureStats = Pick<SegmentStats, 'records' | 'dropped' | 'shed' | 'cut' | 'pendingBytes'>;

export interface CaptureSink {
  /**
   * Takes a record by the endpoint's policy. Undefined, or resolved: taken. With `ack` and `sync` it is only taken when it
   * is as safe as those promise, and the answer waits for it. Rejects with `overloaded` when nothing may be answered
   * unwritten (`overflow: shed`) and there is no room. Whether `sample` takes it, the sink decides.
   */
  append(record: PredictionRecord, policy: ServedEndpoint['capture']): Promise<void> | undefined;
  /** There is no room: asked before a model runs whose predictions may not go unwritten (`overflow: shed`). */
  full(): boolean;
  /** Everything taken so far is on the disk. */
  flush(): Promise<void>;
  stats(): CaptureStats;
}
