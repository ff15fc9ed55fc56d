import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '#lib/clock.ts';
import { azureTokens } from '#lib/cloud/azure-tokens.ts';
import { makeCertificates } from '#lib/crypto/certificates.testing.ts';
import { TestNet } from '#lib/outbound/outbound.testing.ts';
import type { Outbound } from '#lib/outbound/outbound.ts';
import { startAzurite, type Azurite } from '../../../../../../conformance/azure/azurite.ts';
import { testOutbound } from '#testing/dais-outbound.ts';
import { expectUnseen, namedObjectsSuite } from '../named-objects.testing.ts';
import { expectCode, locators, blobStoreSuite, sha256 } from '../suite.ts';
import { AzureAccess, type AzureBlobStoreOptions } from './azure-access.ts';
import { openAzureBlobStore } from './azure-blob-store.ts';
import { listBlobs } from './azure-list.ts';
import { openAzureNamedObjects } from './azure-named-objects.ts';
import { signSas } from './azure-signature.ts';

const MIB = 2 ** 20;

let server: Azurite;
let outbound: Outbound;
beforeAll(async () => {
  server = await startAzurite();
  outbound = testOutbound();
});
afterAll(async () => {
  await outbound.close();
  await server.stop();
});

function optionsOf(container: string, more: Partial<AzureBlobStoreOptions> = {}): AzureBlobStoreOptions {
  const { account, accountKey, url } = server;
  const credentials = { accountKey };
  const blockBytes = 5 * MIB;
  return { account, container, endpoint: url, credentials, outbound, clock: systemClock, blockBytes, ...more };
}

async function makeContainer(container: string): Promise<AzureAccess> {
  const access = new AzureAccess(optionsOf(container));
  const url = access.containerUrl({ restype: 'container' });
  await access.http.send({ method: 'PUT', url, doing: 'creating a container' });
  return access;
}

blobStoreSuite('azure', async () => {
  const access = await makeContainer('suite');
  const store = openAzureBlobStore(optionsOf('suite'));
  return {
    store,
    remains: async () => {
      let count = 0;
      for await (const _one of listBlobs(access, 'tmp/', { uncommitted: true })) count += 1;
      return count;
    },
    end: async () => await store.close(),
  };
});

namedObjectsSuite('azure', async () => {
  await makeContainer('named');
  const objects = openAzureNamedObjects(optionsOf('named', { prefix: 'a b' }), 'tasks');
  return { objects, end: async () => await objects.close() };
});

test('neither a store of content nor another family sees named objects', async () => {
  await makeContainer('families');
  const objects = openAzureNamedObjects(optionsOf('families'), 'tasks');
  await objects.put('a/b', Buffer.from('x'));
  await expectUnseen(openAzureBlobStore(optionsOf('families')), objects, 'a/b');
  const archive = openAzureNamedObjects(optionsOf('families'), 'archive');
  for await (const { name } of archive.list('')) throw new Error(`listed: ${name}`);
  const missing = openAzureNamedObjects(optionsOf('nowhere'), 'tasks');
  const error = await expectCode('blobs_unavailable', missing.get('a/b'));
  expect(error.message).toContain('create it or correct blobs.container');
});

test('a download URL returns the bytes as an attachment, until it is changed', async () => {
  await makeContainer('links');
  const store = openAzureBlobStore(optionsOf('links', { prefix: 'a b+c' }));
  const bytes = randomBytes(5000);
  const { locator } = await store.put(Readable.from([bytes]));
  const url = await store.presignGet!(locator, 60, 'Übung (1).html');
  const answer = await outbound.send({ url, trusted: true });
  expect(answer.status).toBe(200);
  expect(answer.body.equals(bytes)).toBe(true);
  expect(answer.headers['content-disposition']).toBe("attachment; filename*=UTF-8''%C3%9Cbung%20%281%29.html");
  expect(answer.headers['content-type']).toBe('application/octet-stream');
  expect(url).not.toContain(encodeURIComponent(server.accountKey));
  const later = await outbound.send({ url: url.replace(/se=[^&]*/, 'se=2099-01-01T00%3A00%3A00Z'), trusted: true });
  expect(later.status).toBe(403);
  await expectCode('content_missing', store.presignGet!('../x', 60));
  await expectCode('invalid_request', store.presignGet!(locator, 8 * 24 * 3600));
});

test('sweeps the blocks of an upload that was never completed', async () => {
  const access = await makeContainer('blocks');
  const store = openAzureBlobStore(optionsOf('blocks'));
  const url = access.blobUrl('tmp/019adb5c-7b00-7000-8000-000000000000', { comp: 'block', blockid: 'MDAwMDAwMDAw' });
  await access.http.send({ method: 'PUT', url, body: Buffer.from('part'), doing: 'writing a block' });
  expect(await locators(store)).toEqual([]);
  expect(await store.sweep(24 * 3_600_000)).toBe(0);
  expect(await store.sweep(-2000)).toBe(1);
  expect(await store.sweep(-2000)).toBe(0);
});

