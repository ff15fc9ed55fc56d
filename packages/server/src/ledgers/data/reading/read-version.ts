/** Reads a version for a caller: resolved, authorized, masked, on the local disk. */
import { DaisError } from '@dais/api';
import { type DatasetVersion } from '@dais/api/data';
import type { TableSource } from '#engines/query/contract.ts';
import { column, named, scan } from '#engines/query/model/build.ts';
import type { Relation } from '#engines/query/model/query-tree.ts';
import type { Call } from '#kernel/entry.ts';
import { transact } from '#kernel/transaction.ts';
import type { DataDependencies } from '../data-dependencies.ts';
import { tableOf, withLocalFiles } from '../versions/local-files.ts';
import { resolveVersion } from '../versions/resolve.ts';
import { maskedColumns, type MaskedColumn } from './masks.ts';

export interface ReadableVersion {
  readonly version: DatasetVersion;
  readonly masked: readonly MaskedColumn[];
}

/** Whether the caller may perform an action on a dataset. */
export function mayOf(call: Pick<Call, 'authorize' | 'tenant'>, dataset: string) {
  return async (action: string): Promise<boolean> => {
    try {
      await call.authorize({ kind: 'Dataset', name: dataset }, call.tenant, action);
      return true;
    } catch (error) {
      if (error instanceof DaisError && (error.code === 'forbidden' || error.code === 'not_found')) return false;
      throw error;
    }
  };
}

/**
 * Finds a version in any state except deleted: readers of a dataset may inspect why a version was quarantined.
 * @throws DaisError `not_found`, `invalid_request`.
 */
export async function findReadable(
  { database, hooks }: Pick<DataDependencies, 'database' | 'hooks'>,
  call: Call,
  reference: string,
): Promise<ReadableVersion> {
  const request = { mode: 'read', projectId: call.tenant.id } as const;
  return await transact(database, request, async (tx) => {
    const version = await resolveVersion(tx, reference);
    const reader = { principal: call.context.principal, may: mayOf(call, version.dataset) };
    const existing = new Set(version.schema.columns.map(({ name }) => name));
    const masked = await maskedColumns(tx, hooks, version.dataset, reader);
    return { version, masked: masked.filter(({ column }) => existing.has(column)) };
  });
}

/**
 * Returns the rows of a version with masks applied, which is the only input of a reader's query. All columns are listed
 * explicitly, so that no unexpected column is exposed.
 */
export function maskedView(table: string, { version, masked }: ReadableVersion): Relation {
  if (masked.length === 0) return scan(table);
  const masks = new Map(masked.map((one) => [one.column, one.mask]));
  const columns = version.schema.columns.map(({ name }) => named(name, masks.get(name) ?? column(name)));
  return { type: 'project', from: scan(table), keep: 'none', columns };
}

/** Runs `work` with versions as tables of a query. */
export async function withTables<T>(
  dependencies: Pick<DataDependencies, 'database' | 'blobs' | 'folder'>,
  versions: Readonly<Record<string, DatasetVersion>>,
  work: (tables: Readonly<Record<string, TableSource>>) => Promise<T>,
): Promise<T> {
  const use = async (
    [first, ...rest]: readonly (readonly [string, DatasetVersion])[],
    tables: Readonly<Record<string, TableSource>>,
  ): Promise<T> => {
    if (first === undefined) return await work(tables);
    const [name, version] = first;
    return await withLocalFiles(dependencies, version, async (files) => {
      return await use(rest, { ...tables, [name]: tableOf(version, files) });
    });
  };
  return await use(Object.entries(versions), {});
}
