/**
 * Names in the archive of a database, below the id of the installation:
 * `<id>/wal/<segment>.<sha256>.gz`: a segment of the write-ahead log, or the history of a timeline;
 * `<id>/base/<time>/part-00001`, …: a base backup, a tar file compressed with gzip and split;
 * `<id>/base/<time>/base.json`: its description, written last.
 */

const SEGMENT_NAME = /^[0-9A-F]{24}$/;
const WAL_OBJECT = /^([0-9A-F]{24}|[0-9A-F]{8}\.history)\.([0-9a-f]{64})\.gz$/;
const BASE_NAME = /^\d{8}T\d{6}Z$/;

/** Position of a segment in a timeline. */
export interface Segment {
  readonly timeline: number;
  readonly number: bigint;
}

/** An object with a part of the write-ahead log. */
export interface WalObject {
  readonly object: string;
  /** Its name in `pg_wal`. */
  readonly file: string;
  /** Of the uncompressed bytes. */
  readonly sha256: string;
  readonly storedAt: Date;
}

/** A position in the write-ahead log, as PostgreSQL writes it: `16/B374D848`. */
export function parsePosition(text: string): bigint {
  const [high, low] = text.split('/');
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`);
}

export function formatPosition(position: bigint): string {
  return `${(position >> 32n).toString(16).toUpperCase()}/${(position & 0xff_ff_ff_ffn).toString(16).toUpperCase()}`;
}

export function segmentName({ timeline, number }: Segment, segmentBytes: number): string {
  const perFile = (1n << 32n) / BigInt(segmentBytes);
  const hex = (value: bigint) => value.toString(16).toUpperCase().padStart(8, '0');
  return `${hex(BigInt(timeline))}${hex(number / perFile)}${hex(number % perFile)}`;
}

/** Undefined for other files, such as the history of a timeline. */
export function parseSegment(name: string, segmentBytes: number): Segment | undefined {
  if (!SEGMENT_NAME.test(name)) return undefined;
  const part = (at: number) => BigInt(`0x${name.slice(at, at + 8)}`);
  const perFile = (1n << 32n) / BigInt(segmentBytes);
  return { timeline: Number(part(0)), number: part(8) * perFile + part(16) };
}

export const walObject = (id: string, file: string, sha256: string): string => `${id}/wal/${file}.${sha256}.gz`;
export const baseFolder = (id: string, name: string): string => `${id}/base/${name}/`;
export const BASE_MANIFEST = 'base.json';
export const partName = (number: number): string => `part-${String(number).padStart(5, '0')}`;

/** `20261201T192000Z` */
export const baseName = (time: number): string => new Date(time).toISOString().replaceAll(/[-:]|\.\d+/g, '');

export type ArchiveObject =
  | { readonly type: 'wal'; readonly id: string; readonly file: string; readonly sha256: string }
  | { readonly type: 'base'; readonly id: string; readonly base: string; readonly file: string };

/** Undefined for objects that Dais did not write. */
export function parseObject(name: string): ArchiveObject | undefined {
  const [id = '', family, ...rest] = name.split('/');
  if (family === 'wal' && rest.length === 1) {
    const match = WAL_OBJECT.exec(rest[0] ?? '');
    return match === null ? undefined : { type: 'wal', id, file: match[1]!, sha256: match[2]! };
  }
  const [base = '', file = ''] = rest;
  if (family !== 'base' || rest.length !== 2 || !BASE_NAME.test(base)) return undefined;
  return { type: 'base', id, base, file };
}
