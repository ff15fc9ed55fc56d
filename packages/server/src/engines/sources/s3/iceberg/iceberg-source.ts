/** An Iceberg table in a bucket: the Parquet files of one of its snapshots, each pinned by its entity tag. */
import { gunzipSync } from 'node:zlib';
import { DaisError } from '@dais/api';
import { AvroError, readAvroFile } from '#lib/formats/avro-file.ts';
import { MOST_OBJECTS, type DataSource, type SourceObject } from '../../contract.ts';
import type { TableSourceOptions } from '../delta/delta-source.ts';
import { DeletedRows } from '../deleted-rows.ts';
import { deletedRows } from './iceberg-deletes.ts';
import { equalityPlans, withoutEqual, type EqualityPlan } from './iceberg-equality.ts';
import { columnsOf, shapeOf } from './iceberg-schema.ts';
import {
  chosenSnapshot,
  filesOf,
  keyOf,
  manifestsOf,
  newestMetadata,
  parseMetadata,
  type IcebergFile,
  type IcebergSnapshot,
  type Located,
} from './iceberg-table.ts';
import { s3Bucket, type S3Bucket } from '../s3-source.ts';
import { ScratchFiles } from '../scratch-files.ts';

export interface IcebergSourceOptions extends TableSourceOptions {
  /** Name of a file below `metadata`. Undefined: the newest. */
  readonly metadata: string | undefined;
  /** Id of a snapshot. Undefined: the current one. */
  readonly snapshot: string | undefined;
}

/** Maximum decompressed size of one metadata file, and stored size of all together. */
const FILE_BYTES = 64 * 1024 * 1024;
const ALL_BYTES = 256 * 1024 * 1024;
/** Maximum size of delete files, which are on the disk. */
const DELETE_BYTES = 1024 * 1024 * 1024;
/** Maximum number of values of one manifest: some hundred per file of the table. */
const VALUES = 20_000_000;

export function icebergSource({
  path,
  metadata: named,
  snapshot: requested,
  query,
  scratch,
  ...options
}: IcebergSourceOptions): DataSource {
  const bucket = s3Bucket(options);
  const folder = path.replace(/^\/+|\/+$/g, '');
  const table = `s3://${options.bucket}/${folder}`;
  const location = { bucket: options.bucket, folder };
  const scratchFiles = new ScratchFiles(scratch, 'iceberg-');
  const dependencies = { bucket, table, location, query, scratch: scratchFiles };
  let listed: Listed | undefined;
  return {
    list: async (signal) => {
      listed = await new IcebergListing(dependencies, signal).list(named, requested);
      return listed.objects;
    },
    fetch: async (object, to, io) => {
      const fetched = await bucket.fetch(object, to, io);
      const part = await listed?.partOf(object, to, io.signal);
      return part === undefined ? fetched : { ...fetched, part };
    },
    close: async () => {
      await scratchFiles.remove();
      await bucket.close();
    },
  };
}

interface Listed {
  readonly objects: readonly SourceObject[];
  /** Returns the part of an object whose deleted rows depend on its bytes at `path`; otherwise undefined. */
  readonly partOf: (object: SourceObject, path: string, signal: AbortSignal) => Promise<SourceObject['part']>;
}

interface SourceDependencies extends Pick<IcebergSourceOptions, 'query'> {
  readonly scratch: ScratchFiles;
  readonly bucket: S3Bucket;
  readonly table: string;
  readonly location: { readonly bucket: string; readonly folder: string };
}

class IcebergListing {
  readonly #dependencies: SourceDependencies;
  readonly #signal: AbortSignal;
  /** Metadata files of the table. */
  #known: ReadonlyMap<string, SourceObject> = new Map();
  #left = ALL_BYTES;
  #deleteBytes = DELETE_BYTES;

  constructor(dependencies: SourceDependencies, signal: AbortSignal) {
    this.#dependencies = dependencies;
    this.#signal = signal;
  }

