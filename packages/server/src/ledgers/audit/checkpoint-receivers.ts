/** Where checkpoints go outside of the database: files that only grow, and an address that takes them. */
import { mkdir, open, readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DaisError } from '@dais/api';
import { parseCheckpoint, splitNotes } from '@dais/api/tlog';
import type { Outbound } from '#lib/outbound/outbound.ts';
import type { KeptCheckpoint } from './checkpoints.ts';

/** Takes checkpoints of one branch in order. */
export interface CheckpointReceiver {
  /** Names it in `audit.delivery`; absent: it tells itself how far it has come. */
  readonly cursor?: string;
  /** The size of the last one it has; 0 for none. Undefined: ask the cursor. */
  last(branch: string): Promise<number | undefined>;
  /** Resolves when it is durable there. Taking one twice does no harm. */
  take(branch: string, checkpoint: KeptCheckpoint, signal?: AbortSignal): Promise<void>;
}

/** One file for each month and branch: `2026-11-0a1b2c3d.txt`. */
const FILE = /^(\d{4}-\d{2})-([0-9a-f]{8})\.txt$/;

/**
 * Appends to a file and makes it durable before it counts. What a crash cut off is completed by the next one; the file
 * itself is the cursor, so that a lost file is written anew from what the database still has.
 */
export function folderReceiver(folder: string): CheckpointReceiver {
  return {
    async last(branch) {
      const names = (await readdir(folder).catch(() => []))
        .filter((name) => FILE.exec(name)?.[2] === branch)
        .toSorted();
      for (const name of names.toReversed()) {
        const { notes } = splitNotes(await readFile(join(folder, name), 'utf8'));
        const size = parseCheckpoint(notes.at(-1) ?? '')?.checkpoint.size;
        if (size !== undefined) return size;
      }
      return 0;
    },
    async take(branch, { at, note }) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const path = join(folder, `${at.toISOString().slice(0, 7)}-${branch}.txt`);
      await appendDurably(path, `${note}\n`).catch((error: unknown) => {
        throw writeFailure(error, path);
      });
    },
  };
}

async function appendDurably(path: string, text: string): Promise<void> {
  // Not `a`: the place to write at is the end of the last whole note.
  const file = await open(path, 'r+').catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    return await open(path, 'wx+', 0o600);
  });
  try {
    const before = await file.readFile('utf8');
    const { rest } = splitNotes(before);
    const end = Buffer.byteLength(before, 'utf8') - Buffer.byteLength(rest, 'utf8');
    // What may have been cut off is the empty line between two notes, too.
    const gap = end > 0 && !before.slice(0, before.length - rest.length).endsWith('\n\n') ? '\n' : '';
    const bytes = Buffer.from(gap + text, 'utf8');
    await file.write(bytes, 0, bytes.length, end);
    await file.truncate(end + bytes.length);
    await file.sync();
  } finally {
    await file.close();
  }
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function writeFailure(error: unknown, path: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return error;
  return new DaisError('storage_full', `No space left for ${path}.`, { cause: error });
}

const WEBHOOK_MS = 10_000;

/** Posts each note as text. `Dais-Checkpoint-Size` names it, so that a repetition is known as one. */
export function webhookReceiver(url: string, outbound: Outbound): CheckpointReceiver {
  return {
    cursor: `checkpoints ${url}`,
    last: async () => undefined,
    async take(branch, { size, note }, signal) {
      const { status } = await outbound.send({
        url,
        method: 'POST',
        headers: {
          'content-type': 'text/plain; charset=utf-8',
          'dais-checkpoint-size': String(size),
          'dais-checkpoint-branch': branch,
        },
        body: note,
        // The address stands in the configuration of the server.
        trusted: true,
        timeouts: { totalMs: WEBHOOK_MS },
        ...(signal !== undefined && { signal }),
      });
      if (status >= 300) throw new DaisError('upstream_failed', `The checkpoint receiver responded with status ${status}.`);
    },
  };
}
