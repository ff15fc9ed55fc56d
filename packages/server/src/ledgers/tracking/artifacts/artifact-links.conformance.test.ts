/** Artifacts in S3: clients read them from the store itself, by an address that holds for a while. */
import { randomBytes } from 'node:crypto';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openS3BlobStore } from '#engines/blobs/s3/s3-blob-store.ts';
import type { BlobStore, PresignedUploads } from '#engines/blobs/contract.ts';
import { startHttpFixture, type HttpFixture } from '#http/testing/http-fixture.ts';
import { Content, CONTENT_DEFAULTS } from '#kernel/content/content.ts';
import { commentsSlice } from '#ledgers/comments/index.ts';
import { lineageSlice } from '#ledgers/lineage/index.ts';
import { systemClock } from '#lib/clock.ts';
import { sharedMotoServer, type MotoServer } from '../../../../../../conformance/s3/moto-server.ts';
import { trackingSlice } from '../tracking-slice.ts';
import { artifactEntries } from './artifact-entries.ts';

const region = 'us-east-1';
const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };

let moto: Pick<MotoServer, 'url'>;
let store: BlobStore & PresignedUploads;
let http: HttpFixture;
beforeAll(async () => {
  moto = await sharedMotoServer();
  const client = new S3Client({ region, endpoint: moto.url, credentials, forcePathStyle: true });
  await client.send(new CreateBucketCommand({ Bucket: 'artifacts' }));
  client.destroy();
  const options = { bucket: 'artifacts', prefix: 'p', region, endpoint: moto.url, credentials, pathStyle: true };
  store = openS3BlobStore(options, systemClock);
  http = await startHttpFixture({
    slices: [commentsSlice, lineageSlice, trackingSlice],
    entries: ({ database }) =>
      artifactEntries({
        database,
        blobs: store,
        clock: systemClock,
        random: randomBytes,
        content: new Content({ database, blobs: store, clock: systemClock, ...CONTENT_DEFAULTS }),
      }),
  });
});
afterAll(async () => {
  await http?.stop();
  await store?.close();
});

const tree = () => `${http.url}/api/v1/tracking/artifacts`;
const ask = async (path: string, more = '') => await fetch(`${tree()}/link?path=${encodeURIComponent(path)}${more}`);

test('the URL returns the bytes, completely and in ranges, without a Dais credential', async () => {
  const bytes = randomBytes(3_000_000);
  const path = '1/run/artifacts/ä b.bin';
  const put = await fetch(`${tree()}/content?path=${encodeURIComponent(path)}`, { method: 'PUT', body: bytes });
  expect(put.status).toBe(200);
  const answer = await ask(path, '&seconds=60');
  const link = (await answer.json()) as { url: string; size: number; sha256: string };
  expect(link).toMatchObject({ headers: {}, size: bytes.length, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
  expect(link.url.startsWith(moto.url)).toBe(true);
  expect(Buffer.from(await (await fetch(link.url)).arrayBuffer()).equals(bytes)).toBe(true);
  const part = await fetch(link.url, { headers: { range: 'bytes=1000000-1999999' } });
  expect(part.status).toBe(206);
  expect(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(1_000_000, 2_000_000))).toBe(true);
});

test('missing artifacts, unsafe paths and unlimited durations get no URL', async () => {
  expect((await ask('not/there')).status).toBe(404);
  expect((await ask('../up')).status).toBe(422);
  expect((await ask('a', '&seconds=0')).status).toBe(400);
  expect((await ask('a', '&seconds=604801')).status).toBe(400);
});

test('a multipart upload is stored as one object, and is linked like any other', async () => {
  const parts = [randomBytes(6_000_000), randomBytes(3), randomBytes(11_000_000)];
  const path = '1/run/artifacts/parts.bin';
  const post = async (url: string, body: object) => {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return (await answer.json()) as Record<string, string>;
  };
  const uploads = `${http.url}/api/v1/tracking/artifact-uploads`;
  const { id, ticket, url } = await post(uploads, { path, parts: parts.length });
  const result = await Promise.all(
    parts.map(async (body, index) => {
      const headers = { 'dais-ticket': ticket ?? '' };
      const answer = await fetch(`${http.url}${url}/${index + 1}`, { method: 'PUT', headers, body });
      return { number: index + 1, etag: answer.headers.get('etag') ?? '' };
    }),
  );
  const whole = Buffer.concat(parts);
  expect(await post(`${uploads}/${id}/complete`, { parts: result })).toMatchObject({ path, size: whole.length });
  const link = (await (await ask(path)).json()) as { url: string };
  expect(Buffer.from(await (await fetch(link.url)).arrayBuffer()).equals(whole)).toBe(true);
});
