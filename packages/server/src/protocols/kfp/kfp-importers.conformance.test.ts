/** Artifacts in a bucket that an importer references, fetched for the component that reads them. */
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sharedMotoServer, type MotoServer } from '../../../../../conformance/s3/moto-server.ts';
import { importingPipeline } from './testing/importing-pipeline.ts';
import { startKfpWorld, type KfpWorld } from './testing/kfp-fixture.ts';

const region = 'eu-central-1';
const BUCKET = 'shared';

let moto: Pick<MotoServer, 'url'>;
let world: KfpWorld;
beforeAll(async () => {
  moto = await sharedMotoServer();
  world = await startKfpWorld();
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const client = new S3Client({ region, endpoint: moto.url, credentials, forcePathStyle: true });
  const location = { CreateBucketConfiguration: { LocationConstraint: region } } as const;
  await client.send(new CreateBucketCommand({ Bucket: BUCKET, ...location }));
  for (const [Key, Body] of Object.entries({
    'rows.csv': 'id\n7\n',
    'rows.csv.bak': 'older',
    'many/a.csv': 'a\n',
    'many/deep/b.csv': 'b\n',
    'many/empty/': '',
  }))
    await client.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body }));
  client.destroy();
}, 600_000);
afterAll(async () => {
  await world?.stop();
});

async function run(address: string, script: string, variables: Readonly<Record<string, string>> = {}) {
  const signed = {
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_REGION: region,
    AWS_ENDPOINT_URL_S3: moto.url,
  };
  const spec = importingPipeline(address, { script, variables: { ...signed, ...variables } });
  const { json } = await world.post('/runs', { display_name: 'brings', pipeline_spec: spec });
  const ended = async () => {
    const { state } = (await world.get(`/runs/${json.run_id}`)).json;
    return state === 'SUCCEEDED' || state === 'FAILED' ? (state as string) : undefined;
  };
  await expect.poll(ended, { timeout: 120_000, interval: 100 }).toBeDefined();
  const { state, error } = (await world.get(`/runs/${json.run_id}`)).json;
  const artifact = await world.get(`/runs/${json.run_id}/nodes/say/artifacts/data:read`);
  const text = artifact.status === 200 ? Buffer.from(artifact.json.data, 'base64').toString('utf8') : undefined;
  return { state: state as string, text, message: error?.message as string | undefined };
}

test('an object is imported as a file, and a prefix as a folder', { timeout: 300_000 }, async () => {
  expect(await run(`s3://${BUCKET}/rows.csv`, 'cat "$1" > "$2"')).toMatchObject({
    state: 'SUCCEEDED',
    text: 'id\n7\n',
  });
  const listed = '(cd "$1" && find . -type f | sort | xargs cat) > "$2"';
  for (const address of [`s3://${BUCKET}/many`, `s3://${BUCKET}/many/`])
    expect(await run(address, listed)).toMatchObject({ state: 'SUCCEEDED', text: 'a\nb\n' });
});

test.each<[string, string, Readonly<Record<string, string>>, string]>([
  ['a missing object', `s3://${BUCKET}/none.csv`, {}, 'does not contain none.csv'],
  ['a missing bucket', 's3://nowhere/none.csv', {}, 'cannot be fetched'],
  ['no object', `s3://${BUCKET}`, {}, 's3://BUCKET/KEY'],
  // A private address that is not permitted.
  ['a private address', `s3://${BUCKET}/rows.csv`, { AWS_ENDPOINT_URL_S3: 'http://127.0.0.2:9' }, 'cannot be fetched'],
])('%s: the step fails with that reason', { timeout: 300_000 }, async (_, address, variables, words) => {
  const { state, message } = await run(address, 'cat "$1" > "$2"', variables);
  expect({ state, message }).toEqual({ state: 'FAILED', message: expect.stringContaining(words) });
});
