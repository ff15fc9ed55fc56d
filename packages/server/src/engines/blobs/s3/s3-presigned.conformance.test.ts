/** Direct uploads and downloads of clients, without credentials. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { CreateBucketCommand, ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '#lib/clock.ts';
import { uuidv7 } from '#lib/ids.ts';
import { sharedMotoServer, type MotoServer } from '../../../../../../conformance/s3/moto-server.ts';
import type { BlobStore, PresignedUpload, PresignedUploads } from '../contract.ts';
import { expectCode, locators, sha256 } from '../suite.ts';
import { openS3BlobStore } from './s3-blob-store.ts';

const region = 'us-east-1';
const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
const MIB = 2 ** 20;
const SIZE = 11 * MIB + 3;

let server: Pick<MotoServer, 'url'>;
let client: S3Client;
let store: BlobStore & PresignedUploads;
beforeAll(async () => {
  server = await sharedMotoServer();
  client = new S3Client({ region, endpoint: server.url, credentials, forcePathStyle: true });
  await client.send(new CreateBucketCommand({ Bucket: 'direct' }));
  const options = { bucket: 'direct', prefix: 'p', region, endpoint: server.url, credentials, pathStyle: true };
  store = openS3BlobStore(options, systemClock);
});
afterAll(async () => {
  await store.close();
  client.destroy();
});

async function send(method: string, url: string, body?: Buffer): Promise<{ answer: IncomingMessage; body: Buffer }> {
  return await new Promise((resolve, reject) => {
    const sent = request(url, { method, headers: body === undefined ? {} : { 'content-length': body.length } });
    sent.once('error', reject);
    sent.once('response', (answer) => {
      buffer(answer).then((bytes) => resolve({ answer, body: bytes }), reject);
    });
    sent.end(body);
  });
}

async function sendParts(upload: PresignedUpload, bytes: Buffer, partBytes: number): Promise<string[]> {
  const etags: string[] = [];
  for (const [index, url] of upload.urls.entries()) {
    const part = bytes.subarray(index * partBytes, (index + 1) * partBytes);
    const { answer } = await send('PUT', url, part);
    expect(answer.statusCode).toBe(200);
    etags.push(answer.headers.etag!);
  }
  return etags;
}

const unfinished = async () =>
  ((await client.send(new ListMultipartUploadsCommand({ Bucket: 'direct' }))).Uploads ?? []).length;

test('a client uploads directly, and the store computes the digest by reading', async () => {
  const bytes = randomBytes(SIZE);
  const upload = await store.begin(SIZE, 5 * MIB);
  expect(upload.urls).toHaveLength(3);
  const etags = await sendParts(upload, bytes, 5 * MIB);
  expect(await store.stat(upload.locator)).toBeUndefined();
  const blob = await store.complete(JSON.parse(JSON.stringify(upload)) as PresignedUpload, etags);
  expect(blob).toEqual({ locator: upload.locator, size: SIZE });
  expect(await store.complete(upload, etags)).toEqual(blob);
  expect(await store.verify(blob.locator)).toEqual({ ...blob, sha256: sha256(bytes) });
  expect(await store.stat(blob.locator)).toMatchObject(blob);
  expect(await locators(store)).toContain(blob.locator);
  const part = await buffer(await store.get(blob.locator, { start: SIZE - 5, end: SIZE - 1 }));
  expect(part.equals(bytes.subarray(SIZE - 5))).toBe(true);
  await store.abort(upload);
  await store.delete(blob.locator);
  expect(await store.stat(blob.locator)).toBeUndefined();
  await expectCode('content_missing', store.verify(blob.locator));
});

test('an empty blob is one part', async () => {
  const upload = await store.begin(0, 5 * MIB);
  const blob = await store.complete(upload, await sendParts(upload, Buffer.alloc(0), 5 * MIB));
  expect(await store.verify(blob.locator)).toMatchObject({ size: 0, sha256: sha256(Buffer.alloc(0)) });
});

test('an aborted upload leaves nothing', async () => {
  const upload = await store.begin(SIZE, 5 * MIB);
  await sendParts(upload, randomBytes(SIZE), 5 * MIB);
  expect(await unfinished()).toBe(1);
  await store.abort(upload);
  await store.abort(upload);
  expect(await unfinished()).toBe(0);
  const late = await send('PUT', upload.urls[0]!, randomBytes(10));
  expect(late.answer.statusCode).toBeGreaterThanOrEqual(400);
  expect(await unfinished()).toBe(0);
});

test('a removed upload cannot be completed', async () => {
  // The response of S3, scripted: moto returns an internal error here.
  const gone = createServer((requested, answer) => {
    requested.resume();
    answer.writeHead(404, { 'content-type': 'application/xml' });
    answer.end(requested.method === 'HEAD' ? '' : '<Error><Code>NoSuchUpload</Code><Message>gone</Message></Error>');
  });
  gone.listen(0, '127.0.0.1');
  await once(gone, 'listening');
  const endpoint = `http://127.0.0.1:${(gone.address() as AddressInfo).port}`;
  const options = { bucket: 'direct', region, endpoint, credentials, pathStyle: true, attempts: 1 };
  const behind = openS3BlobStore(options, systemClock);
  const upload = { locator: `direct:${uuidv7()}`, uploadId: 'gone', size: 1, urls: ['x'] };
  const error = await expectCode('invalid_request', behind.complete(upload, ['"etag"']));
  expect(error.message).toContain('start a new upload');
  await behind.abort(upload);
  await behind.close();
  gone.closeAllConnections();
  gone.close();
});

test('sweeps an abandoned upload', async () => {
  await store.begin(SIZE, 5 * MIB);
  // This server reports 2010 as the start of every upload, so the clock is set to that time.
  const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket: 'direct' }));
  const started = Uploads![0]!.Initiated!.getTime();
  const options = { bucket: 'direct', prefix: 'p', region, endpoint: server.url, credentials, pathStyle: true };
  const back = openS3BlobStore(options, { ...systemClock, now: () => started + 60_000 });
  expect(await back.sweep(60_001)).toBe(0);
  expect(await back.sweep(59_999)).toBe(1);
  expect(await unfinished()).toBe(0);
  await back.close();
});

test('rejects parts or sizes that differ from the declared ones', async () => {
  const upload = await store.begin(SIZE, 5 * MIB);
  const etags = await sendParts(upload, randomBytes(SIZE), 5 * MIB);
  await expectCode('invalid_request', store.complete(upload, etags.slice(1)));
  await expectCode(
    'invalid_request',
    store.complete(upload, [...etags.slice(1), '"0123456789abcdef0123456789abcdef"']),
  );
  await store.abort(upload);

  const smaller = await store.begin(6 * MIB, 5 * MIB);
  const more = await sendParts(smaller, randomBytes(10 * MIB), 5 * MIB);
  const error = await expectCode('invalid_request', store.complete(smaller, more));
  expect(error.message).toContain(`${10 * MIB} bytes in total, expected ${6 * MIB}`);
  expect(await store.stat(smaller.locator)).toBeUndefined();
});

test('rejects sizes beyond the limits of S3 before any request', async () => {
  await expectCode('invalid_request', store.begin(100, 5 * MIB - 1));
  await expectCode('invalid_request', store.begin(100, 6 * 1024 * MIB));
  await expectCode('invalid_request', store.begin(-1, 5 * MIB));
  await expectCode('too_large', store.begin(10_001 * 5 * MIB, 5 * MIB));
  await expectCode('invalid_request', store.complete({ locator: 'sha256:x', uploadId: 'x', size: 1, urls: [] }, []));
  expect(await unfinished()).toBe(0);
});

test('a download URL returns the bytes as an attachment', async () => {
  const bytes = randomBytes(5000);
  const { locator } = await store.put(Readable.from([bytes]));
  const url = await store.presignGet(locator, 60, 'Übung (1).html');
  const { answer, body } = await send('GET', url);
  expect(body.equals(bytes)).toBe(true);
  expect(answer.headers['content-disposition']).toBe("attachment; filename*=UTF-8''%C3%9Cbung%20%281%29.html");
  expect(answer.headers['content-type']).toBe('application/octet-stream');
  await expectCode('content_missing', store.presignGet('../x', 60));
  await expectCode('invalid_request', store.presignGet(locator, 8 * 24 * 3600));
  await expectCode('invalid_request', store.presignGet(locator, 0));
});

test('signs URLs for a public endpoint', async () => {
  const options = {
    bucket: 'direct',
    region,
    endpoint: server.url,
    credentials,
    publicEndpoint: 'https://blobs.example',
  };
  const behind = openS3BlobStore(options, systemClock);
  expect(await behind.presignGet(`sha256:${'a'.repeat(64)}`, 60)).toMatch(
    /^https:\/\/direct\.blobs\.example\/sha256\/a{64}\?/,
  );
  await behind.close();
});
