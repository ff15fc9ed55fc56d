/** Stored ingests, and their presentation. */
import { DaisError, type Actor } from '@dais/api';
import { type Ingest, type IngestProblem, type IngestState, type VersionSource } from '@dais/api/data';
import { cutPage, decodePageCursor } from '#kernel/page-cursor.ts';
import type { Transaction } from '#kernel/transaction.ts';

/** Parameters of the job in addition to its files. */
export interface IngestSource extends VersionSource {
  readonly invalidRows: 'refuse' | 'keep';
}

export interface IngestRow {
  readonly id: string;
  readonly project_id: string;
  readonly dataset: bigint;
  readonly name: string;
  readonly state: IngestState;
  readonly phase: string;
  readonly progress: number;
  readonly errors: readonly IngestProblem[];
  readonly rejected_rows: bigint;
  readonly message: string;
  readonly tags: readonly string[];
  readonly source: IngestSource;
  readonly version: string | null;
  readonly number: number | null;
  readonly unchanged: boolean;
  readonly created_at: bigint;
  readonly created_by: Actor;
  readonly origin: string;
  readonly ended_at: bigint | null;
}

export interface IngestFileRow {
  readonly position: number;
  readonly name: string;
  readonly digest: string;
  readonly bytes: bigint;
  readonly is_uploaded: boolean;
}

const COLUMNS = `i.id, i.project_id, i.dataset, d.name, i.state, i.phase, i.progress, i.errors, i.rejected_rows, i.message, i.tags,
  i.source, i.version, i.number, i.unchanged, i.created_at, i.created_by, i.origin, i.ended_at`;

export async function readIngest(tx: Transaction, id: string, lock = false): Promise<IngestRow> {
  const [row] = await tx.sql.query<IngestRow>(
    `select ${COLUMNS} from data.ingest i join data.dataset d on d.id = i.dataset
     where i.project_id = $1 and i.id = $2 ${lock ? 'for update of i' : ''}`,
    [tx.projectId, id],
    lock ? 'lock_ingest' : 'read_ingest',
  );
  if (row === undefined) throw new DaisError('not_found', `There is no ingest ${id}.`);
  return row;
}

/** Reads an ingest of a dataset. @throws DaisError `not_found`. */
export async function readIngestOf(tx: Transaction, dataset: string, id: string, lock = false): Promise<IngestRow> {
  const row = await readIngest(tx, id, lock);
  if (row.name !== dataset) throw new DaisError('not_found', `Dataset ${dataset} has no ingest ${id}.`);
  return row;
}

export async function readIngestFiles({ sql }: Transaction, id: string): Promise<readonly IngestFileRow[]> {
  return await sql.query<IngestFileRow>(
    'select position, name, digest, bytes, is_uploaded from data.ingest_file where ingest = $1 order by position',
    [id],
    'ingest_files',
  );
}

const SHOWN = 1000;

export async function presentIngest({ sql }: Transaction, row: IngestRow): Promise<Ingest> {
  const needed =
    row.state === 'open'
      ? await sql.query<{ name: string }>(
          `select name from data.ingest_file where ingest = $1 and not is_uploaded order by position limit ${SHOWN}`,
          [row.id],
          'needed_files',
        )
      : [];
  return {
    id: row.id,
    dataset: row.name,
    state: row.state,
    phase: row.phase,
    done: row.progress,
    problems: [...row.errors],
    rejects: Number(row.rejected_rows),
    ...(row.number !== null && { version: row.number }),
    ...(row.version !== null && { versionId: row.version }),
    needed: needed.map(({ name }) => name),
    unchanged: row.unchanged,
    createdAt: Number(row.created_at),
    createdBy: row.created_by,
    ...(row.ended_at !== null && { endedAt: Number(row.ended_at) }),
  };
}

export async function listIngests(
  tx: Transaction,
  { name, limit, cursor }: { readonly name: string; readonly limit: number; readonly cursor?: string },
): Promise<{ items: Ingest[]; nextCursor?: string }> {
  const filter = ['ingests', tx.projectId, name];
  const after = decodePageCursor(filter, cursor);
  const rows = await tx.sql.query<IngestRow>(
    `select ${COLUMNS} from data.ingest i join data.dataset d on d.id = i.dataset
     where i.project_id = $1 and d.name = $2 and ($3::uuid is null or i.id < $3) order by i.id desc limit $4`,
    [tx.projectId, name, after ?? null, limit + 1],
    'list_ingests',
  );
  const { page, next } = cutPage(rows, limit, filter, ({ id }) => id);
  const items: Ingest[] = [];
  for (const row of page) items.push(await presentIngest(tx, row));
  return { items, ...next };
}

export interface IngestEnd {
  readonly state: 'succeeded' | 'failed' | 'canceled';
  readonly now: number;
  readonly problems?: readonly IngestProblem[];
  readonly rejects?: number;
  readonly version?: { readonly id: string; readonly number: number };
  readonly unchanged?: boolean;
}

/** Ends an ingest that has not ended. */
export async function endIngest({ sql }: Transaction, id: string, end: IngestEnd): Promise<boolean> {
  const rows = await sql.query(
    `update data.ingest set state = $2, phase = '', progress = case when $2 = 'succeeded' then 1 else progress end, errors = $3,
       rejected_rows = $4, version = $5, number = $6, unchanged = $7, ended_at = $8
     where id = $1 and ended_at is null returning 1`,
    [
      id,
      end.state,
      JSON.stringify(end.problems ?? []),
      end.rejects ?? 0,
      end.version?.id ?? null,
      end.version?.number ?? null,
      end.unchanged ?? false,
      end.now,
    ],
    'end_ingest',
  );
  return rows.length === 1;
}

export async function noteProgress({ sql }: Transaction, id: string, phase: string, done: number): Promise<void> {
  await sql.query(
    `update data.ingest set state = 'running', phase = $2, progress = $3 where id = $1 and ended_at is null`,
    [id, phase, done],
    'ingest_progress',
  );
}
