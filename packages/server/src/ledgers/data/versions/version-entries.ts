/** Operations on versions that read no rows. */
import {
  deleteDatasetVersionOperation,
  findDatasetVersionsOperation,
  listDatasetVersionsOperation,
  readDatasetVersionOperation,
  restoreDatasetVersionOperation,
  tagDatasetVersionOperation,
  untagDatasetVersionOperation,
  type DatasetVersion,
} from '@dais/api/data';
import { entry, type CallOf, type OperationEntry } from '#kernel/entry.ts';
import { cutPage, decodeNumberCursor, decodePageCursor } from '#kernel/page-cursor.ts';
import type { RowFilter } from '#kernel/principal.ts';
import { listResources } from '#kernel/store.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { DataDependencies } from '../data-dependencies.ts';
import { lockDataset, requireDataset } from '../dataset-rows.ts';
import { commitVersion } from './commit.ts';
import { deleteVersions, refuseTagged } from './delete.ts';
import { requireUsable, resolveVersion } from './resolve.ts';
import { removeTag, setTag } from './tags.ts';
import { presentVersions, readVersion, VERSION_COLUMNS, type VersionRow } from './version-rows.ts';

export interface VersionCall {
  readonly name: string;
  readonly version: string;
}

/** Number of files per version in a list. */
const LISTED_FILES = 10;

async function versionOf(tx: Transaction, { name, version }: VersionCall): Promise<DatasetVersion> {
  return await resolveVersion(tx, `${name}@${version}`);
}

export function versionEntries(dependencies: Pick<DataDependencies, 'clock' | 'hooks'>): readonly OperationEntry[] {
  const { hooks } = dependencies;
  return [
    entry(listDatasetVersionsOperation, listVersions),
    entry(findDatasetVersionsOperation, findVersions),
    entry(readDatasetVersionOperation, async (tx, { input }) => await versionOf(tx, input)),
    entry(tagDatasetVersionOperation, async (tx, { input }) => {
      const row = await lockDataset(tx, input.name);
      const version = await versionOf(tx, input);
      await setTag(tx, row, version, input.tag);
      return await readVersion(tx, version.id);
    }),
    entry(untagDatasetVersionOperation, async (tx, { input }) => {
      await removeTag(tx, await lockDataset(tx, input.name), input.tag);
      return {};
    }),
    entry(restoreDatasetVersionOperation, async (tx, { input }) => {
      await lockDataset(tx, input.name);
      const old = requireUsable(await versionOf(tx, input));
      const { version } = await commitVersion(tx, dependencies, {
        dataset: old.dataset,
        files: old.files.map(({ digest, bytes, rows, uri, pin, format }) =>
          uri === undefined
            ? { digest, bytes, rows, kept: true }
            : { digest, bytes, rows, uri, pin: pin ?? '', format: format ?? '' },
        ),
        schema: old.schema,
        mode: old.mode,
        source: { type: 'restore', versions: [old.id] },
        message: input.message === '' ? `Restores version ${old.number}` : input.message,
        parent: old.id,
      });
      return version;
    }),
    entry(deleteDatasetVersionOperation, async (tx, { input }) => {
      const row = await lockDataset(tx, input.name);
      const { id, number } = await versionOf(tx, input);
      await refuseTagged(tx, row, id, number);
      await deleteVersions(tx, row, [id], { reason: input.reason, hooks });
      return await readVersion(tx, id);
    }),
  ];
}

async function listVersions(tx: Transaction, { input }: CallOf<typeof listDatasetVersionsOperation>) {
  const { name, state, limit, cursor } = input;
  const filter = ['versions', tx.projectId, name, state ?? null];
  const below = decodeNumberCursor(filter, cursor);
  const dataset = await requireDataset(tx, name);
  const rows = await tx.sql.query<VersionRow>(
    `select ${VERSION_COLUMNS} from data.version v join data.dataset d on d.id = v.dataset
     where v.dataset = $1 and ($2::text is null or v.state = $2) and ($3::bigint is null or v.number < $3)
     order by v.number desc limit $4`,
    [dataset.id, state ?? null, below ?? null, limit + 1],
    'list_data_versions',
  );
  const { page, next } = cutPage(rows, limit, filter, ({ number }) => String(number));
  return { items: await presentVersions(tx, page, LISTED_FILES), ...next };
}

async function findVersions(tx: Transaction, { input, rows: seen }: CallOf<typeof findDatasetVersionsOperation>) {
  const { digest, limit, cursor } = input;
  const filter = ['find versions', tx.projectId, digest ?? null];
  const after = decodePageCursor(filter, cursor);
  const names = seen === undefined ? null : await visibleDatasets(tx, seen);
  const rows = await tx.sql.query<VersionRow>(
    `select ${VERSION_COLUMNS} from data.version v join data.dataset d on d.id = v.dataset
     where v.project_id = $1 and v.digest >= $2 and v.digest < $2 || 'g' and ($3::uuid is null or v.id < $3)
       and ($5::text[] is null or d.name = any($5))
     order by v.id desc limit $4`,
    [tx.projectId, digest ?? '', after ?? null, limit + 1, names],
    'find_data_versions',
  );
  const { page, next } = cutPage(rows, limit, filter, ({ id }) => id);
  return { items: await presentVersions(tx, page, LISTED_FILES), ...next };
}

/** Returns the names of datasets that the caller may see. */
async function visibleDatasets({ sql, projectId }: Transaction, rows: RowFilter): Promise<readonly string[]> {
  const names: string[] = [];
  const filter = { equal: {}, notEqual: [], present: [], absent: [] };
  for (let after = '', full = true; full; after = names.at(-1) ?? after) {
    const found = await listResources(sql, { projectId, kind: 'Dataset', after, limit: 1000, rows, ...filter });
    names.push(...found.map(({ name }) => name));
    full = found.length === 1000;
  }
  return names;
}
