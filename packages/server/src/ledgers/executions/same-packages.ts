import type { Transaction } from '#kernel/transaction.ts';

/** A run that does another one again has its packages, also when newer ones would be found today. */
export async function takeOverPackages({ sql }: Transaction, from: string, to: string): Promise<void> {
  await sql.query(
    `insert into executions.environment (run, spec_digest, project_id, lock)
     select $2, spec_digest, project_id, lock from executions.environment where run = $1 on conflict do nothing`,
    [from, to],
    'execution_same_packages',
  );
}
