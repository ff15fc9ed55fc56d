/** Users and groups that identity providers provision: the operations behind SCIM. */
import type { OperationEntry } from '#kernel/entry.ts';
import { provisionedGroupEntries } from './group-entries.ts';
import { provisionedUserEntries, type ProvisioningDependencies } from './user-entries.ts';

export type { ProvisioningDependencies };

export function provisioningEntries(dependencies: ProvisioningDependencies): readonly OperationEntry[] {
  return [...provisionedUserEntries(dependencies), ...provisionedGroupEntries()];
}
