/** State transitions of a version after its creation. */
import { DaisError, eventTypes, type EventType } from '@dais/api';
import { type DatasetVersion } from '@dais/api/data';
import type { Transaction } from '#kernel/transaction.ts';
import { lockDataset, emitAboutDataset } from '../dataset-rows.ts';
import { readVersion } from './version-rows.ts';

export interface Decided {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Required for every change except the first `ready`. */
  readonly reason?: string;
}

interface Step {
  readonly from: readonly DatasetVersion['state'][];
  readonly event: EventType;
}

const STEPS: Readonly<Record<'ready' | 'quarantined' | 'released' | 'broken', Step>> = {
  ready: { from: ['building'], event: eventTypes.datasetVersionReady },
  quarantined: { from: ['building', 'ready'], event: eventTypes.datasetVersionQuarantined },
  released: { from: ['quarantined'], event: eventTypes.datasetVersionReleased },
  broken: { from: ['building', 'ready', 'quarantined'], event: eventTypes.datasetVersionBroken },
};

/**
 * Changes the state of a version: `ready` and `quarantined` are results of its checks, `released` overrides them. Idempotent.
 * @throws DaisError `not_found`, `invalid_state`.
 */
export async function decideVersion(
  tx: Transaction,
  id: string,
  to: keyof typeof STEPS,
  { now, reason }: Decided,
): Promise<DatasetVersion> {
  const { dataset } = await readVersion(tx, id);
  const row = await lockDataset(tx, dataset);
  const before = await readVersion(tx, id);
  const state = to === 'released' ? 'ready' : to;
  if (before.state === state) return before;
  const { from, event } = STEPS[to];
  if (!from.includes(before.state)) {
    throw new DaisError('invalid_state', `${dataset}@${before.number} is ${before.state} and cannot become ${to}.`);
  }
  await tx.sql.query(
    `update data.version set state = $2, reason = $3,
       ready_at = case when $2 = 'ready' then coalesce(ready_at, $4) else ready_at end where id = $1`,
    [id, state, state === 'ready' ? null : (reason ?? null), now],
    'decide_data_version',
  );
  emitAboutDataset(tx, row, event, {
    version: before.number,
    id,
    ...(to !== 'ready' && { reason: (reason ?? '').slice(0, 2000) }),
  });
  return await readVersion(tx, id);
}
