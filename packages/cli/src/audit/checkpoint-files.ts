import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { splitNotes, type Checkpoint } from '@dais/api/tlog';
import type { LogKey } from '#audit/log-keys.ts';

export interface ReadCheckpoints {
  readonly checkpoints: readonly Checkpoint[];
  /** Problems of invalid notes. */
  readonly problems: readonly string[];
}

/** Checkpoints in files, or in the `.txt` files of folders. */
export async function readCheckpointFiles(paths: readonly string[], key: LogKey): Promise<ReadCheckpoints> {
  const checkpoints: Checkpoint[] = [];
  const problems: string[] = [];
  for (const path of paths) {
    for (const file of await filesAt(path)) {
      const { notes, rest } = splitNotes(await readFile(file, 'utf8'));
      const opened = openNotes(notes, key, file);
      checkpoints.push(...opened.checkpoints);
      problems.push(...opened.problems);
      // A killed writer leaves an incomplete note; writing continues after the last complete one.
      if (rest.trim() !== '' && !rest.startsWith(key.name)) problems.push(`${file} ends with an invalid checkpoint.`);
    }
  }
  return { checkpoints, problems };
}

export function openNotes(notes: readonly string[], key: LogKey, where: string): ReadCheckpoints {
  const checkpoints: Checkpoint[] = [];
  const problems: string[] = [];
  for (const [at, note] of notes.entries()) {
    const checkpoint = key.open(note);
    if (checkpoint === undefined) problems.push(`Checkpoint ${at + 1} of ${where} was not signed with this key.`);
    else checkpoints.push(checkpoint);
  }
  return { checkpoints, problems };
}

async function filesAt(path: string): Promise<readonly string[]> {
  if (!(await stat(path)).isDirectory()) return [path];
  const names = await readdir(path);
  return names
    .filter((name) => name.endsWith('.txt'))
    .toSorted()
    .map((name) => join(path, name));
}
