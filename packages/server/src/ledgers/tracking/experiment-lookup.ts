/** Experiments by the numbers that people see. */
import { DaisError } from '@dais/api';
import type { Transaction } from '#kernel/transaction.ts';
import { foreignKeyRace } from '#lib/write-race.ts';
import type { TrackingOptions } from './options.ts';

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

/** Every project has its own default experiment, and calls it so. Inside it has a number like any other. */
export const DEFAULT_NUMBER = '0';
export const DEFAULT_NAME = 'Default';

export function shownNumber(row: Pick<ExperimentRow, 'id' | 'is_default'>): string {
  return row.is_default ? DEFAULT_NUMBER : String(row.id);
}

/** Locks it with `lock`, so that it does not change until the transaction ends. */
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

/** Those of these numbers that there are, in no order. */
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
  return new DaisError('invalid_state', `Experiment ${number} is deleted: restore it first.`);
}

/**
 * One that takes writes, locked so that it is not deleted before the transaction ends. @throws DaisError `not_found`,
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
 * The default experiment. It is made with its project; one that is older than this ledger gets it when it is first
 * written into.
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
  if (made !== undefined && folderRoot !== undefined) await placeInFolder(tx, made.id, folderRoot);
}

/** Gives a new experiment its place. The number is that of its row: the default ones of all projects are 0 outside. */
export async function placeInFolder({ sql }: Transaction, id: bigint, folderRoot: string): Promise<string> {
  const place = `${folderRoot}/${id}`;
  await sql.query(
    'update tracking.experiment set artifact_location = $2 where id = $1',
    [id, place],
    'experiment_in_folder',
  );
  return place;
}

/** Whoever still remembers the project by its name may come a moment too late. */
export function projectGone(): DaisError {
  return new DaisError('not_found', 'The project is no longer there.');
}

/** Below which the artifacts of an experiment lie. */
export function artifactsOf(
  row: Pick<ExperimentRow, 'id' | 'is_default' | 'artifact_location'>,
  { artifactRoot }: Pick<TrackingOptions, 'artifactRoot'>,
): string {
  return row.artifact_location ?? `${artifactRoot}/${shownNumber(row)}`;
}

/** Further down. What follows a `?` of an address stays behind its path. */
export function below(address: string, path: string): string {
  const at = address.indexOf('?');
  const [place, rest] = at < 0 ? [address, ''] : [address.slice(0, at), address.slice(at)];
  return `${place.replace(/\/+$/, '')}/${path}${rest}`;
}
