/** Readers are refused an object that is known to be damaged, until it is repaired. */
import { DaisError } from '@dais/api/errors';
import type { Database } from '#engines/database/contract.ts';
import { findReference, type ContentOwner, type FoundReference } from '#kernel/content/references.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';

/** Removes the mark of an object that was read whole or stored anew. Returns whether there was one. */
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
 * Like `findReference`, for whoever reads the bytes. @throws DaisError `not_found`, `content_missing`,
 * `content_damaged`.
 */
export async function findReadable(
  tx: Transaction,
  reference: ContentOwner & { readonly name: string },
): Promise<FoundReference> {
  const found = await findReference(tx, reference);
  if (found.damage === null) return found;
  const digest = found.sha256 === null ? found.locator : `sha256:${found.sha256}`;
  if (found.damage === 'missing') {
    throw new DaisError('content_missing', `The object ${digest} of ${reference.name} is not in the blob store.`);
  }
  throw new DaisError('content_damaged', `The object ${digest} of ${reference.name} is ${found.damage}.`);
}
