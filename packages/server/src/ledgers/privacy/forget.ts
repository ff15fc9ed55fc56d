/** What goes with a dataset, its versions, or a project. */
import type { Transaction } from '#kernel/transaction.ts';

/** Versions that were deleted for good. */
export async function forgetScans({ sql }: Transaction, versions: readonly string[]): Promise<void> {
  await sql.query('delete from privacy.scan where version = any($1::uuid[])', [versions], 'forget_scans');
}

/** A Dataset resource that goes. Its salts are destroyed with it: hashes of its values mean nothing any more. */
export async function forgetDatasetFindings({ sql }: Transaction, uid: string): Promise<void> {
  for (const table of ['finding', 'scan', 'pseudonym_key']) {
    await sql.query(`delete from privacy.${table} where dataset = $1`, [uid]);
  }
}

/** A project that goes, with its keys. */
export async function forgetProjectFindings({ sql }: Transaction, projectId: string): Promise<void> {
  for (const table of ['finding', 'scan', 'pseudonym_key']) {
    await sql.query(`delete from privacy.${table} where project_id = $1`, [projectId]);
  }
}
