import { ListMultipartUploadsCommand, ListObjectsV2Command, S3Client, CreateBucketCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll } from 'vitest';
import { systemClock } from '#lib/clock.ts';
import { sharedMotoServer, type MotoServer } from '../../../../../../conformance/s3/moto-server.ts';
import { blobStoreSuite } from '../suite.ts';
import { openS3BlobStore } from './s3-blob-store.ts';

const region = 'eu-central-1';
const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
const MIB = 2 ** 20;

let server: Pick<MotoServer, 'url'>;
let client: S3Client;
beforeAll(async () => {
  server = await sharedMotoServer();
  client = new S3Client({ region, endpoint: server.url, credentials, forcePathStyle: true });
});
afterAll(async () => {
  client.destroy();
});

async function makeBucket(bucket: string): Promise<void> {
  await client.send(
    new CreateBucketCommand({ Bucket: bucket, CreateBucketConfiguration: { LocationConstraint: region } }),
  );
}

const open = (bucket: string, more: object = {}) =>
  openS3BlobStore(
    { bucket, region, endpoint: server.url, credentials, pathStyle: true, partBytes: 5 * MIB, ...more },
    systemClock,
  );

blobStoreSuite('s3', async () => {
  await makeBucket('suite');
  const store = open('suite', { prefix: 'dais/blobs', copyPartBytes: 5 * MIB });
  return {
    store,
    remains: async () => {
      const objects = await client.send(new ListObjectsV2Command({ Bucket: 'suite', Prefix: 'dais/blobs/tmp/' }));
      const uploads = await client.send(new ListMultipartUploadsCommand({ Bucket: 'suite' }));
      return (objects.Contents ?? []).length + (uploads.Uploads ?? []).length;
    },
    end: async () => await store.close(),
  };
});
