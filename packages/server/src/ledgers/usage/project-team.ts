/** The team of a project: its label `team`, which records contain. */
import { readByUid } from '#kernel/store.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { ProjectLifecycle } from '#ledgers/ledger.ts';

const LABEL = 'team';

/** Keeps the label at the end of the transaction that changes the project, when its labels are written. */
export const projectTeam: Required<Pick<ProjectLifecycle, 'change' | 'remove'>> = {
  change: (tx, id, spec) => {
    if (spec !== undefined) tx.checkAtEnd(`team of ${id}`, async () => await keepTeam(tx, id));
  },
  remove: async ({ sql }, { id }) => {
    await sql.query('delete from usage.project where project_id = $1', [id], 'usage_forget_team');
  },
};

async function keepTeam(tx: Transaction, id: string): Promise<void> {
  await tx.enter('all');
  const [project] = await readByUid(tx.sql, [id]);
  tx.sql.defer(
    `insert into usage.project (project_id, team) values ($1, $2) on conflict (project_id) do update set team = excluded.team`,
    [id, project?.labels[LABEL] ?? null],
    'usage_keep_team',
  );
}
