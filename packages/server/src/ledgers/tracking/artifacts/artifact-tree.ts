/** Folders of artifacts. Only files are kept, under their paths as names: a folder is what paths have in common. */
import { detachContent, listReferences, type ContentInfo, type ContentOwner } from '#kernel/content/references.ts';
import { decodePageCursor, encodePageCursor } from '#kernel/page-cursor.ts';
import type { Transaction } from '#kernel/transaction.ts';

export interface FolderEntry {
  readonly name: string;
  readonly directory: boolean;
  readonly size?: number;
}

/** Names that are read at once. */
const BATCH = 1000;
/** Above every character that a name can have. */
const LAST = '\u{10FFFF}';

/** All artifacts of a project are one owner's: the project's. */
export function artifactsOf(projectId: string): ContentOwner {
  return { projectId, uid: projectId };
}

/** What lies directly in `folder`, by name. */
export async function listFolder(
  tx: Transaction,
  owner: ContentOwner,
  page: { readonly folder: string; readonly limit: number; readonly cursor?: string },
): Promise<{ readonly items: readonly FolderEntry[]; readonly nextCursor?: string }> {
  const { folder, limit } = page;
  const prefix = folder === '' ? '' : `${folder}/`;
  const binding = ['artifact.list', folder];
  let after = decodePageCursor(binding, page.cursor) ?? '';
  const items: FolderEntry[] = [];
  for (;;) {
    const names = await listReferences(tx, owner, { prefix, after, limit: BATCH });
    for (const found of names) {
      const entry = entryOf(found, prefix);
      if (entry.name === items.at(-1)?.name && entry.directory) continue;
      if (items.length === limit) return { items, nextCursor: encodePageCursor(binding, after) };
      items.push(entry);
      // The names below a folder are passed over, however many there are.
      after = entry.directory ? `${prefix}${entry.name}/${LAST}` : found.name;
    }
    if (names.length < BATCH) return { items };
  }
}

function entryOf({ name, size }: ContentInfo, prefix: string): FolderEntry {
  const rest = name.slice(prefix.length);
  const slash = rest.indexOf('/');
  return slash === -1 ? { name: rest, directory: false, size } : { name: rest.slice(0, slash), directory: true };
}

/** A file, and everything in the folder of this path. Gives how many files went. */
export async function removeTree(tx: Transaction, owner: ContentOwner, path: string): Promise<number> {
  let removed = await detachContent(tx, owner, [path]);
  for (;;) {
    const names = await listReferences(tx, owner, { prefix: `${path}/`, limit: BATCH });
    if (names.length === 0) return removed;
    removed += await detachContent(
      tx,
      owner,
      names.map(({ name }) => name),
    );
  }
}