test('lists from any position with few prefixes', async () => {
  const access = await makeContainer('listed');
  const store = openAzureBlobStore(optionsOf('listed', { prefix: 'p' }));
  const want = Array.from({ length: 60 }, (_, n) => `sha256:${sha256(Buffer.from(String(n)))}`).sort();
  for (const locator of want) {
    const url = access.blobUrl(`p/${locator.replace(':', '/')}`);
    await access.http.send({
      method: 'PUT',
      url,
      headers: { 'x-ms-blob-type': 'BlockBlob' },
      body: Buffer.from('x'),
      doing: '',
    });
  }
  const foreign = access.blobUrl('p/sha256/read <me> & "you".txt');
  await access.http.send({
    method: 'PUT',
    url: foreign,
    headers: { 'x-ms-blob-type': 'BlockBlob' },
    body: Buffer.from('x'),
    doing: '',
  });
  expect(await locators(store)).toEqual(want);
  for (const at of [0, 1, 17, 58, 59]) expect(await locators(store, want[at])).toEqual(want.slice(at + 1));
});

test('signs in with a SAS token of the container, which cannot sign links', async () => {
  await makeContainer('shared');
  const granted = { container: 'shared', permissions: 'racwdl', expiresAt: Date.now() + 3_600_000, insecure: true };
  const sasToken = `?${signSas(server, granted).toString()}`;
  const store = openAzureBlobStore(optionsOf('shared', { credentials: { sasToken } }));
  const bytes = randomBytes(11 * MIB);
  const { locator } = await store.put(Readable.from([bytes]));
  expect(await store.stat(locator)).toMatchObject({ size: bytes.length });
  await store.check();
  expect(store.presignGet).toBeUndefined();
});

test('signs in with a managed identity, over HTTPS with a private certificate authority', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dais-azurite-'));
  const net = new TestNet();
  const { ca, cert, key } = await makeCertificates();
  const tls = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
  await writeFile(tls.cert, cert);
  await writeFile(tls.key, key);
  const secured = await startAzurite({ tls });
  const trusting = testOutbound({ extraCa: ca });
  try {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const iat = Math.floor(Date.now() / 1000) - 60;
    const claims = {
      aud: 'https://storage.azure.com',
      iss: 'https://sts.windows.net/tenant/',
      iat,
      nbf: iat,
      exp: iat + 3600,
    };
    const access_token = `${part({ alg: 'RS256', typ: 'JWT' })}.${part(claims)}.${part({})}`;
    const identity = await net.serve((request, response) => {
      const isRight = request.headers['x-identity-header'] === 'header' && request.url?.includes('client_id=mine');
      response.writeHead(isRight === true ? 200 : 400);
      response.end(JSON.stringify({ access_token, expires_in: 3600 }));
    });
    const environment = { IDENTITY_ENDPOINT: `${identity}/token`, IDENTITY_HEADER: 'header' };
    const now = () => Date.now();
    const resource = 'https://storage.azure.com';
    const tokens = azureTokens({ outbound: trusting, now, environment, resource, clientId: 'mine' });
    const options = optionsOf('identity', { outbound: trusting, endpoint: secured.url, credentials: { tokens } });
    const access = new AzureAccess(options);
    await access.http.send({ method: 'PUT', url: access.containerUrl({ restype: 'container' }), doing: 'creating' });
    const store = openAzureBlobStore(options);
    const { locator } = await store.put(Readable.from([randomBytes(11 * MIB)]));
    expect(await locators(store)).toEqual([locator]);
    expect(store.presignGet).toBeUndefined();
    const untrusting = openAzureBlobStore({ ...options, outbound, attempts: 1 });
    const error = await expectCode('blobs_unavailable', untrusting.check());
    expect(error.message).toContain('add its certificate authority to outbound.extraCa');
  } finally {
    await trusting.close();
    await secured.stop();
    await net.end();
    await rm(folder, { recursive: true });
  }
});

test('names a missing container, a wrong key and a wrong clock, with what to change', async () => {
  const missing = openAzureBlobStore(optionsOf('nowhere'));
  for (const use of [
    async () => await missing.check(),
    async () => await missing.get(`sha256:${'a'.repeat(64)}`),
    async () => await missing.stat(`sha256:${'a'.repeat(64)}`),
    async () => await missing.delete(`sha256:${'a'.repeat(64)}`),
    async () => await locators(missing),
  ]) {
    expect((await expectCode('blobs_unavailable', use())).message).toContain('create it or correct blobs.container');
  }
  await makeContainer('known');
  const accountKey = Buffer.from('another key').toString('base64');
  const wrong = openAzureBlobStore(optionsOf('known', { credentials: { accountKey } }));
  const refused = await expectCode('blobs_unavailable', wrong.check());
  expect(refused.message).toContain('(AuthorizationFailure): check the credentials');
  expect(refused.message).not.toContain(accountKey);
  const slow = { ...systemClock, now: () => Date.now() - 3_600_000 };
  const late = openAzureBlobStore(optionsOf('known', { clock: slow, credentials: { accountKey } }));
  expect((await expectCode('blobs_unavailable', late.check())).message).toMatch(/60 minutes behind .* \(NTP\)/);
});
