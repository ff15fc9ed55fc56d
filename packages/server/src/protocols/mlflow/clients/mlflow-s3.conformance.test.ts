/** MLflow's own client, unmodified, with content in S3: parts go through Dais, ranges come from the bucket itself. */
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sharedMotoServer, type MotoServer } from '../../../../../../conformance/s3/moto-server.ts';
import { environmentOf, NEWEST } from '#protocols/mlflow/testing/client-scenarios.ts';
import { failed, startPythonPeer, type PythonPeer } from '#protocols/mlflow/testing/python-peer.ts';

/** In ms. Some seconds on an idle machine; the first run also builds the environments. */
const PATIENCE = 600_000;

let moto: Pick<MotoServer, 'url'>;
let peer: PythonPeer;
beforeAll(async () => {
  moto = await sharedMotoServer();
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const client = new S3Client({ region: 'us-east-1', endpoint: moto.url, credentials, forcePathStyle: true });
  await client.send(new CreateBucketCommand({ Bucket: 'content' }));
  client.destroy();
  peer = await startPythonPeer({
    'blobs.type': 's3',
    'blobs.bucket': 'content',
    'blobs.endpoint': moto.url,
    'blobs.pathStyle': true,
    'blobs.accessKeyId': credentials.accessKeyId,
    'blobs.secretAccessKey': credentials.secretAccessKey,
  });
});
afterAll(async () => {
  await peer?.stop();
});

test('files go up in parts and come down by links', { timeout: PATIENCE + 60_000 }, async () => {
  const names = ['artifacts', 'artifact_in_parts', 'artifact_in_parts_given_up', 'artifact_by_link', 'files_by_server'];
  const result = await peer.scenarios(environmentOf(NEWEST), names, {
    variables: { MLFLOW_TRACKING_URI: peer.dais.url, MLFLOW_TRACKING_TOKEN: peer.token },
    timeoutMs: PATIENCE,
  });
  expect(failed(result)).toEqual([]);
  expect(result).toHaveLength(names.length);
});
