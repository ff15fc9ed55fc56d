import type { FileTable } from '#engines/query/contract.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { CompiledView, SelectedView } from '../definitions/compiled.ts';
import type { FeatureDependencies, SourceVersion } from '../features-dependencies.ts';
import { datasetsOf, referenceOf } from './source-relation.ts';

/** Returns the versions that views read, by Dataset. Views with different versions of a Dataset read different tables. */
export async function resolveSources(
  tx: Transaction,
  { sources }: Pick<FeatureDependencies, 'sources'>,
  stored: readonly Pick<SelectedView, 'view'>[],
  fixed: Readonly<Record<string, string>> = {},
): Promise<ReadonlyMap<string, SourceVersion>> {
  const versions = new Map<string, SourceVersion>();
  for (const { view } of stored) {
    for (const reference of referencesOf(view)) {
      if (versions.has(reference)) continue;
      const id = fixed[reference];
      versions.set(reference, id === undefined ? await sources.resolve(tx, reference) : await sources.read(tx, id));
    }
  }
  return versions;
}

/** Returns the references of Datasets that a view reads, such as `weather@latest`. */
function referencesOf(view: CompiledView): readonly string[] {
  return datasetsOf(view).map((dataset) => referenceOf(view, dataset));
}

/** Provides the files of versions as tables by reference, while `work` runs. */
export async function withTables<T>(
  { sources }: Pick<FeatureDependencies, 'sources'>,
  projectId: string,
  versions: ReadonlyMap<string, SourceVersion>,
  work: (tables: Readonly<Record<string, FileTable>>) => Promise<T>,
): Promise<T> {
  const open = async (
    [first, ...rest]: readonly (readonly [string, SourceVersion])[],
    tables: Readonly<Record<string, FileTable>>,
  ): Promise<T> => {
    if (first === undefined) return await work(tables);
    const [reference, { id, columns }] = first;
    return await sources.withFiles(projectId, id, async (files) =>
      open(rest, { ...tables, [reference]: { files, columns } }),
    );
  };
  return await open([...versions], {});
}
