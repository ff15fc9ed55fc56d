/** Deletion with datasets, versions and projects. */
import type { Transaction } from '#kernel/transaction.ts';

/** Deletes findings of permanently deleted versions. */
export async function forgetScans({ sql }: Transaction, versions: readonly string[]): Promise<void> {
  await sql.query('delete from privacy.scan where version = any($1::uuid[])', [versions], 'forget_scans');
}

/** Deletes the data of a deleted Dataset. Its salts are destroyed, so hashes of its values can no longer be linked. */
export async function forgetDatasetFindings({ sql }: Transaction, uid: string): Promise<void> {
  for (const table of ['finding', 'scan', 'pseudonym_key']) {
    await sql.query(`delete from privacy.${table} where dataset = $1`, [uid]);
  }
}

/** Deletes the data of a deleted project, with its keys. */
export async function forgetProjectFindings({ sql }: Transaction, projectId: string): Promise<void> {
  for (const table of ['finding', 'scan', 'pseudonym_key']) {
    await sql.query(`delete from privacy.${table} where project_id = $1`, [projectId]);
  }
}
