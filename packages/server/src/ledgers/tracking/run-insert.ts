/** Inserts the row of a new run with its first tags. */
import type { Transaction } from '#kernel/transaction.ts';
import { DEFAULT_NUMBER, type ExperimentRow } from './experiment-lookup.ts';
import type { RowCache } from './row-cache.ts';
import { columns } from './texts.ts';

export interface RowOfRun {
  readonly id: string;
  readonly name: string;
  readonly user: string;
  readonly startedAt: number;
  readonly tags: ReadonlyMap<string, string>;
}

/** Immutable properties of an experiment. */
type Home = Pick<ExperimentRow, 'id' | 'is_default' | 'artifact_location'>;
export type KnownHomes = RowCache<Home>;

type Inserted = Home & {
  readonly deleted_at: bigint | null;
  /** null: the id already exists, or the experiment is deleted. */
  readonly num: bigint | null;
};

/** The lock makes a concurrent deletion of the experiment include this run. */
const insert = (isDefault: boolean) => `
with of as (
  select id, is_default, artifact_location, deleted_at from tracking.experiment
  where project_id = $1 and ${isDefault ? 'is_default and $8::bigint = 0' : 'id = $8 and not is_default'} for share
), made as (
  insert into tracking.run (project_id, id, experiment, name, user_name, status, started_at)
  select $1, $2, of.id, $3, $4, 'RUNNING', $5 from of where of.deleted_at is null
  on conflict (project_id, id) do nothing returning num, experiment
), tagged as (
  insert into tracking.tag (run, experiment, key, project_id, value)
  select made.num, made.experiment, t.key, $1, t.value from made, unnest($6::text[], $7::text[]) t (key, value)
)`;

function valuesOf(projectId: string, experiment: string, run: RowOfRun): unknown[] {
  return [projectId, run.id, run.name, run.user, run.startedAt, ...columns(run.tags), BigInt(experiment)];
}

/** Inserts everything in one statement. Undefined: the experiment does not exist. */
export async function insertRun(
  { sql, projectId }: Transaction,
  experiment: string,
  run: RowOfRun,
): Promise<Inserted | undefined> {
  const isDefault = experiment === DEFAULT_NUMBER;
  const [row] = await sql.query<Inserted>(
    `${insert(isDefault)} select of.*, made.num from of left join made on true`,
    valuesOf(projectId, experiment, run),
    isDefault ? 'insert_run_into_default' : 'insert_run',
  );
  return row;
}

/**
 * Inserts a run as `insertRun` does, into a cached experiment: sent with the commit, expecting an active experiment and an
 * unused id. Returns undefined and does nothing if the experiment is not cached or the expectation failed before.
 */
export function insertRunAhead(
  { sql, projectId }: Transaction,
  experiment: string,
  run: RowOfRun,
  known: KnownHomes | undefined,
): Home | undefined {
  const home = sql.careful ? undefined : known?.get(projectId, experiment);
  if (home === undefined) return undefined;
  sql.defer(
    `${insert(home.is_default)} select tracking.require_expected(count(*) = 1) from made`,
    valuesOf(projectId, experiment, run),
    home.is_default ? 'insert_run_into_default_ahead' : 'insert_run_ahead',
  );
  return home;
}
