import { DaisError } from '@dais/api';
import type { Transaction } from '#kernel/transaction.ts';
import { foreignKeyRace } from '#lib/write-race.ts';
import {
  artifactsOf,
  DEFAULT_NUMBER,
  ensureDefault,
  EXPERIMENT_COLUMNS,
  findExperiments,
  projectGone,
  publicId,
  type ExperimentRow,
} from '../experiments/experiment-lookup.ts';
import { setPairs } from '../pairs.ts';
import type { TrackingDependencies } from '../dependencies.ts';
import { emitImported } from '../tracking-events.ts';
import { idOfImported, noteImported } from './imported-records.ts';

export interface ImportedExperiment {
  readonly source: string;
  readonly sourceId: string;
  readonly isDefault: boolean;
  readonly name: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly deleted: boolean;
  readonly tags: Readonly<Record<string, string>>;
}

/**
 * Imports into the experiment that was imported before, else into one with its name, else into a new one. @throws DaisError
 * `already_exists` when it was renamed at its source to a name that is in use here.
 */
export async function importExperiment(
  tx: Transaction,
  input: ImportedExperiment,
  { options, clock }: TrackingDependencies,
) {
  const { source, sourceId } = input;
  const before = await idOfImported(tx, { source, kind: 'experiment', sourceId });
  const known = input.isDefault ? DEFAULT_NUMBER : before;
  if (input.isDefault) await ensureDefault(tx, clock.now());
  const [there] = known === undefined ? [] : await findExperiments(tx, [known]);
  const row = there ?? (await insertOrFind(tx, input));
  await writeExperiment(tx, row, input, clock.now());
  setPairs(tx, 'experiment_tag', row.id, new Map(Object.entries(input.tags)));
  const id = publicId(row);
  await noteImported(tx, { source, kind: 'experiment', sourceId, id, state: '' });
  emitImported(tx, 'experimentImported', { id, experiment: id, source });
  return { id, artifactUri: artifactsOf(row, options) };
}

async function insertOrFind({ sql, projectId }: Transaction, input: ImportedExperiment): Promise<ExperimentRow> {
  // The update changes nothing: it returns and locks the existing row.
  const insert = sql.query<ExperimentRow>(
    `insert into tracking.experiment (project_id, name, created_at, updated_at) values ($1, $2, $3, $4)
     on conflict (project_id, name) do update set name = excluded.name returning ${EXPERIMENT_COLUMNS}`,
    [projectId, input.name, input.createdAt, input.updatedAt],
    'import_experiment',
  );
  const [row] = await foreignKeyRace(insert, projectGone);
  if (row === undefined) throw new Error('an experiment was neither created nor found');
  return row;
}

/** The default experiment keeps its local name. */
async function writeExperiment(
  { sql, projectId }: Transaction,
  row: ExperimentRow,
  { name, createdAt, updatedAt, deleted }: ImportedExperiment,
  now: number,
): Promise<void> {
  if (!row.is_default && name !== row.name) {
    const taken = await sql.query(
      'select 1 from tracking.experiment where project_id = $1 and name = $2',
      [projectId, name],
      'experiment_name_taken',
    );
    if (taken.length > 0) {
      throw new DaisError(
        'already_exists',
        `Experiment ${publicId(row)} cannot be renamed to "${name}": another experiment has that name.`,
      );
    }
  }
  await sql.query(
    `update tracking.experiment set name = case when is_default then name else $2 end,
       created_at = least(created_at, $3), updated_at = greatest(created_at, $4),
       deleted_at = case when $5 and not is_default then coalesce(deleted_at, $6) end
     where id = $1`,
    [row.id, name, createdAt, updatedAt, deleted, now],
    'write_imported_experiment',
  );
}
