import { DaisError } from '@dais/api';
import type { Call } from '#kernel/dispatch.ts';
import { listResources } from '#kernel/store.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { Selection } from './compiled.ts';

/**
 * Beyond what the operation's own target covers: of a service, the service; of several views by name, each of them. What
 * a service takes is read by whoever may read the service.
 */
export async function authorizeSelection(
  { authorize, tenant }: Pick<Call, 'authorize' | 'tenant'>,
  { service, asked }: Selection,
  action = 'featureView:read',
): Promise<void> {
  if (service !== undefined) {
    await authorize({ kind: 'FeatureService', name: service.name }, tenant, 'featureService:read');
    return;
  }
  if (asked.length < 2) return;
  for (const { view } of asked) await authorize({ kind: 'FeatureView', name: view.name }, tenant, action);
}

/** For what has no transaction to ask in: each view must be among those that the caller may see. @throws DaisError `not_found`. */
export async function requireVisible(
  tx: Transaction,
  { rows }: Pick<Call, 'rows'>,
  { stored, onDemand }: Selection,
): Promise<void> {
  if (rows === undefined) return;
  const wanted = new Set([...stored, ...onDemand].map(({ view }) => view.name));
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
  for (let after: string | undefined = ''; after !== undefined && wanted.size > 0;) {
    const found = await listResources(tx.sql, { ...page, after });
    for (const { name } of found) wanted.delete(name);
    after = found.length === 1000 ? found.at(-1)?.name : undefined;
  }
  const [hidden] = wanted;
  if (hidden !== undefined) throw new DaisError('not_found', `There is no FeatureView "${hidden}".`);
}
