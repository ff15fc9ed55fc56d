import type { FileTable } from '#engines/query/contract.ts';
import type { FeatureParts, SourceVersion } from '../features-parts.ts';

/** Provides the files of versions as tables by reference, while `work` runs. */
export async function withTables<T>(
  { sources }: Pick<FeatureParts, 'sources'>,
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
