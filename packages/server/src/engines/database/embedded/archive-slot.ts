/**
 * The replication slot of the archive. The server keeps each segment of its write-ahead log until the slot has passed it, also
 * across crashes, and removes the oldest beyond `max_slot_wal_keep_size`.
 */
import { access } from 'node:fs/promises';
import path from 'node:path';
import type { Settings } from './settings.ts';

export const ARCHIVE_SLOT = 'dais_archive';

export function archiveSettings(pendingMb: number): Settings {
  return { wal_level: 'replica', max_replication_slots: 2, max_slot_wal_keep_size: `${pendingMb}MB` };
}

/** A server with a slot does not start with `wal_level = minimal`. */
export async function hasArchiveSlot(cluster: string): Promise<boolean> {
  return await access(path.join(cluster, 'pg_replslot', ARCHIVE_SLOT)).then(
    () => true,
    () => false,
  );
}
