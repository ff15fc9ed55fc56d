/** A Delta table in a bucket: the Parquet files of one of its versions, each pinned by its entity tag. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DaisError } from '@dais/api';
import type { QueryEngine } from '#engines/query/contract.ts';
import { MOST_OBJECTS, type DataSource, type SourceObject } from '../../contract.ts';
import { DeletedRows } from '../deleted-rows.ts';
import { inlineRows, storedRows, vectorFile } from '../deletion-vector.ts';
import { objectOf, readCheckpoint } from './delta-checkpoint.ts';
import { actionsOf, DeltaReplay, isLogFile, planLog, type DeltaFile, type DeltaSnapshot } from './delta-log.ts';
import { shapeOf } from './delta-schema.ts';
import { collectYielding } from './collect-yielding.ts';
import { s3Bucket, type S3Bucket, type S3BucketOptions } from '../s3-source.ts';

export interface TableSourceOptions extends S3BucketOptions {
  /** Path of the table in the bucket. */
  readonly path: string;
  /** Reads Parquet metadata of the table. */
  readonly query: () => Promise<QueryEngine>;
  /** Absolute folder for temporary files; created when missing. */
  readonly scratch: string;
}

export interface DeltaSourceOptions extends TableSourceOptions {
  /** Undefined: the newest. */
  readonly version: number | undefined;
}

/** Maximum size of one commit or file of deletion vectors, and of all together. */
const FILE_BYTES = 64 * 1024 * 1024;
const LOG_BYTES = 256 * 1024 * 1024;
/** Maximum size of a checkpoint with all its parts, which is on the disk. */
const CHECKPOINT_BYTES = 1024 * 1024 * 1024;

export function deltaSource({ path, version, query, scratch, ...options }: DeltaSourceOptions): DataSource {
  const bucket = s3Bucket(options);
  const folder = path.replace(/^\/+|\/+$/g, '');
  const table = `s3://${options.bucket}/${folder}`;
  return {
    list: async (signal) => await new DeltaListing({ bucket, table, folder, query, scratch }, signal).list(version),
    fetch: async (object, to, io) => await bucket.fetch(object, to, io),
    close: async () => await bucket.close(),
  };
}

interface SourceDependencies extends Pick<DeltaSourceOptions, 'query' | 'scratch'> {
  readonly bucket: S3Bucket;
  readonly table: string;
  readonly folder: string;
}

class DeltaListing {
  readonly #dependencies: SourceDependencies;
  readonly #signal: AbortSignal;
  #left = LOG_BYTES;

  constructor(dependencies: SourceDependencies, signal: AbortSignal) {
    this.#dependencies = dependencies;
    this.#signal = signal;
  }

