import type { Clock } from '#lib/clock.ts';
import type { HeldBy } from './garbage/collect-garbage.ts';
import type { TrackingOptions } from './options.ts';

/** Dependencies of the operations. */
export interface TrackingParts {
  readonly options: TrackingOptions;
  readonly clock: Clock;
  readonly random: (bytes: number) => Buffer;
  /** Retention of traces in days. Default 0: until they are deleted. */
  readonly traceDays?: number;
  /** Days during which deleted objects can be restored. Default 0: until garbage collection is started manually. */
  readonly deletedDays?: number;
  /** Returns deleted objects that other ledgers still reference. Default: none. */
  readonly heldBy?: HeldBy;
}
