/** Records of imports, by the ids at their source. */
import type { ImportedKind } from '@dais/api/tracking';
import { cutPage, decodePageCursor } from '#kernel/page-cursor.ts';
import type { Transaction } from '#kernel/transaction.ts';

export interface ImportedRecord {
  readonly source: string;
  readonly kind: ImportedKind;
  readonly sourceId: string;
  readonly id: string;
  readonly state: string;
}

export interface ImportedPage {
  readonly source: string;
  readonly kind: ImportedKind;
  readonly limit: number;
  readonly cursor?: string;
}

export async function listImported({ sql, projectId }: Transaction, { source, kind, limit, cursor }: ImportedPage) {
  const of = ['import.list', source, kind];
  const rows = await sql.query<{ source_id: string; id: string; state: string }>(
    `select source_id, id, state from tracking.imported
     where project_id = $1 and source = $2 and kind = $3 and source_id > $4 order by source_id limit $5`,
    [projectId, source, kind, decodePageCursor(of, cursor) ?? '', limit + 1],
    'list_imported',
  );
  const { page, next } = cutPage(rows, limit, of, (row) => row.source_id);
  return { items: page.map((row) => ({ sourceId: row.source_id, id: row.id, state: row.state })), ...next };
}

/** Returns the local id. Undefined: not imported yet. Locked, so that concurrent imports create only one record. */
export async function idOfImported(
  { sql, projectId }: Transaction,
  record: Pick<ImportedRecord, 'source' | 'kind' | 'sourceId'>,
): Promise<string | undefined> {
  const [row] = await sql.query<{ id: string }>(
    `select id from tracking.imported where project_id = $1 and source = $2 and kind = $3 and source_id = $4 for update`,
    [projectId, record.source, record.kind, record.sourceId],
    'find_imported',
  );
  return row?.id;
}

export async function noteImported({ sql, projectId }: Transaction, record: ImportedRecord): Promise<void> {
  await sql.query(
    `insert into tracking.imported (project_id, source, kind, source_id, id, state) values ($1, $2, $3, $4, $5, $6)
     on conflict (project_id, source, kind, source_id) do update set id = excluded.id, state = excluded.state`,
    [projectId, record.source, record.kind, record.sourceId, record.id, record.state],
    'note_imported',
  );
}
