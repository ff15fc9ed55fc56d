/** Stored label sets, and their presentation. */
import { DaisError, nearest, type Actor } from '@dais/api';
import { type LabelSet } from '@dais/api/data';
import type { Sql } from '#engines/database/contract.ts';

export interface LabelSetRow {
  readonly id: bigint;
  readonly name: string;
  readonly dataset: string;
  readonly dataset_name: string;
  readonly version: string | null;
  readonly control: string | null;
  readonly level: LabelSet['level'];
  readonly config: string;
  readonly guideline: number;
  readonly last_task: number;
  readonly created_at: bigint;
  readonly created_by: Actor;
}

interface CountedRow extends LabelSetRow {
  readonly tasks: number;
  readonly annotations: number;
  readonly accepted: number;
}

const COLUMNS = `s.id, s.name, s.dataset, s.dataset_name, s.version, s.control, s.level, s.config, s.guideline, s.last_task,
  s.created_at, s.created_by`;
const COUNTS = `(select count(*)::int from labeling.task t where t.label_set = s.id) as tasks,
  (select count(*)::int from labeling.task t where t.label_set = s.id and t.state = 'accepted') as accepted,
  (select count(*)::int from labeling.annotation a where a.label_set = s.id and not a.replaced) as annotations`;

export function presentSet(row: CountedRow): LabelSet {
  return {
    name: row.name,
    dataset: row.dataset_name,
    ...(row.version !== null && { version: row.version }),
    ...(row.control !== null && { control: row.control }),
    level: row.level,
    config: row.config,
    guideline: row.guideline,
    tasks: row.tasks,
    annotations: row.annotations,
    accepted: row.accepted,
    createdAt: Number(row.created_at),
    createdBy: row.created_by,
  };
}

/** Reads a label set. @throws DaisError `not_found` with the nearest name */
export async function requireSet(sql: Sql, projectId: string, name: string): Promise<LabelSetRow> {
  return await find(sql, projectId, name, '');
}

/** Locks a label set until the transaction ends. @throws DaisError `not_found`. */
export async function lockSet(sql: Sql, projectId: string, name: string): Promise<LabelSetRow> {
  return await find(sql, projectId, name, 'for update');
}

async function find(sql: Sql, projectId: string, name: string, lock: '' | 'for update'): Promise<LabelSetRow> {
  const [row] = await sql.query<LabelSetRow>(
    `select ${COLUMNS} from labeling.label_set s where s.project_id = $1 and s.name = $2 ${lock}`,
    [projectId, name],
    lock === '' ? 'find_label_set' : 'lock_label_set',
  );
  if (row !== undefined) return row;
  const others = await sql.query<{ name: string }>(
    'select name from labeling.label_set where project_id = $1 order by name limit 1000',
    [projectId],
    'names_of_label_sets',
  );
  const close = nearest(
    name,
    others.map((other) => other.name),
  );
  throw new DaisError(
    'not_found',
    `There is no label set ${name}.${close === undefined ? '' : ` Did you mean ${close}?`}`,
  );
}

/** Lists label sets by name after `after`. */
export async function listSetRows(
  sql: Sql,
  projectId: string,
  { after, limit, name }: { readonly after?: string | undefined; readonly limit: number; readonly name?: string },
): Promise<readonly CountedRow[]> {
  return await sql.query<CountedRow>(
    `select ${COLUMNS}, ${COUNTS} from labeling.label_set s
     where s.project_id = $1 and ($2::text is null or s.name > $2) and ($4::text is null or s.name = $4)
     order by s.name limit $3`,
    [projectId, after ?? null, limit, name ?? null],
    'list_label_sets',
  );
}
