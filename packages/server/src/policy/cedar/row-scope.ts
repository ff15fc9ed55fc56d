import type { Sql } from '#engines/database/contract.ts';

/**
 * Looks at the rows of every tenant in a transaction that is in one of them, and goes back there: what is in force in a
 * project depends on resources of the organisation.
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
