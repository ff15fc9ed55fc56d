import type { Transaction } from '#kernel/transaction.ts';
import type { CompiledView, SelectedView } from '../definitions/compiled.ts';
import type { FeatureParts, SourceVersion } from '../features-parts.ts';
import { datasetsOf, referenceOf } from './source-relation.ts';

/** The versions that views read, by Dataset. Views that name different versions of one Dataset read them as different tables. */
export async function resolveSources(
  tx: Transaction,
  { sources }: Pick<FeatureParts, 'sources'>,
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

/** `weather@latest` of each Dataset that a view reads. */
function referencesOf(view: CompiledView): readonly string[] {
  return datasetsOf(view).map((dataset) => referenceOf(view, dataset));
}
