/** The artifacts of a run: its event files, which hold what has no place in a run, and its media. */
import { basename } from 'node:path';
import { Readable } from 'node:stream';
import { DaisError } from '@dais/api';
import { FileReader, streamFile, type LogFile } from '../run-logs/log-file.ts';
import type { LoggedFile } from '../run-logs/run-log-source.ts';
import { readEvent } from './event.ts';
import { contentOf, type Media } from './media.ts';
import { readTfRecords } from './tfrecord.ts';

export function eventFilesOf(files: readonly LogFile[]): LoggedFile[] {
  return files
    .filter(({ size }) => size > 0)
    .map((file) => ({
      path: `tensorboard/${basename(file.path)}`,
      size: file.size,
      open: async () => streamFile(file),
    }));
}

export function mediaFilesOf(media: readonly Media[]): LoggedFile[] {
  return media.map((one) => ({
    path: one.path,
    size: one.size,
    open: async () => Readable.from([await bytesOf(one)]),
  }));
}

async function bytesOf(media: Media): Promise<Buffer> {
  const reader = await FileReader.open(media.file);
  try {
    reader.position = media.at;
    for await (const record of readTfRecords(reader)) {
      const bytes = record.kind === 'record' ? contentOf(readEvent(record.data).values, media) : undefined;
      if (bytes !== undefined) return Buffer.from(bytes);
      break;
    }
  } finally {
    await reader.close();
  }
  throw new DaisError('invalid_state', `${media.file.path} changed while it was imported.`);
}
