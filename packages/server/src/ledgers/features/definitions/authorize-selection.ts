import type { Call } from '#kernel/dispatch.ts';
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
