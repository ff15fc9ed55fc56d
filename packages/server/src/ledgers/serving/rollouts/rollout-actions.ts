/** Actions on a rollout in progress, and on an ended one. */
import type { promoteRolloutOperation, resumeEndpointOperation, rollBackOperation } from '@dais/api/serving';
import { DaisError, eventTypes } from '@dais/api';
import type { CallOf } from '#kernel/entry.ts';
import { wakeResources } from '#kernel/reconcile-queue.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { uuidv7 } from '#lib/ids.ts';
import { promote, rollBack } from '../endpoints/endpoint-work.ts';
import { changeEndpoint, lockEndpoint, type EndpointRow } from '../endpoints/endpoint-rows.ts';
import { readModels, resumeModels } from '../models/model-rows.ts';
import {
  presentRollout,
  ROLLOUT_COLUMNS,
  runningRollout,
  setPaused,
  startRollout,
  stepsOf,
  type RolloutRow,
} from './rollout-rows.ts';

type Verb = 'promote' | 'pause' | 'resume' | 'abort';

/** The operations of the other verbs have the same schemas. */
type VerbCall = CallOf<typeof promoteRolloutOperation>;

/** @throws DaisError `not_found`, `invalid_state`. */
export async function changeRollout(tx: Transaction, verb: Verb, { input, context }: VerbCall, now: number) {
  const row = await lockEndpoint(tx, input.endpoint);
  const rollout = await running(tx, row);
  const by = `${context.principal.type}:${context.principal.id}`;
  const givenReason = input.reason === '' ? `Requested by ${by}.` : input.reason;
  const forced = { status: 'forced', message: givenReason } as const;
  switch (verb) {
    case 'promote':
      if (rollout.step === 0 && row.stable !== null) {
        const detail = `${rollout.to_label} is not loaded and tested yet. Wait for it (dais rollout status ${row.name}).`;
        throw new DaisError('invalid_state', detail);
      }
      await promote(tx, row, rollout, { by, now }, forced);
      break;
    case 'pause':
      if (rollout.state === 'paused') throw new DaisError('invalid_state', 'The rollout is already paused.');
      await setPaused(tx, rollout, true, givenReason);
      break;
    case 'resume':
      if (rollout.state !== 'paused') throw new DaisError('invalid_state', 'The rollout is not paused.');
      await setPaused(tx, rollout, false, givenReason);
      break;
    case 'abort':
      await rollBack(tx, row, rollout, { state: 'aborted', by, reason: givenReason }, forced);
      break;
  }
  return await readRollout(tx, rollout.id);
}

/** @throws DaisError `not_found`, `nothing_to_roll_back`. */
export async function rollBackEndpoint(
  tx: Transaction,
  { input, context }: CallOf<typeof rollBackOperation>,
  now: number,
) {
  const row = await lockEndpoint(tx, input.endpoint);
  const by = `${context.principal.type}:${context.principal.id}`;
  const reason = input.reason === '' ? `Requested by ${by}.` : input.reason;
  const rollout = await runningRollout(tx, row.uid);
  if (rollout !== undefined && rollout.cause !== 'rollback' && row.stable !== null) {
    await rollBack(tx, row, rollout, { state: 'aborted', by, reason }, { status: 'forced', message: reason });
    return await readRollout(tx, rollout.id);
  }
  const models = await readModels(
    tx,
    [row.stable, row.previous].flatMap((id) => id ?? []),
  );
  const [from, to] = [models.get(row.stable ?? ''), models.get(row.previous ?? '')];
  if (from === undefined || to === undefined) {
    throw new DaisError('nothing_to_roll_back', `Endpoint "${row.name}" has no previous version to roll back to.`);
  }
  const id = uuidv7(now);
  const endpoint = { uid: row.uid, name: row.name };
  const how = { cause: 'rollback', weights: [100], automatic: true } as const;
  await startRollout(tx, { id, endpoint, from, to, by, reason, ...how });
  await changeEndpoint(tx, row.uid, { rejected: from.id });
  return await readRollout(tx, id);
}

/** Loads the quarantined models of an endpoint again. @throws DaisError `not_found`, `invalid_state`. */
export async function resumeEndpoint(tx: Transaction, { input, context }: CallOf<typeof resumeEndpointOperation>) {
  const row = await lockEndpoint(tx, input.endpoint);
  const ids = Object.keys(row.quarantined);
  if (ids.length === 0) {
    const detail = `No model of Endpoint "${row.name}" is quarantined, so there is nothing to resume. See \`dais rollout status ${row.name}\`.`;
    throw new DaisError('invalid_state', detail);
  }
  await resumeModels(tx, ids);
  const isHeld = row.rejected !== null && ids.includes(row.rejected);
  const by = `${context.principal.type}:${context.principal.id}`;
  // The caller of resume starts the next rollout, not an alias.
  const request = { by, cause: 'deploy' } as const;
  await changeEndpoint(tx, row.uid, { quarantined: {}, ...(isHeld && { rejected: null, request }) });
  const reason = input.reason === '' ? `Resumed by ${by}.` : input.reason;
  const models = Object.values(row.quarantined).map(({ label }) => label);
  for (const model of models) {
    tx.emit({
      type: eventTypes.modelResumed,
      projectId: tx.projectId,
      subject: { kind: 'Endpoint', name: row.name, uid: row.uid },
      data: { model, reason },
    });
  }
  const home = tx.projectId;
  await tx.enter('all');
  await wakeResources(tx.sql, [row.uid]);
  await tx.enter(home);
  return { endpoint: row.name, models };
}

async function running(tx: Transaction, row: EndpointRow): Promise<RolloutRow> {
  const rollout = await runningRollout(tx, row.uid);
  if (rollout !== undefined) return rollout;
  throw new DaisError('invalid_state', `Endpoint "${row.name}" has no rollout in progress.`);
}

async function readRollout(tx: Transaction, id: string) {
  const [row] = await tx.sql.query<RolloutRow>(
    `select ${ROLLOUT_COLUMNS} from serving.rollout where id = $1`,
    [id],
    'read_rollout',
  );
  if (row === undefined) throw new DaisError('not_found', `There is no rollout ${id}.`);
  return presentRollout(row, await stepsOf(tx, [id]));
}
