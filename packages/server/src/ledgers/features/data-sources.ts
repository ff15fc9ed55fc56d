/** Dataset versions as sources of features. */
import type { ColumnMask, DatasetVersion } from '@dais/api/data';
import { transact, type Transaction } from '#kernel/transaction.ts';
import type { Column } from '#engines/query/model/column-type.ts';
import {
  findNewest,
  marksOf,
  mayOf,
  readVersion,
  requireUsable,
  resolveVersion,
  tableOf,
  withLocalFiles,
  type DataDependencies,
  type VersionMaker,
} from '#ledgers/data/index.ts';
import type { SourceVersion, SourceVersions } from './features-dependencies.ts';

export interface DataSourcesDependencies {
  readonly data: Pick<DataDependencies, 'database' | 'blobs' | 'folder'>;
  readonly maker: VersionMaker;
  /** Returns the columns that are masked for users who may not unmask the dataset. */
  readonly masks: (tx: Transaction, dataset: string) => Promise<readonly ColumnMask[]>;
}

export function dataSources({ data, maker, masks }: DataSourcesDependencies): SourceVersions {
  return {
    resolve: async (tx, reference) => sourceOf(requireUsable(await resolveVersion(tx, reference))),
    read: async (tx, id) => sourceOf(requireUsable(await readVersion(tx, id))),
    newest: async (tx, dataset) => {
      const found = await findNewest(tx, dataset);
      return found === undefined ? undefined : { version: sourceOf(found), ready: found.state === 'ready' };
    },
    withFiles: async (projectId, id, work) => {
      const version = await transact(data.database, { mode: 'read', projectId }, async (tx) =>
        requireUsable(await readVersion(tx, id)),
      );
      return await withLocalFiles(data, version, async (files) => await work(tableOf(version, files).files));
    },
    make: async ({ projectId, dataset, ensure, tables, query, source, onto, parents, message, by }, io, also) => {
      const request = { projectId, dataset, tables, query, source, parents, message, by };
      const more = { ...(ensure !== undefined && { ensure }), ...(onto !== undefined && { onto }) };
      await maker.make({ ...request, ...more }, io, async (tx, { version }) => {
        await also(tx, { ...sourceOf(version), rows: version.rows });
      });
    },
    sensitive: async (tx, dataset) => marksOf(await masks(tx, dataset)),
    mayUnmask: async (call, dataset) => await mayOf(call, dataset)('dataset:unmask'),
  };
}

function sourceOf({ id, dataset, number, schema, keys, eventTime }: DatasetVersion): SourceVersion {
  const columns = schema.columns.map(({ name, type }) => ({ name, type }) as Column);
  return { id, dataset, number, columns, keys, eventTime };
}
