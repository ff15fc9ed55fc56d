/** Readers are refused an object that is known to be damaged, until it is repaired. */
import { damageError, labelDamage, type BlobLabel } from '#engines/blobs/contract.ts';
import type { Database } from '#engines/database/contract.ts';
import { contentLabel, findReference, type ContentOwner, type FoundReference } from '#kernel/content/references.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';

/** Removes the damage mark of an object that was read completely or stored again. Returns whether there was one. */
export async function clearDamage(database: Database, locator: string): Promise<boolean> {
  return await transact(database, { mode: 'write', projectId: 'all' }, async ({ sql }) => {
    const rows = await sql.query(
      'delete from kernel.blob_damage where locator = $1 returning 1',
      [locator],
      'content_clear_damage',
    );
    return rows.length > 0;
  });
}

/**
 * Like `findReference`, for readers of the bytes. @throws DaisError `not_found`, `content_missing`, `content_damaged`.
 */
export async function findReadable(
  tx: Transaction,
  reference: ContentOwner & { readonly name: string },
  label = contentLabel(reference, reference.name),
): Promise<FoundReference> {
  return requireUndamaged(await findReference(tx, reference), label);
}

/** @throws DaisError `content_missing`, `content_damaged`. */
export function requireUndamaged(found: FoundReference, label: BlobLabel): FoundReference {
  if (found.damage === null) return found;
  throw labelDamage(damageError(found.damage, found.sha256 === null ? found.locator : `sha256:${found.sha256}`), label);
}
