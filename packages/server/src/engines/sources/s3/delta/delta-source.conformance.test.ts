/** Delta tables that the deltalake package wrote, read from a bucket. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CreateBucketCommand, DeleteObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { DaisError } from '@dais/api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createOutbound, type Outbound } from '#lib/outbound/outbound.ts';
import { createSmithyHandler, TRANSFER_TIMEOUTS } from '#lib/outbound/smithy-handler.ts';
import { run } from '#lib/process.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import type { QueryEngine } from '#engines/query/contract.ts';
import { openDuckdbQuery } from '#engines/query/duckdb/duckdb-query.ts';
import { scan } from '#engines/query/model/build.ts';
import { sharedMotoServer, type MotoServer } from '../../../../../../../conformance/s3/moto-server.ts';
import { pythonEnvironment } from '../../../../../../../tools/python-env.mjs';
import type { DataSource } from '../../contract.ts';
import { sourcesSuite } from '../../suite.ts';
import { deltaSource } from './delta-source.ts';

const conformance = fileURLToPath(new URL('../../../../../../../conformance/data/', import.meta.url));
const BUCKET = 'delta-lake';
const region = 'eu-central-1';
const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
const signal = new AbortController().signal;

let server: Pick<MotoServer, 'url'>;
let client: S3Client;
let outbound: Outbound;
let folder: string;
let engine: QueryEngine;
/** The rows of each table that the package reads. */
let expected: Readonly<Record<string, Expected>>;
const opened: DataSource[] = [];

beforeAll(async () => {
  server = await sharedMotoServer();
  folder = await mkdtemp(join(tmpdir(), 'dais-delta-'));
  engine = openDuckdbQuery({
    folder: join(folder, 'query'),
    memoryMb: 512,
    tempMb: 512,
    clock: systemClock,
    log: silentLog,
  });
  client = new S3Client({ region, endpoint: server.url, credentials, forcePathStyle: true });
  outbound = createOutbound({
    proxy: { noProxy: [] },
    allowHosts: ['127.0.0.1'],
    userAgent: 'dais/test',
    fail: (code, detail, cause) => new DaisError(code, detail, { cause }),
  });
  const environment = await pythonEnvironment('data', join(conformance, 'requirements.txt'));
  const words = [join(conformance, 'delta_tables.py'), join(folder, 'tables')];
  const made = await run(join(environment, 'bin', 'python'), words, {
    env: { PATH: '/usr/bin:/bin', HOME: folder },
    timeoutMs: 300_000,
  });
  if (made.code !== 0) throw new Error(made.stderr);
  expected = JSON.parse(made.stdout.toString()) as typeof expected;
  const location = { CreateBucketConfiguration: { LocationConstraint: region } } as const;
  await client.send(new CreateBucketCommand({ Bucket: BUCKET, ...location }));
  const tables = join(folder, 'tables');
  for (const entry of await readdir(tables, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    await put(path.slice(tables.length + 1), await readFile(path));
  }
}, 900_000);
afterAll(async () => {
  for (const source of opened) await source.close();
  await engine?.close();
  client?.destroy();
  await outbound?.close();
  await rm(folder, { recursive: true, force: true });
});

const put = async (key: string, body: Uint8Array | string) =>
  void (await client.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: body })));

function source(path: string, version?: number): DataSource {
  const requestHandler = createSmithyHandler(outbound, TRANSFER_TIMEOUTS);
  const made = deltaSource({
    bucket: BUCKET,
    path,
    version,
    region,
    endpoint: server.url,
    credentials,
    requestHandler,
    query: async () => await Promise.resolve(engine),
    scratch: join(folder, 'scratch'),
  });
  opened.push(made);
  return made;
}

interface Expected {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
}

/** Sorted by the first column. */
async function read(from: DataSource): Promise<Expected> {
  const objects = await from.list(signal);
  const files = [];
  for (const [at, object] of objects.entries()) {
    const path = join(folder, `${String(opened.length)}-${at}.parquet`);
    await from.fetch(object, path, { signal });
    files.push({ path, format: 'parquet' as const, ...(object.part !== undefined && { part: object.part }) });
  }
  const shape = objects[0]?.shape;
  const table = { files, ...(shape !== undefined && { shape }) };
  const result = await engine.run({ tables: { t: table }, query: scan('t'), output: { type: 'rows', limit: 100_000 } });
  return {
    columns: result.columns.map(({ name }) => name),
    rows: result.rows.toSorted(([a], [b]) => Number(a) - Number(b)),
  };
}

