/** What a task wrote, from the files of its log writer: `logs/0`, `logs/1` …, of which the oldest go. */
import { closeSync, constants, openSync, watch, writeSync } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DaisError } from '@dais/api';
import type { LogChunk, LogOptions } from '../contract.ts';
import { errnoOf } from './file-errors.ts';

const CHUNK = 65_536;
/** Where files cannot be watched, and against lost notices. */
const LOOK_AGAIN_MS = 1000;
/** Fewer bytes than PIPE_BUF (4096), also where each character takes three. */
const MAX_REPORT_CHARACTERS = 1300;

interface Place {
  readonly segment: number;
  readonly offset: number;
}

/** @throws DaisError `invalid_request` for a place that this engine did not give. */
export async function* readLogs(
  folder: string,
  { from, follow = false, signal }: LogOptions,
  /** Whether nothing more can come. */
  ended: () => Promise<boolean>,
): AsyncIterable<LogChunk> {
  let at = from === undefined ? { segment: 0, offset: 0 } : parsePlace(from);
  const buffer = Buffer.allocUnsafe(CHUNK);
  for (;;) {
    // Asked before the read: what was written until then is seen by it.
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

function parsePlace(text: string): Place {
  const [, segment, offset] = /^(\d{1,15})\.(\d{1,15})$/.exec(text) ?? [];
  if (segment === undefined) {
    throw new DaisError('invalid_request', `${JSON.stringify(text)} is not a position in a log. Use \`next\` of a chunk.`);
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

/** Bytes read; -1 when the file has gone meanwhile. */
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
    const timer = setTimeout(resolve, LOOK_AGAIN_MS);
    const watchers: { close(): void }[] = [];
    try {
      const watcher = watch(folder, () => resolve());
      watcher.on('error', () => {});
      watchers.push(watcher);
    } catch {
      // No more watches are to be had: the timer remains.
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
 * Writes a line of the platform into the log of a task, as its own output is written, before its program learns of it. The line is
 * lost when nobody reads that any more, or when the pipe is full.
 * @throws the error of the system: the process, or the reader of its output, is gone.
 */
export function appendLine(pid: number | undefined, sentence: string): void {
  const line = `dais: ${sentence}`.slice(0, MAX_REPORT_CHARACTERS);
  // With O_NONBLOCK a pipe takes a line that is no longer than PIPE_BUF as a whole or not at all.
  const pipe = openSync(`/proc/${pid}/fd/1`, constants.O_WRONLY | constants.O_NONBLOCK);
  try {
    writeSync(pipe, `${line}\n`);
  } finally {
    closeSync(pipe);
  }
}
