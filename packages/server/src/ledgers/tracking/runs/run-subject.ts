import type { Transaction } from '#kernel/transaction.ts';
import type { CommentLocation, CommentSubject } from '#ledgers/comments/index.ts';
import { noRun } from './run-lookup.ts';
import { runSubject } from '../tracking-events.ts';

export const runKey = (num: bigint) => `run/${num}`;

/** Returns a run, also a deleted one, as the subject of comments, locked against removal for writes. @throws DaisError `not_found`. */
export async function commentedRun({ sql, projectId, writable }: Transaction, id: string): Promise<CommentSubject> {
  const [row] = await sql.query<{ num: bigint }>(
    `select num from tracking.run where project_id = $1 and id = $2 ${writable ? 'for key share' : ''}`,
    [projectId, id],
    writable ? 'hold_run' : 'see_run',
  );
  if (row === undefined) throw noRun(id);
  return { key: runKey(row.num), subject: runSubject(projectId, id), data: {} };
}

/** Returns the locations of comments on runs, for those of `keys` that are runs. */
export async function commentedRuns(
  { sql, projectId }: Transaction,
  keys: readonly string[],
): Promise<ReadonlyMap<string, CommentLocation>> {
  const nums = keys.flatMap((key) => /^run\/(\d{1,18})$/.exec(key)?.[1] ?? []);
  if (nums.length === 0) return new Map();
  const rows = await sql.query<{ num: bigint; id: string; name: string }>(
    'select num, id, name from tracking.run where project_id = $1 and num = any($2::bigint[])',
    [projectId, nums],
    'commented_runs',
  );
  return new Map(rows.map(({ num, id, name }) => [runKey(num), { kind: 'Run', name: id, title: name }]));
}
