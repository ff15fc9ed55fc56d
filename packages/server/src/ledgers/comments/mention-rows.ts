/** Rows of mentions, from which the inbox of a user is read. */
import type { Transaction } from '#kernel/transaction.ts';

/** Updates the mentions of a comment. Remaining mentions keep their read mark, and others are deleted. */
export async function writeMentions(tx: Transaction, comment: string, users: readonly string[]): Promise<void> {
  await tx.sql.query(
    'delete from comments.mention where project_id = $1 and comment = $2 and user_name <> all($3::text[])',
    [tx.projectId, comment, users],
    'drop_mentions',
  );
  if (users.length === 0) return;
  await tx.sql.query(
    `insert into comments.mention (project_id, user_name, comment) select $1, t.name, $2 from unnest($3::text[]) t (name)
     on conflict do nothing`,
    [tx.projectId, comment, users],
    'add_mentions',
  );
}