  async list(version: number | undefined): Promise<readonly SourceObject[]> {
    const { table, folder, bucket } = this.#dependencies;
    const snapshot = await this.#snapshot(version);
    const where = `version ${snapshot.version} of the Delta table ${table}`;
    const { files } = snapshot;
    if (files.length === 0)
      throw new DaisError('not_found', `Version ${snapshot.version} of the Delta table ${table} has no rows.`);
    if (files.length > MOST_OBJECTS)
      throw new DaisError('too_large', `${where} has more than ${MOST_OBJECTS} files. Compact the table.`);
    const shape = shapeOf(table, snapshot);
    const vectors = new DeletedRows(where);
    const paths = new Set(files.map((file) => `${folder}/${file.path}`));
    for (const { deletions } of files) {
      if (deletions === undefined) continue;
      const name = vectors.guarded(() => vectorFile(deletions));
      vectors.expect(deletions.cardinality);
      if (name !== undefined) paths.add(`${folder}/${name}`);
    }
    // After the log, because a file exists before the commit that adds it.
    const there = new Map(
      (await bucket.objects(`${folder}/**`, this.#signal, (name) => paths.has(name))).map((one) => [one.name, one]),
    );
    const vectorBytes = new Map<string, Buffer>();
    const objects: SourceObject[] = [];
    for (const file of files) {
      const found = there.get(`${folder}/${file.path}`);
      if (found === undefined)
        throw new DaisError('not_found', `${file.path} of ${where} is missing. Check whether the table was vacuumed.`);
      const object = { ...found, format: 'parquet' as const, snapshot: `delta ${snapshot.version}` };
      if (shape === undefined) {
        objects.push(object);
        continue;
      }
      const deleted = await this.#deleted(file, vectors, { there, read: vectorBytes });
      const part = { values: shape.values(file), ...(deleted !== undefined && { deleted }) };
      objects.push({ ...object, shape: shape.columns, part });
    }
    return objects.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  async #snapshot(version: number | undefined): Promise<DeltaSnapshot> {
    const { table, folder, bucket } = this.#dependencies;
    const log = await bucket.objects(`${folder}/_delta_log/**`, this.#signal, (name) => isLogFile(name));
    const objects = new Map(log.map((object) => [object.name, object]));
    const plan = planLog(table, [...objects.keys()], version);
    const replay = new DeltaReplay(table);
    if (plan.checkpoint.length > 0) {
      replay.apply(plan.version - plan.commits.size, await this.#checkpoint(plan.checkpoint, objects));
    }
    for (const [number, name] of plan.commits) {
      const where = `Version ${number} of the Delta table ${table}`;
      const text = (await this.#bytes(objectOf(objects, name, where))).toString('utf8');
      replay.apply(number, await collectYielding(actionsOf(text, where)));
    }
    return replay.snapshot(plan.version);
  }

  async #checkpoint(names: readonly string[], objects: ReadonlyMap<string, SourceObject>) {
    const { table, folder, bucket, query, scratch } = this.#dependencies;
    const signal = this.#signal;
    const where = `The Delta table ${table}`;
    const sidecars = new Map<string, SourceObject>();
    const find = async (name: string): Promise<SourceObject> => {
      if (name.includes('/_sidecars/') && sidecars.size === 0) {
        for (const one of await bucket.objects(`${folder}/_delta_log/_sidecars/*`, signal)) sidecars.set(one.name, one);
      }
      return sidecars.get(name) ?? objectOf(objects, name, where);
    };
    await mkdir(scratch, { recursive: true, mode: 0o700 });
    const own = await mkdtemp(join(scratch, 'delta-'));
    let left = CHECKPOINT_BYTES;
    try {
      return await readCheckpoint(where, names, {
        engine: await query(),
        folder: own,
        signal,
        text: async (name) => (await this.#bytes(await find(name))).toString('utf8'),
        download: async (name, to) => {
          const object = await find(name);
          left -= object.bytes ?? 0;
          if (left < 0)
            throw new DaisError('too_large', `A checkpoint of ${table} has more than ${CHECKPOINT_BYTES} bytes.`);
          await bucket.fetch(object, to, { signal });
        },
      });
    } finally {
      await rm(own, { recursive: true, force: true });
    }
  }

  async #deleted(
    { deletions }: DeltaFile,
    vectors: DeletedRows,
    files: { readonly there: ReadonlyMap<string, SourceObject>; readonly read: Map<string, Buffer> },
  ): Promise<string | undefined> {
    if (deletions === undefined) return undefined;
    const name = vectors.guarded(() => vectorFile(deletions));
    if (name === undefined) return await vectors.pack(() => inlineRows(deletions));
    const { table, folder } = this.#dependencies;
    const key = `${folder}/${name}`;
    const bytes = files.read.get(key) ?? (await this.#bytes(objectOf(files.there, key, `The Delta table ${table}`)));
    files.read.set(key, bytes);
    const { offset, sizeInBytes, cardinality: count } = deletions;
    return await vectors.pack(() => storedRows(bytes, { offset: offset ?? 1, bytes: sizeInBytes, count }));
  }

  async #bytes(object: SourceObject): Promise<Buffer> {
    this.#left -= object.bytes ?? 0;
    if (this.#left < 0)
      throw new DaisError('too_large', `The log of ${this.#dependencies.table} has more than ${LOG_BYTES} bytes.`);
    return await this.#dependencies.bucket.bytes(object, FILE_BYTES, this.#signal);
  }
}
