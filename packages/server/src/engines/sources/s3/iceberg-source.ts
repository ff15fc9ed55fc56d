/** An Iceberg table in a bucket: the Parquet files of one of its snapshots, each pinned by its entity tag. */
import { gunzipSync } from 'node:zlib';
import { DaisError } from '@dais/api';
import { AvroFault, readAvroFile } from '#lib/avro-file.ts';
import type { DataSource, SourceObject } from '../contract.ts';
import {
  chosenSnapshot,
  filesOf,
  keyOf,
  manifestsOf,
  newestMetadata,
  parseMetadata,
  requireSameNames,
  type IcebergFile,
} from './iceberg-table.ts';
import type { TableSourceOptions } from './delta-source.ts';
import { s3Bucket } from './s3-source.ts';

export interface IcebergSourceOptions extends TableSourceOptions {
  /** Name of a file below `metadata`. Undefined: the newest. */
  readonly metadata: string | undefined;
  /** Id of a snapshot. Undefined: the current one. */
  readonly snapshot: string | undefined;
}

/** Of one file that describes the table, inflated, and of all that are read, as they lie there. */
const FILE_BYTES = 64 * 1024 * 1024;
const ALL_BYTES = 256 * 1024 * 1024;
/** Of one manifest: some hundred for each file of the table. */
const VALUES = 20_000_000;

export function icebergSource({
  path,
  metadata: named,
  snapshot: wanted,
  ...options
}: IcebergSourceOptions): DataSource {
  const bucket = s3Bucket(options);
  const folder = path.replace(/^\/+|\/+$/g, '');
  const table = `s3://${options.bucket}/${folder}`;
  return {
    list: async (signal) => {
      // Of what describes the table and of its files together: a file that a snapshot names was there before it.
      const objects = await bucket.objects(`${folder}/**`, signal);
      const there = new Map(objects.map((object) => [object.name, object]));
      let left = ALL_BYTES;
      const read = async (key: string, what: string): Promise<Buffer> => {
        const object = there.get(key);
        if (object === undefined) throw new DaisError('not_found', `${what} is gone: there is no ${key}.`);
        left -= object.bytes ?? 0;
        if (left < 0) throw new DaisError('too_large', `What describes ${table} has more than ${ALL_BYTES} bytes.`);
        return await bucket.bytes(object, FILE_BYTES, signal);
      };
      const below = `${folder}/metadata/`;
      const name =
        named ??
        newestMetadata(
          table,
          objects.flatMap((object) => (object.name.startsWith(below) ? object.name.slice(below.length) : [])),
        );
      const about = `The metadata ${name} of the Iceberg table ${table}`;
      const metadata = parseMetadata(table, plainBytes(about, await read(`${below}${name}`, about)));
      const snapshot = chosenSnapshot(table, metadata, wanted);
      const id = snapshot['snapshot-id'];
      const where = `Snapshot ${id} of the Iceberg table ${table}`;
      const place = { location: metadata.location, bucket: options.bucket, folder };
      const records = async (uri: string, what: string) =>
        avroRecords(what, await read(keyOf(where, place, uri), what));

      const listed = snapshot['manifest-list'];
      if (listed === undefined || listed === null) {
        const detail = `${where} has no list of manifests, as very old tables have none: write a copy in version 2.`;
        throw new DaisError('invalid_state', detail);
      }
      const lists = `The list of manifests of snapshot ${id} of ${table}`;
      const files: IcebergFile[] = [];
      for (const manifest of manifestsOf(lists, await records(listed, lists)))
        files.push(...filesOf(where, manifest, await records(manifest.path, `A manifest of ${where}`)));
      requireSameNames(where, metadata, snapshot, files);
      const found = new Map<string, SourceObject>();
      for (const file of files) {
        const key = keyOf(where, place, file.path);
        const object = there.get(key);
        if (object === undefined) throw new DaisError('not_found', `${where} has lost a file: there is no ${key}.`);
        found.set(key, { ...object, format: 'parquet', snapshot: `iceberg ${id}` });
      }
      if (found.size === 0) throw new DaisError('not_found', `${where} has no rows.`);
      return [...found.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
    },
    fetch: async (object, path, io) => await bucket.fetch(object, path, io),
    close: async () => await bucket.close(),
  };
}

function avroRecords(what: string, bytes: Buffer): readonly unknown[] {
  try {
    return readAvroFile(bytes, { bytes: ALL_BYTES, values: VALUES }).records;
  } catch (error) {
    if (!(error instanceof AvroFault)) throw error;
    throw new DaisError('invalid_state', `${what} cannot be read: ${error.message}.`, { cause: error });
  }
}

/** Some writers pack it, and not all say so in its name. */
function plainBytes(what: string, bytes: Buffer): Buffer {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return gunzipSync(bytes, { maxOutputLength: FILE_BYTES });
  } catch (error) {
    throw new DaisError('invalid_state', `${what} cannot be inflated, or has more than ${FILE_BYTES} bytes.`, {
      cause: error,
    });
  }
}
