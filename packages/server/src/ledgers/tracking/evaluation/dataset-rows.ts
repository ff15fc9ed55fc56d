/** Reads rows of evaluation datasets, and converts them to records. */
import { createHash } from 'node:crypto';
import { DaisError } from '@dais/api';
import type { EvaluationDataset, EvaluationSchema } from '@dais/api/tracking';
import type { Transaction } from '#kernel/transaction.ts';
import { publicId } from '../experiments/experiment-lookup.ts';

export interface DatasetRow {
  readonly num: bigint;
  readonly id: string;
  readonly name: string;
  readonly digest: string;
  readonly schema: string | null;
  readonly records: bigint;
  readonly created_at: bigint;
  readonly updated_at: bigint;
  readonly created_by: string | null;
  readonly updated_by: string | null;
}

export const DATASET_COLUMNS =
  'r.num, r.id, r.name, r.digest, r.schema, r.records, r.created_at, r.updated_at, r.created_by, r.updated_by';

/** Returns the digest of the name and the time of the last change, which differs after each change. */
export function digestOf(name: string, changedAt: number): string {
  return createHash('sha256').update(`${name}:${changedAt}`).digest('hex').slice(0, 8);
}

/** @throws DaisError `not_found`. */
export async function requireDataset(
  { sql, projectId }: Transaction,
  id: string,
  lock: '' | 'for update' = '',
): Promise<DatasetRow> {
  const [row] = await sql.query<DatasetRow>(
    `select ${DATASET_COLUMNS} from tracking.evaluation_dataset r where project_id = $1 and id = $2 ${lock}`,
    [projectId, id],
    `evaluation_dataset_${lock.replace(' ', '_')}`,
  );
  if (row === undefined) throw new DaisError('not_found', `There is no evaluation dataset "${id}" in this project.`);
  return row;
}

type PartRow =
  | { readonly part: 'tags'; readonly dataset: bigint; readonly data: Readonly<Record<string, string>> }
  | {
      readonly part: 'experiments';
      readonly dataset: bigint;
      readonly data: readonly [id: string, isDefault: boolean][];
    };

const PARTS = `
select 'tags' as part, dataset, json_object_agg(key, value) as data from tracking.evaluation_dataset_tag
where dataset = any($1) group by dataset
union all
select 'experiments', d.dataset, json_agg(json_build_array(e.id::text, e.is_default) order by e.id)
from tracking.evaluation_dataset_experiment d join tracking.experiment e on e.id = d.experiment
where d.dataset = any($1) group by d.dataset`;

/** Returns datasets with their tags and experiments, in the order of `rows`. */
export async function hydrateDatasets({ sql }: Transaction, rows: readonly DatasetRow[]): Promise<EvaluationDataset[]> {
  if (rows.length === 0) return [];
  const parts = await sql.query<PartRow>(PARTS, [rows.map(({ num }) => num)], 'evaluation_dataset_parts');
  const tags = new Map(parts.flatMap((one) => (one.part === 'tags' ? [[one.dataset, one.data]] : [])));
  const experiments = new Map(parts.flatMap((one) => (one.part === 'experiments' ? [[one.dataset, one.data]] : [])));
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    digest: row.digest,
    records: Number(row.records),
    ...(row.schema !== null && { schema: JSON.parse(row.schema) as EvaluationSchema }),
    experimentIds: (experiments.get(row.num) ?? []).map(([id, isDefault]) =>
      publicId({ id: BigInt(id), is_default: isDefault }),
    ),
    tags: tags.get(row.num) ?? {},
    createdAt: Number(row.created_at),
    updatedAt: Number(row.updated_at),
    ...(row.created_by !== null && { createdBy: row.created_by }),
    ...(row.updated_by !== null && { updatedBy: row.updated_by }),
  }));
}
