/** A Delta table in a bucket: the Parquet files of one of its versions, each pinned by its entity tag. */
import { DaisError } from '@dais/api';
import type { DataSource, SourceObject } from '../contract.ts';
import { commitsOf, commitVersionOf, replay, type DeltaCommit } from './delta-log.ts';
import { s3Bucket, type S3BucketOptions } from './s3-source.ts';

export interface DeltaSourceOptions extends S3BucketOptions {
  /** Of the table in the bucket. */
  readonly path: string;
  /** Undefined: the newest. */
  readonly version: number | undefined;
}

/** Of one commit, and of all that are read. */
const COMMIT_BYTES = 64 * 1024 * 1024;
const LOG_BYTES = 256 * 1024 * 1024;

export function deltaSource({ path, version, ...options }: DeltaSourceOptions): DataSource {
  const bucket = s3Bucket(options);
  const folder = path.replace(/^\/+|\/+$/g, '');
  const table = `s3://${options.bucket}/${folder}`;
  return {
    list: async (signal) => {
      // Of the log and of the files together: a file that a commit names was there before that commit.
      const objects = await bucket.objects(`${folder}/**`, signal);
      const log = new Map(
        objects.flatMap((object): [number, SourceObject][] => {
          const commit = commitVersionOf(object.name);
          return commit === undefined ? [] : [[commit, object]];
        }),
      );
      const commits: DeltaCommit[] = [];
      let left = LOG_BYTES;
      for (const number of commitsOf(table, [...log.keys()], version)) {
        const object = log.get(number);
        if (object === undefined) continue;
        left -= object.bytes ?? 0;
        if (left < 0) throw new DaisError('too_large', `The log of ${table} has more than ${LOG_BYTES} bytes.`);
        commits.push({ version: number, text: (await bucket.bytes(object, COMMIT_BYTES, signal)).toString('utf8') });
      }
      const snapshot = replay(table, commits);
      const there = new Map(objects.map((object) => [object.name, object]));
      const files = snapshot.files.map((file): SourceObject => {
        const object = there.get(`${folder}/${file}`);
        const named = `${file} of version ${snapshot.version} of the Delta table ${table}`;
        if (object === undefined) throw new DaisError('not_found', `${named} is gone: was the table vacuumed?`);
        return { ...object, format: 'parquet', snapshot: `delta ${snapshot.version}` };
      });
      if (files.length > 0) return files;
      throw new DaisError('not_found', `Version ${snapshot.version} of the Delta table ${table} has no rows.`);
    },
    fetch: async (object, path, io) => await bucket.fetch(object, path, io),
    close: async () => await bucket.close(),
  };
}
