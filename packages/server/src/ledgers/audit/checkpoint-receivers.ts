/** Receivers of checkpoints outside of the database: append-only files, and HTTP endpoints. */
import { mkdir, open, readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DaisError } from '@dais/api';
import { parseCheckpoint, splitNotes } from '@dais/api/tlog';
import type { Outbound } from '#lib/outbound/outbound.ts';
import type { KeptCheckpoint } from './checkpoints.ts';

/** Receives checkpoints of one branch in order. */
export interface CheckpointReceiver {
  /** The name in `audit.delivery`; undefined if the receiver tracks its own position. */
  readonly cursor?: string;
  /** Returns the size of the last received checkpoint; 0 for none. Undefined: use the stored position. */
  last(branch: string): Promise<number | undefined>;
  /** Resolves when the checkpoint is durable. Idempotent. */
  take(branch: string, checkpoint: KeptCheckpoint, signal?: AbortSignal): Promise<void>;
}

/** The file of a month and branch: `2026-11-0a1b2c3d.txt`. */
const FILE = /^(\d{4}-\d{2})-([0-9a-f]{8})\.txt$/;

/**
 * Appends to a file durably. The next write completes a note that a crash truncated. The file itself is the position, so a lost
 * file is rewritten from the notes that the database still has.
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
  // Not `a`: writing starts after the last complete note.
  const file = await open(path, 'r+').catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    return await open(path, 'wx+', 0o600);
  });
  try {
    const before = await file.readFile('utf8');
    const { rest } = splitNotes(before);
    const end = Buffer.byteLength(before, 'utf8') - Buffer.byteLength(rest, 'utf8');
    // The blank line between two notes can be missing too.
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

/** Posts each note as text. The header `Dais-Checkpoint-Size` identifies repetitions. */
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
        // The URL is in the server configuration.
        trusted: true,
        timeouts: { totalMs: WEBHOOK_MS },
        ...(signal !== undefined && { signal }),
      });
      if (status >= 300)
        throw new DaisError('upstream_failed', `The checkpoint receiver responded with status ${status}.`);
    },
  };
}
