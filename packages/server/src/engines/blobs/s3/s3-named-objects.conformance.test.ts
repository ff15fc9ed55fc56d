import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startMotoServer, type MotoServer } from '../../../../../../conformance/s3/moto-server.ts';
import { systemClock } from '#lib/clock.ts';
import { expectUnseen, namedObjectsSuite } from '../named-objects.testing.ts';
import { openS3BlobStore } from './s3-blob-store.ts';
import { openS3NamedObjects } from './s3-named-objects.ts';

const region = 'eu-central-1';
const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };

let server: MotoServer;
beforeAll(async () => {
  server = await startMotoServer();
});
afterAll(async () => await server.stop());

const optionsOf = (bucket: string) => ({
  bucket,
  prefix: 'dais',
  region,
  endpoint: server.url,
  credentials,
  pathStyle: true,
});
const open = (bucket: string) => openS3NamedObjects(optionsOf(bucket), 'tasks');

async function makeBucket(bucket: string): Promise<void> {
  const client = new S3Client({ region, endpoint: server.url, credentials, forcePathStyle: true });
  const location = { CreateBucketConfiguration: { LocationConstraint: region } } as const;
  await client.send(new CreateBucketCommand({ Bucket: bucket, ...location }));
  client.destroy();
}

namedObjectsSuite('s3', async () => {
  await makeBucket('objects');
  const objects = open('objects');
  return { objects, end: async () => await objects.close() };
});

test('neither a store of content nor another family sees them', async () => {
  await makeBucket('shared');
  const objects = open('shared');
  await objects.put('a/b', Buffer.from('x'));
  const archive = openS3NamedObjects(optionsOf('shared'), 'archive');
  for await (const { name } of archive.list('')) throw new Error(`listed: ${name}`);
  const blobs = openS3BlobStore(optionsOf('shared'), systemClock);
  await expectUnseen(blobs, objects, 'a/b');
  for (const one of [objects, archive, blobs]) await one.close();
});

test('an error names the bucket', async () => {
  const absent = open('absent');
  const named = { code: 'blobs_unavailable', message: expect.stringContaining('bucket absent') as unknown };
  await expect(absent.put('a/b', Buffer.from('x'))).rejects.toMatchObject(named);
  await expect(absent.get('a/b')).rejects.toMatchObject(named);
  await absent.close();
});
