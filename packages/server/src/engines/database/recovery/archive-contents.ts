/** What an archive contains, and what it can recover. */
import type { NamedObjects } from '#engines/blobs/contract.ts';
import { BASE_MANIFEST, parseObject, parseSegment, segmentName, type WalObject } from './archive-names.ts';
import { parseBaseManifest, type BaseManifest } from './base-manifest.ts';

export interface BaseBackup extends BaseManifest {
  readonly name: string;
}

/** The archive of one installation. */
export interface ArchiveContents {
  readonly id: string;
  /** Complete base backups, oldest first. */
  readonly bases: readonly BaseBackup[];
  /** Objects of base backups without a description: of one that runs, or was interrupted. */
  readonly incomplete: readonly string[];
  /** By the name of the file in `pg_wal`. */
  readonly wal: ReadonlyMap<string, readonly WalObject[]>;
}

/** Reads the list of all objects below `prefix`, and every description of a base backup. */
export async function readArchive(store: NamedObjects, prefix = ''): Promise<ReadonlyMap<string, ArchiveContents>> {
  const wal = new Map<string, Map<string, WalObject[]>>();
  const bases = new Map<string, Map<string, string[]>>();
  const ids = new Set<string>();
  for await (const { name, modifiedAt } of store.list(prefix)) {
    const found = parseObject(name);
    if (found === undefined) continue;
    ids.add(found.id);
    if (found.type === 'wal') {
      const files = child(wal, found.id, () => new Map<string, WalObject[]>());
      child(files, found.file, () => []).push({ object: name, ...found, storedAt: modifiedAt });
    } else {
      const files = child(bases, found.id, () => new Map<string, string[]>());
      child(files, found.base, () => []).push(name);
    }
  }
  const contents = new Map<string, ArchiveContents>();
  for (const id of ids) {
    const complete: BaseBackup[] = [];
    const incomplete: string[] = [];
    for (const [base, objects] of bases.get(id) ?? []) {
      const manifest = `${id}/base/${base}/${BASE_MANIFEST}`;
      if (objects.includes(manifest)) {
        complete.push({ name: base, ...parseBaseManifest(manifest, await store.get(manifest)) });
      } else incomplete.push(...objects);
    }
    const ordered = complete.toSorted((a, b) => a.stoppedAt.localeCompare(b.stoppedAt));
    contents.set(id, { id, bases: ordered, incomplete, wal: wal.get(id) ?? new Map() });
  }
  return contents;
}

/**
 * The last segment up to which the log is complete from the start of a base backup. Undefined: the base backup cannot be
 * used, because segments that every recovery needs are missing.
 */
export function completeUntil(base: BaseManifest, wal: ArchiveContents['wal']): string | undefined {
  const { segmentBytes } = base;
  const first = parseSegment(base.firstSegment, segmentBytes);
  if (first === undefined) return undefined;
  let last: string | undefined;
  for (let { number } = first; ; number += 1n) {
    const name = segmentName({ timeline: first.timeline, number }, segmentBytes);
    if (!wal.has(name)) break;
    last = name;
  }
  return last !== undefined && last >= base.lastSegment ? last : undefined;
}

/**
 * What the archive need not keep: base backups that are not necessary to recover any moment after `since`, and the log before
 * the oldest base backup that is kept.
 */
export function expiredObjects(contents: ArchiveContents, since: number): string[] {
  const from = contents.bases.findLastIndex(({ stoppedAt }) => Date.parse(stoppedAt) <= since);
  const kept = contents.bases.slice(Math.max(from, 0));
  const [oldest] = kept;
  if (oldest === undefined) return [];
  const bases = contents.bases.slice(0, Math.max(from, 0)).flatMap(({ name, parts }) => {
    const folder = `${contents.id}/base/${name}/`;
    // The description first: what remains after a crash is incomplete.
    return [`${folder}${BASE_MANIFEST}`, ...parts.map((part) => `${folder}${part.name}`)];
  });
  const first = parseSegment(oldest.firstSegment, oldest.segmentBytes)!;
  const log = [...contents.wal].flatMap(([file, objects]) => {
    const segment = parseSegment(file, oldest.segmentBytes);
    const isOld = segment !== undefined && segment.timeline <= first.timeline && segment.number < first.number;
    return isOld ? objects.map(({ object }) => object) : [];
  });
  return [...bases, ...log];
}

function child<K, V>(map: Map<K, V>, key: K, create: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const created = create();
  map.set(key, created);
  return created;
}
