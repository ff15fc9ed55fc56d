/** Deletion of versions. Their files are removed; lineage and runs still refer to them. */
import { DaisError, eventTypes } from '@dais/api';
import { detachContent } from '#kernel/content/references.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { VersionHooks } from '../data-dependencies.ts';
import { contentOf, type DatasetRow, emitAboutDataset } from '../dataset-rows.ts';

/** Deletes versions. The dataset must be locked. Idempotent. */
export async function deleteVersions(
  tx: Transaction,
  row: DatasetRow,
  ids: readonly string[],
  { reason, hooks }: { readonly reason: string; readonly hooks: VersionHooks },
): Promise<void> {
  const deleted = await tx.sql.query<{ id: string; number: number }>(
    `update data.version set state = 'deleted', reason = $3
     where dataset = $1 and id = any($2::uuid[]) and state <> 'deleted' returning id, number`,
    [row.id, ids, reason],
    'delete_data_versions',
  );
  if (deleted.length === 0) return;
  const deletedIds = deleted.map(({ id }) => id);
  await tx.sql.query('delete from data.version_tag where version = any($1::uuid[])', [deletedIds], 'drop_data_tags');
  const dropped = await tx.sql.query<{ digest: string }>(
    `with gone as (delete from data.version_file where version = any($1::uuid[]) returning digest, uri)
     select distinct digest from gone where uri is null`,
    [deletedIds],
    'drop_version_files',
  );
  const digests = dropped.map(({ digest }) => digest);
  const used = await tx.sql.query<{ digest: string }>(
    'select distinct digest from data.version_file where dataset = $1 and digest = any($2::text[]) and uri is null',
    [row.id, digests],
    'digests_in_use',
  );
  const inUse = new Set(used.map(({ digest }) => digest));
  const unused = digests.filter((digest) => !inUse.has(digest));
  if (unused.length > 0) await detachContent(tx, contentOf(row), unused);
  for (const forget of hooks.forget ?? []) await forget(tx, deletedIds);
  for (const { id, number } of deleted) {
    emitAboutDataset(tx, row, eventTypes.datasetVersionDeleted, { version: number, id, reason });
  }
}

/** Requires a version without tags. @throws DaisError `still_referenced` */
export async function refuseTagged(tx: Transaction, row: DatasetRow, id: string, number: number): Promise<void> {
  const tags = await tx.sql.query<{ tag: string }>('select tag from data.version_tag where version = $1 order by tag', [
    id,
  ]);
  if (tags.length === 0) return;
  throw new DaisError('still_referenced', `${row.name}@${number} has tags. Remove them first.`, {
    holders: tags.map(({ tag }) => `tag ${tag}`),
  });
}
