import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startMotoServer, type MotoServer } from '../../../../../../conformance/s3/moto-server.ts';
import { namedObjectsSuite } from '../named-objects.testing.ts';
import { openS3NamedObjects } from './s3-named-objects.ts';

const region = 'eu-central-1';
const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };

let server: MotoServer;
beforeAll(async () => {
  server = await startMotoServer();
});
afterAll(async () => await server.stop());

const open = (bucket: string) =>
  openS3NamedObjects({ bucket, prefix: 'dais', region, endpoint: server.url, credentials, pathStyle: true });

namedObjectsSuite('s3', async () => {
  const client = new S3Client({ region, endpoint: server.url, credentials, forcePathStyle: true });
  const location = { CreateBucketConfiguration: { LocationConstraint: region } } as const;
  await client.send(new CreateBucketCommand({ Bucket: 'objects', ...location }));
  client.destroy();
  const objects = open('objects');
  return { objects, end: async () => await objects.close() };
});

test('an error names the bucket', async () => {
  const absent = open('absent');
  const named = { code: 'blobs_unavailable', message: expect.stringContaining('bucket absent') as unknown };
  await expect(absent.put('a/b', Buffer.from('x'))).rejects.toMatchObject(named);
  await expect(absent.get('a/b')).rejects.toMatchObject(named);
  await absent.close();
});
