/** Digests that identify how files are read, for reuse of results. Pure. */
import { createHash } from 'node:crypto';
import type { DataColumn } from '@dais/api/data';
import type { FileTable, SourceFile } from '#engines/query/contract.ts';

export type TableShape = NonNullable<FileTable['shape']>;

export interface ReadingPlan {
  readonly columns: readonly DataColumn[];
  readonly keys: readonly string[];
  readonly splitRows: number;
  /** Set for Parquet that has to be transformed. */
  readonly shape?: TableShape | undefined;
}

/** A file with known bytes. `path` is empty if they are not on the local disk. */
export interface ReadableFile {
  readonly name: string;
  readonly digest: string;
  readonly bytes: number;
  readonly source: SourceFile;
}

function sha256(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex');
}

/** Everything besides bytes and format that affects the result. `engine`: its version. */
export function readingDigest({ columns, keys, splitRows, shape }: ReadingPlan, engine: string): string {
  const shaped = shape === undefined ? [] : [shape];
  return sha256([engine, columns.map(({ name, type }) => [name, type]), keys, splitRows, ...shaped]);
}

/** Returns the digest of files that are read together in this order: bytes and formats, without names. */
export function groupDigest(group: readonly ReadableFile[]): string {
  return sha256(group.map(({ digest, source: { path: _path, name: _name, ...format } }) => [digest, format]));
}
