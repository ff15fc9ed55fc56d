import type { Transaction } from '#kernel/transaction.ts';

/** Copies the package locks of a run to its retry, so that the retry has the same packages even if newer ones exist. */
export async function copyPackageLocks({ sql }: Transaction, from: string, to: string): Promise<void> {
  await sql.query(
    `insert into executions.environment (run, spec_digest, project_id, lock)
     select $2, spec_digest, project_id, lock from executions.environment where run = $1 on conflict do nothing`,
    [from, to],
    'execution_same_packages',
  );
}
