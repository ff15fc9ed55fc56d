/** How the files of a dataset are read, and the digests by which what was read once is found again. Pure. */
import { createHash } from 'node:crypto';
import type { DataColumn } from '@dais/api/data';
import type { FileTable, SourceFile } from '#engines/query/contract.ts';

export type TableShape = NonNullable<FileTable['shape']>;

export interface ReadingPlan {
  readonly columns: readonly DataColumn[];
  readonly keys: readonly string[];
  readonly splitRows: number;
  /** Of Parquet that is not the rows as it is. */
  readonly shape?: TableShape | undefined;
}

/** A file whose bytes are known. `path` is empty where they are not here. */
export interface ReadableFile {
  readonly name: string;
  readonly digest: string;
  readonly bytes: number;
  readonly source: SourceFile;
}

function sha256(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex');
}

/** All that decides what becomes of bytes, beside them and their format. `engine`: its version. */
export function readingDigest({ columns, keys, splitRows, shape }: ReadingPlan, engine: string): string {
  const shaped = shape === undefined ? [] : [shape];
  return sha256([engine, columns.map(({ name, type }) => [name, type]), keys, splitRows, ...shaped]);
}

/** Of files that are read together, in this order: their bytes and formats, not what they are called. */
export function groupDigest(group: readonly ReadableFile[]): string {
  return sha256(group.map(({ digest, source: { path: _path, name: _name, ...format } }) => [digest, format]));
}
