/** Iceberg tables that pyiceberg wrote, read from a bucket. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
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
import { icebergSource } from './iceberg-source.ts';

const conformance = fileURLToPath(new URL('../../../../../../../conformance/data/', import.meta.url));
const BUCKET = 'iceberg-lake';
const region = 'eu-central-1';
const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
const signal = new AbortController().signal;

let server: Pick<MotoServer, 'url'>;
let client: S3Client;
let outbound: Outbound;
let folder: string;
let engine: QueryEngine;
/** The snapshots of each table, in order. */
let states: Readonly<Record<string, readonly State[]>>;
const opened: DataSource[] = [];

beforeAll(async () => {
  server = await sharedMotoServer();
  folder = await mkdtemp(join(tmpdir(), 'dais-iceberg-'));
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
  const words = [join(conformance, 'iceberg_tables.py'), join(folder, 'tables')];
  const made = await run(join(environment, 'bin', 'python'), words, {
    env: { PATH: '/usr/bin:/bin', HOME: folder },
    timeoutMs: 300_000,
  });
  if (made.code !== 0) throw new Error(made.stderr);
  states = JSON.parse(made.stdout.toString()) as typeof states;
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

interface Which {
  readonly metadata?: string;
  readonly snapshot?: string;
}

interface State extends Required<Which> {
  /** The rows that pyiceberg reads. */
  readonly rows: readonly (readonly unknown[])[];
}

function source(path: string, { metadata, snapshot }: Which = {}): DataSource {
  const requestHandler = createSmithyHandler(outbound, TRANSFER_TIMEOUTS);
  const made = icebergSource({
    bucket: BUCKET,
    path,
    metadata,
    snapshot,
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

async function ids(from: DataSource): Promise<readonly unknown[]> {
  return (await read(from)).map(([id]) => id);
}

/** Sorted by the first column. */
async function read(from: DataSource): Promise<readonly (readonly unknown[])[]> {
  const objects = await from.list(signal);
  const files = [];
  for (const [at, object] of objects.entries()) {
    const path = join(folder, `${String(opened.length)}-${at}.parquet`);
    const { part = object.part } = await from.fetch(object, path, { signal });
    files.push({ path, format: 'parquet' as const, ...(part !== undefined && { part }) });
  }
  const shape = objects[0]?.shape;
  const table = { files, ...(shape !== undefined && { shape }) };
  const found = await engine.run({ tables: { t: table }, query: scan('t'), output: { type: 'rows', limit: 1000 } });
  return found.rows.toSorted(([a], [b]) => Number(a) - Number(b));
}

sourcesSuite('iceberg', true, async () => {
  await Promise.resolve();
  const first = () => source('plain', { snapshot: state('plain', 0).snapshot });
  return {
    source: first(),
    absent: source('nowhere'),
    change: async () => {
      const [object] = await first().list(signal);
      await put(object?.name ?? '', 'other bytes');
    },
    end: async () => {},
  };
});

function state(table: string, at: number): State {
  const found = states[table]?.[at];
  if (found === undefined) throw new Error(`there is no state ${at} of ${table}`);
  return found;
}

test('reads each snapshot with its rows and id', async () => {
  const { snapshot: second } = state('plain', 1);
  const { snapshot: third } = state('plain', 2);
  const { snapshot: fourth } = state('plain', 3);
  expect(await ids(source('plain', { snapshot: third }))).toEqual([2, 3]);
  expect(await ids(source('/plain/'))).toEqual([9]);
  expect((await source('plain', { snapshot: second }).list(signal)).length).toBe(2);
  const [object] = await source('plain', { snapshot: fourth }).list(signal);
  expect(object).toMatchObject({
    format: 'parquet',
    snapshot: `iceberg ${fourth}`,
    uri: expect.stringContaining('s3://iceberg-lake/plain/data/'),
  });
});

test('reads a table with metadata of a catalog, and a partitioned one', async () => {
  const { metadata, snapshot } = state('plain', 2);
  const [object] = await source('plain', { metadata }).list(signal);
  expect(object?.snapshot).toBe(`iceberg ${snapshot}`);
  // Its files contain the partition column.
  expect(await ids(source('parted'))).toEqual([1, 2, 3]);
});

test('reads compressed metadata, added columns, and files of the current schema only', async () => {
  const name = (await readdir(join(folder, 'tables', 'packed', 'metadata'))).find((one) => one.startsWith('00001-'));
  const key = `packed/metadata/${name}`;
  const plain = await readFile(join(folder, 'tables', key));
  await client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: key }));
  await put(key.replace('.metadata', '.gz.metadata'), gzipSync(plain));
  expect(await ids(source('packed'))).toEqual([7]);
  expect(await ids(source('grown'))).toEqual([1, 2]);
  expect(await ids(source('renamed', { snapshot: state('renamed', 2).snapshot }))).toEqual([3]);
  expect(await ids(source('renamed', { snapshot: state('renamed', 0).snapshot }))).toEqual([1]);
});

test.each<[string, string, Which, string, string]>([
  ['a missing snapshot', 'plain', { snapshot: '7' }, 'not_found', 'no snapshot 7'],
  ['missing metadata', 'plain', { metadata: 'v7.metadata.json' }, 'not_found', 'v7.metadata.json'],
  ['a table without rows', 'empty', {}, 'not_found', 'no rows'],
  ['equality deletes by a dropped column', 'dropped', {}, 'invalid_state', 'dropped or nested column'],
])('rejects %s', async (_, path, which, code, words) => {
  await expect(source(path, which).list(signal)).rejects.toMatchObject({
    code,
    message: expect.stringContaining(words),
  });
});

test.each([
  ['files with a renamed column', 'renamed', 1],
  ['a dropped column, and a new one with its name', 'again', 0],
  ['position deletes in several files', 'positions', 0],
  ['deletes that are older than the file', 'aged', 0],
  ['deletion vectors', 'vectors', 0],
])('%s: reads like pyiceberg', async (_, table, at) => {
  const { snapshot, rows } = state(table, at);
  expect(await read(source(table, { snapshot }))).toEqual(rows);
  expect(await readdir(join(folder, 'scratch')).catch(() => [])).toEqual([]);
});

test('applies equality deletes to files of earlier commits', async () => {
  // Of 3 and 12 only the first, of 5, 13 and 21 the first two; the pair of 1; no word, and w17; the first row of the first file.
  const left = [2, 4, 6, 7, 8, 9, 10, 11, 12, 14, 15, 16, 18, 19, 21];
  const from = source('equality');
  expect((await read(from)).map(([id]) => id)).toEqual(left);
  await from.close();
  expect(await readdir(join(folder, 'scratch'))).toEqual([]);
  expect(await read(source('turned'))).toEqual([
    [2, 'w2'],
    [3, 'w3'],
    [4, 'w4'],
  ]);
});

test('reports invalid, truncated and missing deletes', async () => {
  const refusal = async (table: string) =>
    await source(table)
      .list(signal)
      .catch((error: unknown) => error);
  await put('positions/data/d1.parquet', 'no Parquet');
  expect(await refusal('positions')).toMatchObject({ code: 'data_invalid' });
  await client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: 'positions/data/d1.parquet' }));
  expect(await refusal('positions')).toMatchObject({ code: 'not_found' });
  const bytes = await readFile(join(folder, 'tables', 'vectors', 'data', 'vectors.puffin'));
  await put('vectors/data/vectors.puffin', bytes.subarray(0, 60));
  expect(await refusal('vectors')).toMatchObject({
    code: 'upstream_failed',
    message: expect.stringContaining('truncated'),
  });
});

test('reports invalid metadata and missing files', async () => {
  const [object] = await source('parted').list(signal);
  await client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: object?.name ?? '' }));
  await expect(source('parted').list(signal)).rejects.toMatchObject({
    code: 'not_found',
    message: expect.stringContaining('is incomplete'),
  });
  const { metadata } = state('parted', 0);
  await put(`parted/metadata/${metadata}`, '{"format-version": 2,');
  await expect(source('parted').list(signal)).rejects.toMatchObject({ code: 'upstream_failed' });
});
