import type { Sql } from '#engines/database/contract.ts';

/**
 * Reads rows of all tenants in a transaction that is bound to one, then restores the binding: the policies of a project
 * also depend on resources of the organization.
 */
export async function acrossTenants<T>(sql: Sql, work: () => Promise<T>): Promise<T> {
  const [row] = await sql.query<{ home: string | null; set_config: string }>(
    "select current_setting('dais.project', true) as home, set_config('dais.project', 'all', true)",
    [],
    'enter_all',
  );
  const result = await work();
  await sql.query("select set_config('dais.project', $1, true)", [row?.home ?? ''], 'enter_project');
  return result;
}
