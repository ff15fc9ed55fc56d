import type { Clock } from '#lib/clock.ts';
import type { HeldBy } from './garbage/collect-garbage.ts';
import type { TrackingOptions } from './options.ts';

/** What the ledger's operations stand on. */
export interface TrackingParts {
  readonly options: TrackingOptions;
  readonly clock: Clock;
  readonly random: (bytes: number) => Buffer;
  /** Days that traces are kept. Default 0: until somebody deletes them. */
  readonly traceDays?: number;
  /** Days that what was deleted can be restored. Default 0: until somebody collects it. */
  readonly deletedDays?: number;
  /** What other ledgers still need of what was deleted. Default: nothing. */
  readonly heldBy?: HeldBy;
}
