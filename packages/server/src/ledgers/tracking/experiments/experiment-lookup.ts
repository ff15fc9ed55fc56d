/** Finds experiments by their public ids. */
import { DaisError } from '@dais/api';
import type { Transaction } from '#kernel/transaction.ts';
import { foreignKeyRace } from '#lib/write-race.ts';
import type { TrackingOptions } from '../dependencies.ts';
import type { RowCache } from '../row-cache.ts';

export interface ExperimentRow {
  readonly id: bigint;
  readonly name: string;
  readonly is_default: boolean;
  readonly artifact_location: string | null;
  readonly created_at: bigint;
  readonly updated_at: bigint;
  readonly deleted_at: bigint | null;
}

export const EXPERIMENT_COLUMNS =
  'id, name, is_default, artifact_location, created_at, updated_at, deleted_at' as const;

/** Public id and name of the default experiment of every project. Its internal id is unique like any other. */
export const DEFAULT_NUMBER = '0';
export const DEFAULT_NAME = 'Default';

export function publicId(row: Pick<ExperimentRow, 'id' | 'is_default'>): string {
  return row.is_default ? DEFAULT_NUMBER : String(row.id);
}

/** Finds an experiment. `lock` keeps it unchanged until the transaction ends. */
async function findExperiment(
  { sql, projectId }: Transaction,
  number: string,
  lock: '' | 'for share' | 'for update' = '',
): Promise<ExperimentRow | undefined> {
  const select = `select ${EXPERIMENT_COLUMNS} from tracking.experiment where project_id = $1`;
  const name = `experiment_${lock.replace(' ', '_')}`;
  const [row] =
    number === DEFAULT_NUMBER
      ? await sql.query<ExperimentRow>(`${select} and is_default ${lock}`, [projectId], `default_${name}`)
      : await sql.query<ExperimentRow>(
          `${select} and id = $2 and not is_default ${lock}`,
          [projectId, BigInt(number)],
          name,
        );
  return row;
}

/** Returns the experiments with these ids that exist, without an order. */
export async function findExperiments(
  { sql, projectId }: Transaction,
  numbers: readonly string[],
): Promise<ExperimentRow[]> {
  return await sql.query<ExperimentRow>(
    `select ${EXPERIMENT_COLUMNS} from tracking.experiment
     where project_id = $1 and (id = any($2::bigint[]) and not is_default or is_default and $3)`,
    [projectId, numbers.map(BigInt), numbers.includes(DEFAULT_NUMBER)],
    'experiments_by_number',
  );
}

/** Immutable properties of an experiment. */
export type Home = Pick<ExperimentRow, 'id' | 'is_default' | 'artifact_location'>;
/** By public id. An experiment that was removed permanently can still be in it: it has no rows. */
export type KnownHomes = RowCache<Home>;

/** Returns the experiments with these ids that exist, without an order, with a query only if some are not cached. */
export async function findHomes(tx: Transaction, numbers: readonly string[], known: KnownHomes): Promise<Home[]> {
  const cached = numbers.flatMap((number) => known.get(tx.projectId, number) ?? []);
  if (cached.length === numbers.length) return cached;
  const found = await findExperiments(tx, numbers);
  return found.map(({ id, is_default, artifact_location }) => {
    const home = { id, is_default, artifact_location };
    known.add(tx.projectId, publicId(home), home);
    return home;
  });
}

/** @throws DaisError `not_found`. */
export async function requireExperiment(
  tx: Transaction,
  number: string,
  lock?: 'for share' | 'for update',
): Promise<ExperimentRow> {
  const row = await findExperiment(tx, number, lock);
  if (row === undefined) throw noExperiment(number);
  return row;
}

export function noExperiment(number: string): DaisError {
  return new DaisError('not_found', `There is no experiment ${number} in this project.`);
}

export function experimentDeleted(number: string): DaisError {
  return new DaisError('invalid_state', `Experiment ${number} is deleted. Restore it first.`);
}

/**
 * Returns an active experiment, locked against deletion until the transaction ends. @throws DaisError `not_found`,
 * `invalid_state`.
 */
export async function activeExperiment(tx: Transaction, number: string, now: number): Promise<ExperimentRow> {
  let row = await findExperiment(tx, number, 'for share');
  if (row === undefined && number === DEFAULT_NUMBER) {
    await ensureDefault(tx, now);
    row = await findExperiment(tx, number, 'for share');
  }
  if (row === undefined) throw noExperiment(number);
  if (row.deleted_at !== null) throw experimentDeleted(number);
  return row;
}

/**
 * Creates the default experiment of a project if it does not exist. Projects older than this ledger get it at the first
 * write.
 */
export async function ensureDefault(tx: Transaction, now: number, folderRoot?: string): Promise<void> {
  const { sql, projectId } = tx;
  const insert = sql.query<{ id: bigint }>(
    `insert into tracking.experiment (project_id, name, is_default, created_at, updated_at)
     values ($1, $2, true, $3, $3) on conflict do nothing returning id`,
    [projectId, DEFAULT_NAME, now],
    'make_default_experiment',
  );
  const [made] = await foreignKeyRace(insert, projectGone);
  if (made !== undefined && folderRoot !== undefined) await folderOf(tx, made.id, folderRoot);
}

/** Sets the artifact folder of a new experiment. It uses the internal id, since all default experiments have the id 0. */
export async function folderOf({ sql }: Transaction, id: bigint, folderRoot: string): Promise<string> {
  const path = `${folderRoot}/${id}`;
  await sql.query(
    'update tracking.experiment set artifact_location = $2 where id = $1',
    [id, path],
    'experiment_in_folder',
  );
  return path;
}

/** Returns the error of a write that races with the deletion of the project. */
export function projectGone(): DaisError {
  return new DaisError('not_found', 'The project was deleted.');
}

/** Returns the artifact root of an experiment. */
export function artifactsOf(
  row: Pick<ExperimentRow, 'id' | 'is_default' | 'artifact_location'>,
  { artifactRoot }: Pick<TrackingOptions, 'artifactRoot'>,
): string {
  return row.artifact_location ?? `${artifactRoot}/${publicId(row)}`;
}

/** Appends a path to a URI, before its query. */
export function below(address: string, path: string): string {
  const at = address.indexOf('?');
  const [location, rest] = at < 0 ? [address, ''] : [address.slice(0, at), address.slice(at)];
  return `${location.replace(/\/+$/, '')}/${path}${rest}`;
}
