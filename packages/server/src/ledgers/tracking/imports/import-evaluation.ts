/** Imports evaluation datasets, their records, and scorers. */
import type { EvaluationRecord, EvaluationSchema } from '@dais/api/tracking';
import type { Transaction } from '#kernel/transaction.ts';
import { foreignKeyRace } from '#lib/write-race.ts';
import { requireDataset } from '../evaluation/dataset-rows.ts';
import { inputsHash } from '../evaluation/record-merge.ts';
import { findExperiments, noExperiment, projectGone } from '../experiments/experiment-lookup.ts';
import { setPairs } from '../pairs.ts';
import { noteImported } from './imported-records.ts';

export interface ImportedDataset {
  readonly source: string;
  readonly id: string;
  readonly name: string;
  readonly digest: string;
  readonly schema?: EvaluationSchema;
  readonly experimentIds: readonly string[];
  readonly tags: Readonly<Record<string, string>>;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly createdBy?: string;
  readonly updatedBy?: string;
}

/** @throws DaisError `not_found` for a missing experiment. */
export async function importDataset(tx: Transaction, input: ImportedDataset) {
  const { source, id } = input;
  const insert = tx.sql.query<{ num: bigint }>(
    `insert into tracking.evaluation_dataset
       (project_id, id, name, digest, schema, created_at, updated_at, created_by, updated_by)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
     on conflict (project_id, id) do update set name = excluded.name, digest = excluded.digest, schema = excluded.schema,
       created_at = excluded.created_at, updated_at = excluded.updated_at, created_by = excluded.created_by,
       updated_by = excluded.updated_by
     returning num`,
    [
      tx.projectId,
      id,
      input.name,
      input.digest,
      input.schema === undefined ? null : JSON.stringify(input.schema),
      input.createdAt,
      input.updatedAt,
      input.createdBy ?? null,
      input.updatedBy ?? null,
    ],
    'import_evaluation_dataset',
  );
  const [row] = await foreignKeyRace(insert, projectGone);
  if (row === undefined) throw new Error('the upsert returned no row');
  setPairs(tx, 'evaluation_dataset_tag', row.num, new Map(Object.entries(input.tags)));
  if (input.experimentIds.length > 0) {
    const experiments = await findExperiments(tx, input.experimentIds);
    if (experiments.length < new Set(input.experimentIds).size) throw noExperiment(input.experimentIds.join(', '));
    const link = tx.sql.query(
      `insert into tracking.evaluation_dataset_experiment (dataset, experiment, project_id)
       select $1, t.id, $2 from unnest($3::int8[]) t (id) on conflict do nothing`,
      [row.num, tx.projectId, experiments.map((one) => one.id)],
      'link_imported_dataset',
    );
    await foreignKeyRace(link, () => noExperiment(input.experimentIds.join(', ')));
  }
  await noteImported(tx, { source, kind: 'evaluation-dataset', sourceId: id, id, state: '' });
  return { id };
}

/** Imports records. The dataset keeps the digest and schema of its source. @throws DaisError `not_found`. */
export async function importRecords(
  tx: Transaction,
  { id, records }: { readonly id: string; readonly records: readonly EvaluationRecord[] },
) {
  const { num } = await requireDataset(tx, id, 'for update');
  // The last of several records with equal inputs applies, since one statement must not write a row twice.
  const byInputs = new Map(records.map((record) => [inputsHash(record.inputs).toString('hex'), record]));
  const all = [...byInputs].map(([hash, record]) => ({ hash: Buffer.from(hash, 'hex'), record }));
  const text = (value: unknown) => (value === undefined ? null : JSON.stringify(value));
  await tx.sql.query(
    `insert into tracking.evaluation_record (project_id, dataset, id, hash, inputs, outputs, expectations, tags, source,
       created_at, updated_at, created_by, updated_by)
     select $1, $2, t.* from unnest($3::text[], $4::bytea[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
       $10::int8[], $11::int8[], $12::text[], $13::text[]) t
     on conflict (dataset, hash) do update set id = excluded.id, outputs = excluded.outputs,
       expectations = excluded.expectations, tags = excluded.tags, source = excluded.source,
       created_at = excluded.created_at, updated_at = excluded.updated_at, created_by = excluded.created_by,
       updated_by = excluded.updated_by`,
    [
      tx.projectId,
      num,
      all.map(({ record }) => record.id),
      all.map(({ hash }) => hash),
      all.map(({ record }) => text(record.inputs)),
      all.map(({ record }) => text(record.outputs ?? null)),
      all.map(({ record }) => text(record.expectations)),
      all.map(({ record }) => text(record.tags)),
      all.map(({ record }) => text(record.source)),
      all.map(({ record }) => record.createdAt),
      all.map(({ record }) => record.updatedAt),
      all.map(({ record }) => record.createdBy ?? null),
      all.map(({ record }) => record.updatedBy ?? null),
    ],
    'import_evaluation_records',
  );
  const [counted] = await tx.sql.query<{ records: bigint }>(
    `update tracking.evaluation_dataset set records = (select count(*) from tracking.evaluation_record where dataset = $1)
     where num = $1 returning records`,
    [num],
    'count_imported_records',
  );
  return { records: Number(counted?.records ?? 0) };
}

export interface ImportedScorer {
  readonly source: string;
  readonly experimentId: string;
  readonly name: string;
  readonly id: string;
  readonly version: number;
  readonly definition: string;
  readonly createdAt: number;
}

/** Imports a scorer. New versions continue after the highest imported number. @throws DaisError `not_found`. */
export async function importScorer(tx: Transaction, input: ImportedScorer) {
  const [experiment] = await findExperiments(tx, [input.experimentId]);
  if (experiment === undefined) throw noExperiment(input.experimentId);
  const [row] = await tx.sql.query<{ num: bigint }>(
    `insert into tracking.scorer as s (project_id, id, experiment, name, last_version) values ($1, $2, $3, $4, $5)
     on conflict (experiment, name) do update set id = excluded.id,
       last_version = greatest(s.last_version, excluded.last_version)
     returning num`,
    [tx.projectId, input.id, experiment.id, input.name, input.version],
    'import_scorer',
  );
  if (row === undefined) throw new Error('the upsert returned no row');
  await tx.sql.query(
    `insert into tracking.scorer_version (scorer, version, project_id, definition, created_at)
     values ($1, $2, $3, $4, $5)
     on conflict (scorer, version) do update set definition = excluded.definition, created_at = excluded.created_at`,
    [row.num, input.version, tx.projectId, input.definition, input.createdAt],
    'import_scorer_version',
  );
  return { id: input.id };
}
