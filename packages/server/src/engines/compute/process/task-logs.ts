/** Reads the output of a task from the files of its log writer: `logs/0`, `logs/1` …; the oldest are removed. */
import { closeSync, constants, openSync, watch, writeSync } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DaisError } from '@dais/api';
import type { LogChunk, LogOptions } from '../contract.ts';
import { errnoOf } from '../file-errors.ts';

const CHUNK = 65_536;
/** Poll interval where files cannot be watched, and against lost notifications. */
const POLL_MS = 1000;
/** Fewer bytes than PIPE_BUF (4096), also with three bytes per character. */
const MAX_REPORT_CHARACTERS = 1300;

interface LogPosition {
  readonly segment: number;
  readonly offset: number;
}

/** @throws DaisError `invalid_request` for an invalid position. */
export async function* readLogs(
  folder: string,
  { from, follow = false, signal }: LogOptions,
  /** Returns whether the output is complete. */
  ended: () => Promise<boolean>,
): AsyncIterable<LogChunk> {
  let at = from === undefined ? { segment: 0, offset: 0 } : parsePosition(from);
  const buffer = Buffer.allocUnsafe(CHUNK);
  for (;;) {
    // Checked before the read, so that the read sees everything written until then.
    const last = await ended();
    const notice = follow && !last ? noticeChanges(folder, signal) : undefined;
    try {
      for (;;) {
        if (signal?.aborted === true) return;
        const segments = await segmentsOf(folder);
        const next = segments.find((segment) => segment >= at.segment);
        if (next === undefined) break;
        if (next !== at.segment) at = { segment: next, offset: 0 };
        const read = await readAt(join(folder, String(at.segment)), buffer, at.offset);
        if (read === 0) {
          if (!segments.some((segment) => segment > at.segment)) break;
          at = { segment: at.segment + 1, offset: 0 };
        } else if (read > 0) {
          at = { segment: at.segment, offset: at.offset + read };
          yield { bytes: Buffer.from(buffer.subarray(0, read)), next: `${at.segment}.${at.offset}` };
        }
      }
      if (notice === undefined) return;
      await notice.changed;
    } finally {
      notice?.stop();
    }
  }
}

function parsePosition(text: string): LogPosition {
  const [, segment, offset] = /^(\d{1,15})\.(\d{1,15})$/.exec(text) ?? [];
  if (segment === undefined) {
    throw new DaisError(
      'invalid_request',
      `${JSON.stringify(text)} is not a position in a log. Use \`next\` of a chunk.`,
    );
  }
  return { segment: Number(segment), offset: Number(offset) };
}

async function segmentsOf(folder: string): Promise<number[]> {
  const names = await readdir(folder).catch(() => [] as string[]);
  return names
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .toSorted((a, b) => a - b);
}

/** Number of bytes read; -1 when the file was removed. */
async function readAt(file: string, buffer: Buffer, offset: number): Promise<number> {
  try {
    const handle = await open(file);
    try {
      return (await handle.read(buffer, 0, buffer.length, offset)).bytesRead;
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return -1;
    throw error;
  }
}

function noticeChanges(folder: string, signal?: AbortSignal): { changed: Promise<void>; stop: () => void } {
  let stop = (): void => {};
  const changed = new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, POLL_MS);
    const watchers: { close(): void }[] = [];
    try {
      const watcher = watch(folder, () => resolve());
      watcher.on('error', () => {});
      watchers.push(watcher);
    } catch {
      // No more watches are available: the timer remains.
    }
    const abort = () => resolve();
    signal?.addEventListener('abort', abort);
    stop = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      for (const watcher of watchers) watcher.close();
      resolve();
    };
  });
  return { changed, stop };
}

/**
 * Writes a platform message into the log of a task, like its own output. The line is lost when the pipe is full. @throws the
 * system error when the process or the reader of its output has ended.
 */
export function appendLine(pid: number | undefined, sentence: string): void {
  const line = `dais: ${sentence}`.slice(0, MAX_REPORT_CHARACTERS);
  // With O_NONBLOCK, a pipe accepts a line of up to PIPE_BUF bytes completely or not at all.
  const pipe = openSync(`/proc/${pid}/fd/1`, constants.O_WRONLY | constants.O_NONBLOCK);
  try {
    writeSync(pipe, `${line}\n`);
  } finally {
    closeSync(pipe);
  }
}
