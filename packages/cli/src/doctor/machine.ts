/** Memory and disk. */
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ok, problem, warning, type Finding } from '#doctor/finding.ts';

const GIB = 1024 ** 3;
/** All idle processes of Dais take 250 MB; a busy server needs more for sorting and caches. */
const LEAST_MEMORY = GIB;
const LOW_DISK = 5 * GIB;
const LEAST_DISK = GIB;

export function checkMemory(total: number, available: number): Finding {
  const text = `${gib(available)} free of ${gib(total)}`;
  if (available >= LEAST_MEMORY) return ok('memory', text);
  return warning('memory', `${text}; Dais needs 1 GiB`, 'End other programs, or give the machine or container more.');
}

/** Checks the nearest existing folder: the data folder may not exist yet. */
export async function checkDisk(folder: string): Promise<Finding> {
  let existing = folder;
  for (;;) {
    const found = await statfs(existing).catch(() => undefined);
    if (found !== undefined) {
      return diskFinding(folder, found.bavail * found.bsize, found.blocks * found.bsize, found.ffree, found.files);
    }
    if (existing === dirname(existing))
      return problem('disk', `${folder} is not on a disk`, 'Choose another --data folder.');
    existing = dirname(existing);
  }
}

export function diskFinding(folder: string, free: number, total: number, freeFiles: number, files: number): Finding {
  const text = `${gib(free)} free of ${gib(total)} at ${folder}`;
  const remedy = 'Free space there, or move the data folder: stop Dais, move it, start with --data.';
  // Some file systems (btrfs) do not count files.
  if (files > 0 && freeFiles < 10_000) return problem('disk', `only ${freeFiles} inodes are free at ${folder}`, remedy);
  if (free < LEAST_DISK) return problem('disk', `${text}; the database stops when the disk is full`, remedy);
  return free < LOW_DISK ? warning('disk', text, remedy) : ok('disk', text);
}

function gib(bytes: number): string {
  return `${(bytes / GIB).toFixed(1)} GiB`;
}
