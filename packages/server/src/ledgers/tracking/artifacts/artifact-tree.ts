/** Folders of artifacts. Only files are stored, named by their paths, and a folder is a common prefix of paths. */
import { detachContent, listReferences, type ContentInfo, type ContentOwner } from '#kernel/content/references.ts';
import { decodePageCursor, encodePageCursor } from '#kernel/page-cursor.ts';
import type { Transaction } from '#kernel/transaction.ts';

export interface FolderEntry {
  readonly name: string;
  readonly directory: boolean;
  readonly size?: number;
}

/** Names per read. */
const BATCH = 1000;
/** Sorts after every character of a name. */
const LAST = '\u{10FFFF}';

/** Returns the owner of all artifacts of a project. */
export function artifactsOf(projectId: string): ContentOwner {
  return { projectId, uid: projectId };
}

/** Lists the direct children of `folder` by name. */
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
      // Skips all names below a folder with one read.
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

/** Deletes a file, or everything in the folder with this path. Returns the number of files. */
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