const ids = async (from: DataSource) => (await read(from)).rows.map(([id]) => id);

sourcesSuite('delta', true, async () => {
  await Promise.resolve();
  return {
    source: source('plain', 0),
    absent: source('nowhere'),
    change: async () => {
      const [object] = await source('plain', 0).list(signal);
      await put(object?.name ?? '', 'other bytes');
    },
    end: async () => {},
  };
});

test('reads each version with its rows and version number', async () => {
  expect(await ids(source('plain', 2))).toEqual([2, 3]);
  expect(await ids(source('/plain/'))).toEqual([9]);
  expect(await ids(source('plain', 3))).toEqual([9]);
  const [object] = await source('plain').list(signal);
  expect(object).toMatchObject({
    format: 'parquet',
    snapshot: 'delta 3',
    uri: expect.stringContaining('s3://delta-lake/plain/'),
  });
});

test.each([
  ['a checkpoint, and commits after it', 'old'],
  ['a checkpoint in parts', 'parts'],
  ['a checkpoint with sidecars', 'second'],
  ['partitions of every type', 'parted'],
  ['partitions, in a checkpoint', 'parted-old'],
  ['deletion vectors in a file', 'vectors'],
  ['deletion vectors in the log', 'inline'],
  ['deletion vectors and partitions', 'both'],
  ['columns that are mapped by name', 'mapped'],
])('%s: reads like the package', async (_, path) => {
  expect(await read(source(path))).toEqual(expected[path]);
  expect(await readdir(join(folder, 'scratch')).catch(() => [])).toEqual([]);
});

test('reads versions before and after a checkpoint if their log exists', async () => {
  expect(await ids(source('old', 4))).toEqual([0, 1, 2, 3, 4, 10, 11, 12, 13, 14]);
  expect(await ids(source('vectors', 0))).toHaveLength(100_000);
});

test.each([
  ['a future version', 'plain', 99, 'not_found', 'no version 99'],
  ['a version whose log was cleaned up', 'old', 2, 'not_found', '4 is the oldest'],
  ['half of a checkpoint', 'half', undefined, 'not_found', 'cleaned up'],
])('rejects %s', async (_, path, version, code, words) => {
  await expect(source(path, version).list(signal)).rejects.toMatchObject({
    code,
    message: expect.stringContaining(words),
  });
});

test('reports truncated, changed and missing deletion vectors', async () => {
  const [vector = ''] = await readdir(join(folder, 'tables', 'vectors', 'ab'));
  const key = `vectors/ab/${vector}`;
  const bytes = await readFile(join(folder, 'tables', key));
  const refusal = async () =>
    await source('vectors')
      .list(signal)
      .catch((error: unknown) => error);
  await put(key, bytes.subarray(0, 40));
  expect(await refusal()).toMatchObject({ code: 'upstream_failed', message: expect.stringContaining('truncated') });
  const changed = Buffer.from(bytes);
  changed[30] = (changed[30] ?? 0) ^ 1;
  await put(key, changed);
  expect(await refusal()).toMatchObject({ code: 'upstream_failed', message: expect.stringContaining('checksum') });
  await client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: key }));
  expect(await refusal()).toMatchObject({ code: 'not_found' });
});

test('reports a checkpoint that is not Parquet', async () => {
  await put(`parted-old/_delta_log/${'2'.padStart(20, '0')}.checkpoint.parquet`, 'no Parquet');
  await expect(source('parted-old').list(signal)).rejects.toMatchObject({ code: 'data_invalid' });
});

test('reports a vacuumed file', async () => {
  const [object] = await source('plain').list(signal);
  await client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: object?.name ?? '' }));
  await expect(source('plain').list(signal)).rejects.toMatchObject({
    code: 'not_found',
    message: expect.stringContaining('vacuumed'),
  });
});
