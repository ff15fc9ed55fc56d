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
import { openDuckdbQuery } from '#engines/query/duckdb/duckdb-query.ts';
import { scan } from '#engines/query/model/build.ts';
import { startMotoServer, type MotoServer } from '../../../../../../conformance/s3/moto-server.ts';
import { pythonEnvironment } from '../../../../../../tools/python-env.mjs';
import type { DataSource } from '../contract.ts';
import { sourcesSuite } from '../suite.ts';
import { deltaSource } from './delta-source.ts';

const conformance = fileURLToPath(new URL('../../../../../../conformance/data/', import.meta.url));
const BUCKET = 'lake';
const region = 'eu-central-1';
const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
const signal = new AbortController().signal;

let server: MotoServer;
let client: S3Client;
let outbound: Outbound;
let folder: string;
const opened: DataSource[] = [];

beforeAll(async () => {
  server = await startMotoServer();
  folder = await mkdtemp(join(tmpdir(), 'dais-delta-'));
  client = new S3Client({ region, endpoint: server.url, credentials, forcePathStyle: true });
  outbound = createOutbound({
    proxy: { noProxy: [] },
    allowHosts: ['127.0.0.1'],
    userAgent: 'dais/test',
    fail: (fault, detail, cause) => new DaisError(fault, detail, { cause }),
  });
  const environment = await pythonEnvironment('data', join(conformance, 'requirements.txt'));
  const words = ['-B', join(conformance, 'delta_tables.py'), join(folder, 'tables')];
  const made = await run(join(environment, 'bin', 'python'), words, {
    env: { PATH: '/usr/bin:/bin', HOME: folder },
    timeoutMs: 300_000,
  });
  if (made.code !== 0) throw new Error(made.stderr);
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
  client?.destroy();
  await outbound?.close();
  await server?.stop();
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
  });
  opened.push(made);
  return made;
}

async function ids(from: DataSource): Promise<readonly unknown[]> {
  const engine = openDuckdbQuery({
    folder: join(folder, 'query'),
    memoryMb: 512,
    tempMb: 512,
    clock: systemClock,
    log: silentLog,
  });
  try {
    const files = [];
    for (const [at, object] of (await from.list(signal)).entries()) {
      const path = join(folder, `${String(opened.length)}-${at}.parquet`);
      await from.fetch(object, path, { signal });
      files.push({ path, format: 'parquet' as const });
    }
    const told = await engine.run({ tables: { t: { files } }, query: scan('t'), output: { type: 'rows', limit: 100 } });
    return told.rows.map(([id]) => id).toSorted((a, b) => Number(a) - Number(b));
  } finally {
    await engine.close();
  }
}

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

test('each version has the rows that it had, and says which it is', async () => {
  expect(await ids(source('plain', 2))).toEqual([2, 3]);
  expect(await ids(source('/plain/'))).toEqual([9]);
  expect(await ids(source('plain', 3))).toEqual([9]);
  const [object] = await source('plain').list(signal);
  expect(object).toMatchObject({
    format: 'parquet',
    snapshot: 'delta 3',
    uri: expect.stringContaining('s3://lake/plain/'),
  });
});

test.each([
  ['a version that is not there', 'plain', 99, 'not_found', 'no version 99'],
  ['a table that is partitioned', 'parted', undefined, 'invalid_state', 'partitioned by word'],
  ['a log that begins with a checkpoint', 'old', undefined, 'invalid_state', 'checkpoint'],
])('%s is refused', async (_, path, version, code, words) => {
  await expect(source(path, version).list(signal)).rejects.toMatchObject({
    code,
    message: expect.stringContaining(words),
  });
});

test('a file that was vacuumed away is told', async () => {
  const [object] = await source('plain').list(signal);
  await client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: object?.name ?? '' }));
  await expect(source('plain').list(signal)).rejects.toMatchObject({
    code: 'not_found',
    message: expect.stringContaining('vacuumed'),
  });
});
