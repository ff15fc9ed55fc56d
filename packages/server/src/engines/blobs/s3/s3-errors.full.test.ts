/** Faults of networks, servers and operators in the S3 store. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { inspect } from 'node:util';
import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '#lib/clock.ts';
import { startMotoServer, type MotoServer } from '../../../../../../conformance/s3/moto-server.ts';
import type { S3BlobStoreOptions } from './s3-access.ts';
import { expectCode, locators, sha256 } from '../suite.ts';
import { openS3BlobStore } from './s3-blob-store.ts';

const region = 'eu-central-1';
const credentials = {
  accessKeyId: 'AKIDNEVERSHOWN',
  secretAccessKey: 'SECRETNEVERSHOWN',
  sessionToken: 'TOKENNEVERSHOWN',
};
const MIB = 2 ** 20;

let server: MotoServer;
let client: S3Client;
beforeAll(async () => {
  server = await startMotoServer();
  client = new S3Client({ region, endpoint: server.url, credentials, forcePathStyle: true });
});
afterAll(async () => {
  client.destroy();
  await server.stop();
});

async function makeBucket(bucket: string, by = client): Promise<void> {
  const location = { CreateBucketConfiguration: { LocationConstraint: region } } as const;
  await by.send(new CreateBucketCommand({ Bucket: bucket, ...location }));
}

function open(bucket: string, more: Partial<S3BlobStoreOptions> = {}) {
  const options = { bucket, region, endpoint: server.url, credentials, pathStyle: true, partBytes: 5 * MIB, ...more };
  return openS3BlobStore(options, systemClock);
}

/** A TCP proxy in front of the server; if `cut` returns true, it resets a connection instead of forwarding a response. */
async function startProxy(cut: (answeredBytes: number, request: string) => boolean) {
  const sockets = new Set<Socket>();
  const requests: string[] = [];
  const proxy: Server = createServer((socket) => {
    const upstream = connect(Number(new URL(server.url).port), '127.0.0.1');
    let bytes = 0;
    for (const end of [socket, upstream]) {
      sockets.add(end);
      end
        .on('error', () => {})
        .on('close', () => {
          sockets.delete(end);
          socket.destroy();
          upstream.destroy();
        });
    }
    socket.on('data', (chunk: Buffer) => {
      requests.push(chunk.toString('latin1'));
      upstream.write(chunk);
    });
    upstream.on('data', (chunk: Buffer) => {
      if (socket.destroyed) return;
      bytes += chunk.length;
      if (cut(bytes, requests.at(-1) ?? '')) socket.resetAndDestroy();
      else socket.write(chunk);
    });
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  return {
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    requests,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      proxy.close();
      await once(proxy, 'close');
    },
  };
}

test('reports a server that dies during a put as blobs_unavailable, and recovers when it returns', async () => {
  let mortal = await startMotoServer();
  const port = Number(new URL(mortal.url).port);
  const own = new S3Client({ region, endpoint: mortal.url, credentials, forcePathStyle: true });
  await makeBucket('mortal', own);
  const store = open('mortal', { endpoint: mortal.url, attempts: 2 });
  try {
    const source = new PassThrough();
    const putting = expectCode('blobs_unavailable', store.put(source));
    source.write(randomBytes(6 * MIB));
    await expect
      .poll(async () => (await own.send(new ListMultipartUploadsCommand({ Bucket: 'mortal' }))).Uploads?.length)
      .toBe(1);
    await mortal.stop();
    source.end(randomBytes(6 * MIB));
    await putting;
    expect(source.destroyed).toBe(true);
    const small = await expectCode('blobs_unavailable', store.put(Readable.from(['small'])));
    expect(small.message).toContain('ECONNREFUSED');
    await expectCode('blobs_unavailable', store.check());
    await expectCode('blobs_unavailable', store.get(`sha256:${'a'.repeat(64)}`));
    await expectCode('blobs_unavailable', store.stat(`sha256:${'a'.repeat(64)}`));
    await expectCode('blobs_unavailable', store.delete(`sha256:${'a'.repeat(64)}`));
    await expectCode('blobs_unavailable', locators(store));
    await expectCode('blobs_unavailable', store.sweep(0));

    mortal = await startMotoServer(port);
    await makeBucket('mortal', own);
    const { locator } = await store.put(Readable.from(['again']));
    expect((await buffer(await store.get(locator))).toString()).toBe('again');
  } finally {
    await store.close();
    own.destroy();
    await mortal.stop();
  }
});

test('reports the failure of a source even when the upload can no longer be aborted', async () => {
  const mortal = await startMotoServer();
  const own = new S3Client({ region, endpoint: mortal.url, credentials, forcePathStyle: true });
  await makeBucket('mortal', own);
  const store = open('mortal', { endpoint: mortal.url, attempts: 1 });
  const source = new PassThrough();
  const failure = new Error('the source failed');
  const putting = store.put(source).catch((error: unknown) => error);
  source.write(randomBytes(6 * MIB));
  await expect
    .poll(async () => (await own.send(new ListMultipartUploadsCommand({ Bucket: 'mortal' }))).Uploads?.length)
    .toBe(1);
  await mortal.stop();
  source.destroy(failure);
  expect(await putting).toBe(failure);
  await store.close();
  own.destroy();
});

test('times out for a server that never responds', async () => {
  const sockets = new Set<Socket>();
  const silent = createServer((socket) => void sockets.add(socket.on('error', () => {})));
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const endpoint = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  const store = open('silent', { endpoint, attempts: 2, silenceTimeoutMs: 150 });
  const error = await expectCode('blobs_unavailable', store.put(Readable.from(['x'])));
  expect(error.message).toContain('TimeoutError');
  expect(sockets.size).toBe(2);
  await store.close();
  for (const socket of sockets) socket.destroy();
  silent.close();
});

test('resumes an interrupted download', async () => {
  await makeBucket('broken');
  const bytes = randomBytes(12 * MIB);
  const direct = open('broken');
  const { locator } = await direct.put(Readable.from([bytes]));
  let cuts = 0;
  const proxy = await startProxy((sent) => {
    if (sent < 3 * MIB || cuts === 2) return false;
    cuts += 1;
    return true;
  });
  const store = open('broken', { endpoint: proxy.url });
  expect((await buffer(await store.get(locator))).equals(bytes)).toBe(true);
  expect(cuts).toBe(2);
  const part = await buffer(await store.get(locator, { start: 1000, end: 11 * MIB }));
  expect(part.equals(bytes.subarray(1000, 11 * MIB + 1))).toBe(true);
  await store.close();
  await direct.close();
  await proxy.stop();
});

test('reports a repeatedly interrupted download as an error, never as a short blob', async () => {
  await makeBucket('hopeless');
  const direct = open('hopeless');
  const { locator } = await direct.put(Readable.from([randomBytes(12 * MIB)]));
  let cuts = 0;
  const proxy = await startProxy((sent, request) => {
    // The first response is cut within its body, all later ones before their first byte.
    if (!request.startsWith('GET') || (cuts === 0 && sent < 3 * MIB)) return false;
    cuts += 1;
    return true;
  });
  const store = open('hopeless', { endpoint: proxy.url, attempts: 2 });
  await expectCode('blobs_unavailable', buffer(await store.get(locator)));
  expect(cuts).toBe(3);
  await store.close();
  await direct.close();
  await proxy.stop();
});

test('signs every body, so that changed bytes are rejected', async () => {
  await makeBucket('signed');
  const proxy = await startProxy(() => false);
  const store = open('signed', { endpoint: proxy.url });
  const bytes = randomBytes(1000);
  await store.put(Readable.from([bytes]));
  await store.put(Readable.from([randomBytes(11 * MIB)]));
  const heads = proxy.requests
    .join('')
    .split('\r\n')
    .filter((line) => line.startsWith('x-amz-content-sha256: '));
  expect(heads).toContain(`x-amz-content-sha256: ${sha256(bytes)}`);
  expect(heads.filter((line) => !/: [0-9a-f]{64}$/.test(line))).toEqual([]);
  await store.close();
  await proxy.stop();
});

test('names a missing bucket with a remedy', async () => {
  const store = open('nowhere', { attempts: 1 });
  for (const use of [async () => await store.check(), async () => await store.put(Readable.from(['x']))]) {
    expect((await expectCode('blobs_unavailable', use())).message).toContain('bucket nowhere');
  }
  await expectCode('blobs_unavailable', store.get(`sha256:${'a'.repeat(64)}`));
  await store.close();
});

test.each([
  [403, 'SignatureDoesNotMatch', 'blobs_unavailable', 'rejected the credentials'],
  [403, 'AccessDenied', 'blobs_unavailable', 'do not allow'],
  [503, 'SlowDown', 'blobs_unavailable', 'responded with 503 SlowDown'],
  [507, 'XMinioStorageFull', 'storage_full', 'is full'],
  [301, 'PermanentRedirect', 'blobs_unavailable', 'another region'],
] as const)('maps the response %i %s to %s without secrets', async (status, name, code, words) => {
  const secrets = `<AWSAccessKeyId>${credentials.accessKeyId}</AWSAccessKeyId><StringToSign>${credentials.sessionToken}</StringToSign>`;
  const refusing = createHttpServer((request, response) => {
    request.resume();
    response.writeHead(status, { 'content-type': 'application/xml' });
    response.end(request.method === 'HEAD' ? '' : `<Error><Code>${name}</Code><Message>no</Message>${secrets}</Error>`);
  });
  refusing.listen(0, '127.0.0.1');
  await once(refusing, 'listening');
  const endpoint = `http://127.0.0.1:${(refusing.address() as AddressInfo).port}`;
  const store = open('refusing', { endpoint, attempts: 1 });
  const error = await expectCode(code, store.check());
  expect(error.message).toContain(words);
  for (const secret of Object.values(credentials)) {
    expect(inspect(error, { depth: 20, showHidden: true })).not.toContain(secret);
  }
  await store.close();
  refusing.closeAllConnections();
  refusing.close();
});

test('stores and other programs share a bucket without interference', async () => {
  await makeBucket('shared');
  const [a, b, all] = [open('shared', { prefix: 'a' }), open('shared', { prefix: 'a/b/' }), open('shared')];
  const put = await a.put(Readable.from(['of a']));
  await client.send(new PutObjectCommand({ Bucket: 'shared', Key: 'a/sha256/readme.txt', Body: 'not a blob' }));
  await client.send(new PutObjectCommand({ Bucket: 'shared', Key: 'a/tmp/readme.txt', Body: 'not a blob' }));
  await client.send(new CreateMultipartUploadCommand({ Bucket: 'shared', Key: 'backup.tar' }));
  expect(await locators(a)).toEqual([put.locator]);
  expect(await locators(b)).toEqual([]);
  expect(await locators(all)).toEqual([]);
  expect(await b.stat(put.locator)).toBeUndefined();
  for (const store of [a, b, all]) expect(await store.sweep(-5000)).toBe(0);
  expect((await client.send(new ListMultipartUploadsCommand({ Bucket: 'shared' }))).Uploads).toHaveLength(1);
  for (const store of [a, b, all]) await store.close();
});

test('lists more than one page', async () => {
  await makeBucket('pages');
  const store = open('pages');
  const want = Array.from({ length: 1003 }, (_, n) => `sha256:${sha256(Buffer.from(String(n)))}`).sort();
  const queue = [...want];
  const putAll = async (): Promise<void> => {
    for (let locator = queue.pop(); locator !== undefined; locator = queue.pop()) {
      await client.send(new PutObjectCommand({ Bucket: 'pages', Key: locator.replace(':', '/'), Body: 'x' }));
    }
  };
  await Promise.all(Array.from({ length: 16 }, putAll));
  expect(await locators(store)).toEqual(want);
  expect(await locators(store, want[500])).toEqual(want.slice(501));
  await store.close();
});
