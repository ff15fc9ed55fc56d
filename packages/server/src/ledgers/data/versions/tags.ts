/** Tags of versions. */
import { DaisError, eventTypes } from '@dais/api';
import { isReservedTag } from '@dais/api/data';
import type { Transaction } from '#kernel/transaction.ts';
import { type DatasetRow, emitAboutDataset } from '../dataset-rows.ts';

/** Maximum number of tags per dataset. */
const MAX_TAGS = 1000;

/** Sets a tag, or moves it. The dataset must be locked. @throws DaisError `invalid_request`. */
export async function setTag(
  tx: Transaction,
  row: DatasetRow,
  version: { readonly id: string; readonly number: number },
  tag: string,
): Promise<void> {
  if (isReservedTag(tag)) {
    throw new DaisError(
      'invalid_request',
      `"${tag}" cannot be a tag, because it has another meaning in references to versions. Choose another tag.`,
    );
  }
  const [before] = await tx.sql.query<{ number: number }>(
    `select v.number from data.version_tag t join data.version v on v.id = t.version where t.dataset = $1 and t.tag = $2`,
    [row.id, tag],
    'tag_before',
  );
  if (before?.number === version.number) return;
  await tx.sql.query(
    `insert into data.version_tag (dataset, tag, project_id, version) values ($1, $2, $3, $4)
     on conflict (dataset, tag) do update set version = excluded.version`,
    [row.id, tag, tx.projectId, version.id],
    'set_data_tag',
  );
  const [count] = await tx.sql.query<{ n: number }>(
    'select count(*)::int as n from data.version_tag where dataset = $1',
    [row.id],
  );
  if ((count?.n ?? 0) > MAX_TAGS)
    throw new DaisError('too_large', `Dataset ${row.name} already has ${MAX_TAGS} tags, the limit. Remove one first.`);
  emitAboutDataset(tx, row, eventTypes.datasetVersionTagged, {
    version: version.number,
    id: version.id,
    tag,
    ...(before !== undefined && { before: before.number }),
  });
}

/** Removes a tag. Idempotent. */
export async function removeTag(tx: Transaction, row: DatasetRow, tag: string): Promise<void> {
  const [deleted] = await tx.sql.query<{ id: string; number: number }>(
    `delete from data.version_tag t using data.version v where t.dataset = $1 and t.tag = $2 and v.id = t.version
     returning v.id, v.number`,
    [row.id, tag],
    'remove_data_tag',
  );
  if (deleted === undefined) return;
  emitAboutDataset(tx, row, eventTypes.datasetVersionUntagged, { version: deleted.number, id: deleted.id, tag });
}
