import type { Transaction } from '#kernel/transaction.ts';
import type { CommentSubject } from '#ledgers/comments/index.ts';
import { noRun } from './run-lookup.ts';
import { runSubject } from './tracking-events.ts';

export const runKey = (num: bigint) => `run/${num}`;

/** A run, deleted ones too, as comments are about it; one that is written about does not go meanwhile. @throws DaisError `not_found`. */
export async function commentedRun({ sql, projectId, writable }: Transaction, id: string): Promise<CommentSubject> {
  const [row] = await sql.query<{ num: bigint }>(
    `select num from tracking.run where project_id = $1 and id = $2 ${writable ? 'for key share' : ''}`,
    [projectId, id],
    writable ? 'hold_run' : 'see_run',
  );
  if (row === undefined) throw noRun(id);
  return { key: runKey(row.num), subject: runSubject(projectId, id), data: {} };
}
