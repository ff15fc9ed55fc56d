import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, DeleteObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { DaisError } from '@dais/api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createOutbound, type Outbound } from '#lib/outbound/outbound.ts';
import { createSmithyHandler, TRANSFER_TIMEOUTS } from '#lib/outbound/smithy-handler.ts';
import { sharedMotoServer, type MotoServer } from '../../../../../../conformance/s3/moto-server.ts';
import type { DataSource } from '../contract.ts';
import { sourcesSuite } from '../suite.ts';
import { s3Source, type S3SourceOptions } from './s3-source.ts';

const region = 'eu-central-1';
const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
const signal = new AbortController().signal;

let server: Pick<MotoServer, 'url'>;
let client: S3Client;
let outbound: Outbound;
let folder: string;
const opened: DataSource[] = [];

beforeAll(async () => {
  server = await sharedMotoServer();
  folder = await mkdtemp(join(tmpdir(), 'dais-s3-source-'));
  client = new S3Client({ region, endpoint: server.url, credentials, forcePathStyle: true });
  outbound = createOutbound({
    proxy: { noProxy: [] },
    allowHosts: ['127.0.0.1'],
    userAgent: 'dais/test',
    fail: (code, detail, cause) => new DaisError(code, detail, { cause }),
  });
});
afterAll(async () => {
  for (const source of opened) await source.close();
  client.destroy();
  await outbound.close();
  await rm(folder, { recursive: true, force: true });
});

async function bucket(name: string, objects: Readonly<Record<string, string>>): Promise<void> {
  const location = { CreateBucketConfiguration: { LocationConstraint: region } } as const;
  await client.send(new CreateBucketCommand({ Bucket: name, ...location }));
  for (const [key, text] of Object.entries(objects)) await put(name, key, text);
}

const put = async (name: string, key: string, text: string) =>
  void (await client.send(new PutObjectCommand({ Bucket: name, Key: key, Body: text })));

function source(name: string, glob: string, more: Partial<S3SourceOptions> = {}): DataSource {
  // The guard checks it like the address of a user.
  const guarded = {
    ...outbound,
    stream: async (request: Parameters<Outbound['stream']>[0]) => await outbound.stream({ ...request, trusted: false }),
  };
  const requestHandler = createSmithyHandler(guarded, TRANSFER_TIMEOUTS);
  const made = s3Source({ bucket: name, glob, region, endpoint: server.url, credentials, requestHandler, ...more });
  opened.push(made);
  return made;
}

sourcesSuite('s3', true, async () => {
  await bucket('source-suite', { 'raw/a.csv': 'x\n1\n', 'raw/b.csv': 'x\n2\n' });
  return {
    source: source('source-suite', 'raw/*.csv'),
    absent: source('source-suite', 'nothing/*.csv'),
    change: async () => await put('source-suite', 'raw/a.csv', 'x\n9\n'),
    end: async () => {},
  };
});

test('lists matching objects over several pages in name order', async () => {
  const names = Array.from({ length: 1005 }, (_, n) => `many/part-${String(n).padStart(5, '0')}.csv`);
  await bucket('glob', { 'many/deep/part-0.csv': 'x\n', 'many/readme.txt': 'no', 'other/part-1.csv': 'x\n' });
  for (let from = 0; from < names.length; from += 100) {
    await Promise.all(names.slice(from, from + 100).map(async (name) => await put('glob', name, 'x\n')));
  }
  const found = await source('glob', 'many/part-*.csv').list(signal);
  expect(found.map(({ name }) => name)).toEqual(names);
  expect((await source('glob', '**/part-*.csv').list(signal)).length).toBe(names.length + 2);
});

test('reports an object that was replaced or deleted since it was listed', async () => {
  await bucket('changing', { 'a.csv': 'x\n1\n', 'b.csv': 'x\n1\n' });
  const one = source('changing', '*.csv');
  const [a, b] = await one.list(signal);
  await put('changing', 'a.csv', 'x\n2\n');
  await client.send(new DeleteObjectCommand({ Bucket: 'changing', Key: 'b.csv' }));
  await expect(one.fetch(a!, join(folder, 'a'), { signal })).rejects.toMatchObject({ code: 'conflict' });
  await expect(one.fetch(b!, join(folder, 'b'), { signal })).rejects.toMatchObject({ code: 'not_found' });
  const [again] = await one.list(signal);
  await one.fetch(again!, join(folder, 'again'), { signal });
  expect(await readFile(join(folder, 'again'), 'utf8')).toBe('x\n2\n');
});

test('reports a missing bucket, a missing server, and one inside the network', async () => {
  await expect(source('nowhere', '*').list(signal)).rejects.toMatchObject({
    code: 'not_found',
    message: expect.stringContaining('nowhere'),
  });
  const closed = source('source-suite', '*', { endpoint: 'http://127.0.0.1:9' });
  await expect(closed.list(signal)).rejects.toMatchObject({ code: 'upstream_failed' });
  const inside = source('source-suite', '*', { endpoint: 'http://10.0.0.1' });
  await expect(inside.list(signal)).rejects.toMatchObject({ code: 'address_refused' });
});
