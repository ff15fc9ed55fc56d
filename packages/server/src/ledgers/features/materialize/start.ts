import { DaisError } from '@dais/api';
import type { Materialization, materializeFeaturesOperation } from '@dais/api/data';
import type { CallOf } from '#kernel/entry.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { uuidv7 } from '#lib/ids.ts';
import type { CompiledView } from '../definitions/compiled.ts';
import { loadView } from '../definitions/load-selection.ts';
import { parseMoment } from '../values/moment.ts';
import { presentMaterialization, readMaterialization, MATERIALIZE_QUEUE } from './materialization-rows.ts';

/** A call of a user, or a request of the controller of feature views. */
type MaterializeCall = Pick<CallOf<typeof materializeFeaturesOperation>, 'input' | 'tenant'> & {
  readonly context: Pick<CallOf<typeof materializeFeaturesOperation>['context'], 'principal'>;
};

/** Starts a materialization. @throws DaisError `not_found`, `invalid_request`, `invalid_state` while another one runs */
export async function startMaterialization(
  tx: Transaction,
  { input, tenant, context }: MaterializeCall,
  nowMs: number,
): Promise<Materialization> {
  const view = await loadView(tx, input.view);
  if (!view.online)
    throw new DaisError('invalid_state', `FeatureView "${view.name}" is not online: \`online: false\`.`);
  if (view.source.type !== 'dataset' && view.source.type !== 'sql') {
    const detail = `FeatureView "${view.name}" has no source to materialize: its values are ${view.source.type === 'push' ? 'pushed' : 'computed when they are read'}.`;
    throw new DaisError('invalid_state', detail);
  }
  const end = input.end === undefined ? nowMs * 1000 : momentOf(input.end, 'end');
  const start =
    input.start === undefined ? await usualStart(tx, view, input.mode, end) : momentOf(input.start, 'start');
  if (start !== undefined && start > end) throw new DaisError('invalid_request', '`start` is after `end`.');
  const id = uuidv7(nowMs);
  const made = await tx.sql.query(
    `insert into features.materialization
       (id, project_id, view, view_name, mode, state, start_time, end_time, actor_type, actor_id)
     values ($1, $2, $3, $4, $5, 'pending', $6, $7, $8, $9)
     on conflict (view) where state in ('pending', 'running') do nothing returning 1`,
    [id, tenant.id, view.uid, view.name, input.mode, start ?? null, end, context.principal.type, context.principal.id],
    'start_materialization',
  );
  if (made.length === 0) {
    const detail = `FeatureView "${view.name}" is already being materialized. Wait until the materialization ends (featureMaterialization.list).`;
    throw new DaisError('invalid_state', detail);
  }
  // The job has the id of the record.
  tx.enqueue({
    id,
    queue: MATERIALIZE_QUEUE,
    projectId: tenant.id,
    payload: { id, view: view.name },
    uniqueKey: id,
    maxAttempts: 10,
  });
  return presentMaterialization(await readMaterialization(tx, id));
}

/** Returns the start: the end of the last materialization, else as far back as the ttl reaches, else undefined. */
async function usualStart(
  { sql }: Transaction,
  view: CompiledView,
  mode: 'full' | 'incremental',
  end: number,
): Promise<number | undefined> {
  const oldest = view.ttlUs === 0 ? undefined : end - view.ttlUs;
  if (mode === 'full') return oldest;
  const [row] = await sql.query<{ materialized_to: bigint | null }>(
    'select materialized_to from features.online_view where view = $1',
    [view.uid],
    'materialized_to',
  );
  const last = row?.materialized_to ?? null;
  return last === null ? oldest : Math.min(Number(last), end);
}

function momentOf(text: string, field: string): number {
  const moment = parseMoment(text);
  if (moment === undefined)
    throw new DaisError('invalid_request', `\`${field}\` must be a time between the years 1684 and 2255.`);
  return moment;
}
