import { DaisError } from '@dais/api';
import type { Call } from '#kernel/entry.ts';
import { listResources } from '#kernel/store.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { FeatureDependencies } from '../features-dependencies.ts';
import { datasetsOf } from '../history/source-relation.ts';
import type { SelectedView, Selection } from './compiled.ts';

/**
 * Authorizes a selection in addition to the target of the operation: a service, or each of several views. Permission to read
 * a service includes its features.
 */
export async function authorizeSelection(
  { authorize, tenant }: Pick<Call, 'authorize' | 'tenant'>,
  { service, requested }: Selection,
  action = 'featureView:read',
): Promise<void> {
  if (service !== undefined) {
    await authorize({ kind: 'FeatureService', name: service.name }, tenant, 'featureService:read');
    return;
  }
  if (requested.length < 2) return;
  for (const { view } of requested) await authorize({ kind: 'FeatureView', name: view.name }, tenant, action);
}

/** Checks visibility without a transaction: each view must be visible to the caller. @throws DaisError `not_found`. */
export async function requireVisible(
  tx: Transaction,
  { rows }: Pick<Call, 'rows'>,
  { stored, onDemand }: Selection,
): Promise<void> {
  if (rows === undefined) return;
  const requested = new Set([...stored, ...onDemand].map(({ view }) => view.name));
  const page = {
    projectId: tx.projectId,
    kind: 'FeatureView',
    limit: 1000,
    equal: {},
    notEqual: [],
    present: [],
    absent: [],
    rows,
  };
  for (let after: string | undefined = ''; after !== undefined && requested.size > 0;) {
    const found = await listResources(tx.sql, { ...page, after });
    for (const { name } of found) requested.delete(name);
    after = found.length === 1000 ? found.at(-1)?.name : undefined;
  }
  const [hidden] = requested;
  if (hidden !== undefined) throw new DaisError('not_found', `There is no FeatureView "${hidden}".`);
}

/**
 * Rejects features that reveal masked columns: values of a column that is masked for the caller must not be read as features,
 * online or point-in-time. All features of an SQL view are rejected, because their source columns are unknown.
 * `keys`: the response contains join keys that the caller did not provide. @throws DaisError `forbidden` with view, feature and dataset
 */
export async function requireUnmasked(
  tx: Transaction,
  { sources }: Pick<FeatureDependencies, 'sources'>,
  call: Pick<Call, 'authorize' | 'tenant'>,
  { stored }: Pick<Selection, 'stored'>,
  { keys }: { readonly keys: boolean },
): Promise<void> {
  for (const dataset of new Set(stored.flatMap(({ view }) => datasetsOf(view)))) {
    if (await sources.mayUnmask(call, dataset)) continue;
    const hidden = new Set((await sources.sensitive(tx, dataset)).map(({ column }) => column));
    if (hidden.size === 0) continue;
    for (const selected of stored) {
      if (!datasetsOf(selected.view).includes(dataset)) continue;
      const exposed = exposedColumns(selected, keys).find(
        ({ column }) => selected.view.source.type === 'sql' || hidden.has(column),
      );
      if (exposed === undefined) continue;
      throw new DaisError(
        'forbidden',
        `${selected.view.name}:${exposed.name} can reveal values of Dataset "${dataset}" that are masked for you. You need the permission dataset:unmask.`,
      );
    }
  }
}

function exposedColumns({ view, features }: SelectedView, keys: boolean): readonly { name: string; column: string }[] {
  return keys ? [...features, ...view.keys] : features;
}
