import type { Sql } from '#engines/database/contract.ts';
import type { DamagedReference, OwnerName } from '#kernel/content/owner-names.ts';
import { ARCHIVES } from './archive-store.ts';

/** Names the archives of the audit log. */
export async function nameAuditOwners(
  _sql: Sql,
  references: readonly DamagedReference[],
): Promise<readonly OwnerName[]> {
  const { projectId, uid } = ARCHIVES;
  const isArchive = references.some((one) => one.owner === uid && one.projectId === projectId);
  return await Promise.resolve(isArchive ? [{ projectId, owner: uid, kind: 'audit archive', name: 'audit log' }] : []);
}
