import { DaisError } from '@dais/api';
import type { Materialization } from '@dais/api/data';
import { cutPage, decodePageCursor } from '#kernel/page-cursor.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { formatMoment } from '../values/moment.ts';

export interface MaterializationRow {
  readonly id: string;
  readonly view: string;
  readonly view_name: string;
  readonly mode: 'full' | 'incremental';
  readonly state: Materialization['state'];
  readonly start_time: bigint | null;
  readonly end_time: bigint;
  /** Ids of versions by Dataset. */
  readonly versions: Readonly<Record<string, string>> | null;
  readonly dataset: string | null;
  readonly entities: bigint;
  readonly written: bigint;
  readonly error: string | null;
  readonly actor_type: string;
  readonly actor_id: string;
  readonly created_at: Date;
  readonly finished_at: Date | null;
}

const COLUMNS =
  'id, view, view_name, mode, state, start_time, end_time, versions, dataset, entities, written, error, actor_type, actor_id, created_at, finished_at';

export function presentMaterialization(row: MaterializationRow): Materialization {
  return {
    id: row.id,
    view: row.view_name,
    mode: row.mode,
    state: row.state,
    ...(row.start_time !== null && { start: formatMoment(Number(row.start_time)) }),
    end: formatMoment(Number(row.end_time)),
    ...(row.dataset !== null && { dataset: row.dataset }),
    entities: Number(row.entities),
    written: Number(row.written),
    ...(row.error !== null && { error: row.error }),
    createdBy: `${row.actor_type}:${row.actor_id}`,
    createdAt: row.created_at.toISOString(),
    ...(row.finished_at !== null && { finishedAt: row.finished_at.toISOString() }),
  };
}

export async function readMaterialization({ sql, projectId }: Transaction, id: string): Promise<MaterializationRow> {
  const [row] = await sql.query<MaterializationRow>(
    `select ${COLUMNS} from features.materialization where project_id = $1 and id = $2`,
    [projectId, id],
    'read_materialization',
  );
  if (row === undefined) throw new DaisError('not_found', `There is no materialization ${id}.`);
  return row;
}

export interface ListInput {
  readonly view?: string | undefined;
  readonly limit: number;
  readonly cursor?: string | undefined;
}

export async function listMaterializations({ sql, projectId }: Transaction, input: ListInput) {
  const filter = ['materializations', input.view ?? null];
  const last = readPosition(filter, input.cursor);
  const rows = await sql.query<MaterializationRow>(
    `select ${COLUMNS} from features.materialization
     where project_id = $1 and ($2::text is null or view_name = $2) and ($3::uuid is null or id < $3)
     order by id desc limit $4`,
    [projectId, input.view ?? null, last, input.limit + 1],
    'list_materializations',
  );
  const { page, next } = cutPage(rows, input.limit, filter, ({ id }) => id);
  return { items: page.map(presentMaterialization), ...next };
}

/** Decodes a cursor of lists sorted by id. @throws DaisError `invalid_cursor`. */
export function readPosition(filter: unknown, cursor: string | undefined): string | null {
  const last = decodePageCursor(filter, cursor);
  if (last === undefined) return null;
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(last)) {
    throw new DaisError('invalid_cursor', 'The cursor was not returned by this list.');
  }
  return last;
}

/** Names of job queues of this ledger. */
export const MATERIALIZE_QUEUE = 'features.materialize';
export const APPEND_QUEUE = 'features.append';
export const BUILD_QUEUE = 'features.build';
/** Cleanup of deleted views. */
export const DROP_QUEUE = 'features.drop';