  async list(named: string | undefined, requested: string | undefined): Promise<Listed> {
    const { table, location } = this.#dependencies;
    const below = `${location.folder}/metadata/`;
    this.#known = await this.#objects(`${below}**`);
    const names = [...this.#known.keys()].map((key) => key.slice(below.length));
    const name = named ?? newestMetadata(table, names);
    const about = `The metadata ${name} of the Iceberg table ${table}`;
    const metadata = parseMetadata(table, plainBytes(about, await this.#read(`${below}${name}`, about)));
    const snapshot = chosenSnapshot(table, metadata, requested);
    const id = snapshot['snapshot-id'];
    const where = `Snapshot ${id} of the Iceberg table ${table}`;
    const located = { ...location, location: metadata.location };
    const files = await this.#files(where, snapshot, located);
    const data = files.filter(({ deletes }) => deletes === undefined);
    const deletes = files.filter((file) => file.deletes !== undefined);
    if (data.length === 0) throw new DaisError('not_found', `${where} has no rows.`);
    if (files.length > MOST_OBJECTS)
      throw new DaisError('too_large', `${where} has more than ${MOST_OBJECTS} files. Compact the table.`);

    const columns = columnsOf(where, metadata, snapshot, data);
    const keys = new Map(files.map((file) => [file.path, keyOf(where, located, file.path)]));
    const all = new Set(keys.values());
    // After the metadata, because a file exists before the snapshot that lists it.
    const there = await this.#objects(`${location.folder}/**`, (key) => all.has(key));
    const objectOf = (file: string): SourceObject => {
      const key = keys.get(file) ?? '';
      const object = there.get(key);
      if (object === undefined) throw new DaisError('not_found', `${where} is incomplete: the file ${key} is missing.`);
      return object;
    };
    for (const { path } of files) objectOf(path);
    const { scratch, query } = this.#dependencies;
    const gone = new DeletedRows(where);
    const download = async (file: string, to: string, signal: AbortSignal) =>
      await this.#download(where, objectOf(file), to, signal);
    const deleted = await this.#deleted(where, data, deletes, { gone, objectOf, download });
    const plans = equalityPlans(where, columns, data, deletes);
    const asTheyAre = deleted.size === 0 && plans.size === 0 && columns.by === 'name';
    const shape = asTheyAre ? undefined : shapeOf(where, columns);
    const found = new Map<string, SourceObject>();
    const byName = new Map<string, EqualityPlan>();
    for (const { path } of data) {
      const object = { ...objectOf(path), format: 'parquet' as const, snapshot: `iceberg ${id}` };
      const rows = deleted.get(path);
      const part = rows === undefined ? {} : { deleted: rows };
      const plan = plans.get(path);
      if (plan !== undefined) byName.set(object.name, plan);
      found.set(object.name, shape === undefined ? object : { ...object, shape, part });
    }
    return {
      objects: [...found.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1)),
      partOf: async ({ name, part = {} }, path, signal) => {
        const plan = byName.get(name);
        if (plan === undefined || shape === undefined) return undefined;
        const folder = await scratch.folder();
        const local = async (file: string) => await scratch.file(file, async (to) => await download(file, to, signal));
        const io = { engine: await query(), folder, signal, gone, local };
        return await withoutEqual(path, { shape, plan, part }, io);
      },
    };
  }

  async #files(where: string, snapshot: IcebergSnapshot, located: Located): Promise<readonly IcebergFile[]> {
    const listed = snapshot['manifest-list'];
    if (listed === undefined || listed === null) {
      const detail = `${where} has no manifest list, as in very old tables. Write a copy in format version 2.`;
      throw new DaisError('invalid_state', detail);
    }
    const records = async (uri: string, what: string) =>
      avroRecords(what, await this.#read(keyOf(where, located, uri), what));
    const lists = `The manifest list of ${where}`;
    const files: IcebergFile[] = [];
    for (const manifest of manifestsOf(lists, await records(listed, lists))) {
      for (const file of filesOf(where, manifest, await records(manifest.path, `A manifest of ${where}`)))
        files.push(file);
    }
    return files;
  }

  async #deleted(
    where: string,
    data: readonly IcebergFile[],
    deletes: readonly IcebergFile[],
    {
      gone,
      objectOf,
      download,
    }: {
      readonly gone: DeletedRows;
      readonly objectOf: (path: string) => SourceObject;
      readonly download: (path: string, to: string, signal: AbortSignal) => Promise<void>;
    },
  ): Promise<ReadonlyMap<string, string>> {
    if (deletes.every((file) => file.deletes?.type === 'equality')) return new Map();
    const { scratch, query } = this.#dependencies;
    const signal = this.#signal;
    try {
      return await deletedRows(where, data, deletes, {
        engine: query,
        gone,
        folder: await scratch.folder(),
        signal,
        bytes: async (path) => await this.#bytes(objectOf(path)),
        download: async (path, to) => await download(path, to, signal),
      });
    } finally {
      await scratch.remove();
    }
  }

  async #download(where: string, object: SourceObject, to: string, signal: AbortSignal): Promise<void> {
    this.#deleteBytes -= object.bytes ?? 0;
    if (this.#deleteBytes < 0)
      throw new DaisError('too_large', `The delete files of ${where} exceed ${DELETE_BYTES} bytes.`);
    await this.#dependencies.bucket.fetch(object, to, { signal });
  }

  /** Reads a metadata file. */
  async #read(key: string, what: string): Promise<Buffer> {
    let object = this.#known.get(key);
    // Some tables store it in another folder.
    object ??= (await this.#objects(`${this.#dependencies.location.folder}/**`, (name) => name === key)).get(key);
    if (object === undefined) throw new DaisError('not_found', `${what} is missing: the bucket has no object ${key}.`);
    return await this.#bytes(object);
  }

  async #bytes(object: SourceObject): Promise<Buffer> {
    this.#left -= object.bytes ?? 0;
    if (this.#left < 0)
      throw new DaisError('too_large', `The metadata files of ${this.#dependencies.table} exceed ${ALL_BYTES} bytes.`);
    return await this.#dependencies.bucket.bytes(object, FILE_BYTES, this.#signal);
  }

  async #objects(glob: string, only?: (name: string) => boolean): Promise<ReadonlyMap<string, SourceObject>> {
    const objects = await this.#dependencies.bucket.objects(glob, this.#signal, only);
    return new Map(objects.map((object) => [object.name, object]));
  }
}

function avroRecords(what: string, bytes: Buffer): readonly unknown[] {
  try {
    return readAvroFile(bytes, { bytes: ALL_BYTES, values: VALUES }).records;
  } catch (error) {
    if (!(error instanceof AvroError)) throw error;
    throw new DaisError('invalid_state', `${what} cannot be read: ${error.message}.`, { cause: error });
  }
}

/** Some writers compress it, not always visible in its name. */
function plainBytes(what: string, bytes: Buffer): Buffer {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return gunzipSync(bytes, { maxOutputLength: FILE_BYTES });
  } catch (error) {
    throw new DaisError('invalid_state', `${what} cannot be decompressed, or exceeds ${FILE_BYTES} bytes.`, {
      cause: error,
    });
  }
}
