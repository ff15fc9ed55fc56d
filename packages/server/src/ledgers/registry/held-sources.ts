import type { Transaction } from '#kernel/transaction.ts';

/**
 * Returns the runs and logged models that versions depend on. A version of a logged model depends on that, not on its
 * run.
 */
export async function versionSources(
  { sql, projectId }: Transaction,
  { runs, loggedModels }: { readonly runs: readonly string[]; readonly loggedModels: readonly string[] },
): Promise<{ readonly runs: ReadonlySet<string>; readonly loggedModels: ReadonlySet<string> }> {
  if (runs.length + loggedModels.length === 0) return { runs: new Set(), loggedModels: new Set() };
  const rows = await sql.query<{ run_id: string | null; logged_model_id: string | null }>(
    `select distinct run_id, logged_model_id from registry.version where project_id = $1
       and (run_id = any($2) and logged_model_id is null or logged_model_id = any($3))`,
    [projectId, runs, loggedModels],
    'held_sources',
  );
  return {
    runs: new Set(rows.flatMap((row) => (row.logged_model_id === null ? (row.run_id ?? []) : []))),
    loggedModels: new Set(rows.flatMap((row) => row.logged_model_id ?? [])),
  };
}
