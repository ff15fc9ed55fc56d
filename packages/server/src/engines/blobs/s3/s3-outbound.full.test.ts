import { CreateBucketCommand, ListMultipartUploadsCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { DaisError } from '@dais/api';
import { afterAll, beforeAll } from 'vitest';
import { systemClock } from '#lib/clock.ts';
import { createOutbound, type Outbound } from '#lib/outbound/outbound.ts';
import { createSmithyHandler, TRANSFER_TIMEOUTS } from '#lib/outbound/smithy-handler.ts';
import { startMotoServer, type MotoServer } from '../../../../../../conformance/s3/moto-server.ts';
import { blobStoreSuite } from '../suite.ts';
import { openS3BlobStore } from './s3-blob-store.ts';

const region = 'eu-central-1';
const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };

let server: MotoServer;
let client: S3Client;
let outbound: Outbound;
beforeAll(async () => {
  server = await startMotoServer();
  client = new S3Client({ region, endpoint: server.url, credentials, forcePathStyle: true });
  outbound = createOutbound({
    proxy: { noProxy: [] },
    allowHosts: [],
    userAgent: 'dais/test',
    fail: (code, detail, cause) => new DaisError(code, detail, { cause }),
  });
});
afterAll(async () => {
  client.destroy();
  await outbound.close();
  await server.stop();
});

blobStoreSuite('s3 through the outbound client', async () => {
  const location = { CreateBucketConfiguration: { LocationConstraint: region } as const };
  await client.send(new CreateBucketCommand({ Bucket: 'suite', ...location }));
  const mib = 2 ** 20;
  const store = openS3BlobStore(
    {
      bucket: 'suite',
      region,
      endpoint: server.url,
      credentials,
      pathStyle: true,
      partBytes: 5 * mib,
      copyPartBytes: 5 * mib,
      requestHandler: createSmithyHandler(outbound, TRANSFER_TIMEOUTS),
    },
    systemClock,
  );
  return {
    store,
    remains: async () => {
      const objects = await client.send(new ListObjectsV2Command({ Bucket: 'suite', Prefix: 'tmp/' }));
      const uploads = await client.send(new ListMultipartUploadsCommand({ Bucket: 'suite' }));
      return (objects.Contents ?? []).length + (uploads.Uploads ?? []).length;
    },
    end: async () => await store.close(),
  };
});
