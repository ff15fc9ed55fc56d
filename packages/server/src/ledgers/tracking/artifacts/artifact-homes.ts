/** Artifact locations of runs and logged models, for other ledgers. */
import type { Transaction } from '#kernel/transaction.ts';
import { artifactsOf, below } from '../experiments/experiment-lookup.ts';
import type { TrackingOptions } from '../dependencies.ts';

interface HomeRow {
  readonly id: bigint;
  readonly is_default: boolean;
  readonly artifact_location: string | null;
}

type Root = Pick<TrackingOptions, 'artifactRoot'>;

/** Returns the artifact location of a run. Undefined: the project of the transaction has no such run. */
export async function runHome({ sql, projectId }: Transaction, run: string, root: Root): Promise<string | undefined> {
  const [row] = await sql.query<HomeRow>(
    `select e.id, e.is_default, e.artifact_location
     from tracking.run r join tracking.experiment e on e.id = r.experiment where r.project_id = $1 and r.id = $2`,
    [projectId, run],
    'run_home',
  );
  return row === undefined ? undefined : below(artifactsOf(row, root), `${run}/artifacts`);
}

/** Returns the artifact location of a logged model that is not deleted, with its source run. */
export async function loggedModelHome(
  { sql, projectId }: Transaction,
  model: string,
  root: Root,
): Promise<{ readonly artifactUri: string; readonly runId?: string } | undefined> {
  const [row] = await sql.query<HomeRow & { readonly source_run: string | null }>(
    `select e.id, e.is_default, e.artifact_location, m.source_run
     from tracking.logged_model m join tracking.experiment e on e.id = m.experiment
     where m.project_id = $1 and m.id = $2 and m.deleted_at is null`,
    [projectId, model],
    'logged_model_home',
  );
  if (row === undefined) return undefined;
  const artifactUri = below(artifactsOf(row, root), `models/${model}/artifacts`);
  return { artifactUri, ...(row.source_run !== null && { runId: row.source_run }) };
}
