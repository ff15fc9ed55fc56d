/** For the time of a backup nothing new is deleted. */
import { DaisError } from '@dais/api/errors';
import type { Database } from '#engines/database/contract.ts';
import { transact } from '#kernel/transaction.ts';
import { uuidv7 } from '#lib/ids.ts';

export interface CollectionPause {
  /**
   * Extends the pause from now on. @throws DaisError `conflict` if it has expired, because content could be deleted.
   */
  extend(ttlMs: number): Promise<void>;
  /** Idempotent. */
  resume(): Promise<void>;
}

/**
 * Prevents new deletions for `ttlMs`, so that a backup with a later database snapshot finds every blob that the
 * snapshot references, however long the copy takes.
 */
export async function pauseCollection(database: Database, reason: string, ttlMs: number): Promise<CollectionPause> {
  const id = uuidv7();
  const query = async (text: string, values: readonly unknown[], name: string) =>
    await transact(database, { mode: 'write', projectId: 'all' }, async ({ sql }) => {
      return await sql.query(text, values, name);
    });
  await query(
    `with ended as (delete from kernel.collection_pause where expires_at < clock_timestamp())
     insert into kernel.collection_pause (id, reason, expires_at)
     values ($1, $2, clock_timestamp() + $3 * interval '1 millisecond')`,
    [id, reason, ttlMs],
    'content_pause',
  );
  return {
    extend: async (more) => {
      const rows = await query(
        `update kernel.collection_pause set expires_at = clock_timestamp() + $2 * interval '1 millisecond'
         where id = $1 and expires_at > clock_timestamp() returning 1`,
        [id, more],
        'content_extend_pause',
      );
      if (rows.length > 0) return;
      throw new DaisError('conflict', `the pause of garbage collection for "${reason}" has expired; start again`);
    },
    resume: async () => {
      await query('delete from kernel.collection_pause where id = $1', [id], 'content_resume');
    },
  };
}
