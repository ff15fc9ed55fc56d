import { createHash, createVerify, generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '#lib/clock.ts';
import { googleCredentials } from '#lib/cloud/google-credentials.ts';
import type { Outbound } from '#lib/outbound/outbound.ts';
import { startFakeGcs, type FakeGcs } from '../../../../../../conformance/gcs/fake-gcs-server.ts';
import { testOutbound } from '#testing/dais-outbound.ts';
import { expectUnseen, namedObjectsSuite } from '../named-objects.testing.ts';
import { blobStoreSuite, expectCode, locators, sha256 } from '../suite.ts';
import { GcsAccess, type GcsBlobStoreOptions } from './gcs-access.ts';
import { openGcsBlobStore } from './gcs-blob-store.ts';
import { openGcsNamedObjects } from './gcs-named-objects.ts';

const MIB = 2 ** 20;

describe('with fake-gcs-server', () => {
  let server: FakeGcs;
  let outbound: Outbound;
  beforeAll(async () => {
    server = await startFakeGcs();
    outbound = testOutbound();
  }, 900_000);
  afterAll(async () => {
    await outbound.close();
    await server.stop();
  });

  function optionsOf(bucket: string, more: Partial<GcsBlobStoreOptions> = {}): GcsBlobStoreOptions {
    return { bucket, endpoint: server.url, outbound, clock: systemClock, partBytes: 5 * MIB, ...more };
  }

  async function makeBucket(bucket: string): Promise<GcsAccess> {
    const access = new GcsAccess(optionsOf(bucket));
    const body = Buffer.from(JSON.stringify({ name: bucket }));
    const headers = { 'content-type': 'application/json' };
    await access.http.send({ method: 'POST', url: access.url('/storage/v1/b', {}), headers, body, doing: 'creating' });
    return access;
  }

  blobStoreSuite('gcs', async () => {
    const access = await makeBucket('suite');
    const store = openGcsBlobStore(optionsOf('suite'));
    return {
      store,
      remains: async () => {
        const url = access.objectsUrl({ prefix: 'tmp/' });
        const { body } = await access.http.send({ method: 'GET', url, doing: 'listing' });
        return ((JSON.parse(body.toString()) as { items?: unknown[] }).items ?? []).length;
      },
      end: async () => await store.close(),
    };
  });

  namedObjectsSuite('gcs', async () => {
    await makeBucket('named');
    const objects = openGcsNamedObjects(optionsOf('named', { prefix: 'a b' }), 'tasks');
    return { objects, end: async () => await objects.close() };
  });

  test('neither a store of content nor another family sees named objects', async () => {
    await makeBucket('families');
    const objects = openGcsNamedObjects(optionsOf('families'), 'tasks');
    await objects.put('a/b', Buffer.from('x'));
    await expectUnseen(openGcsBlobStore(optionsOf('families')), objects, 'a/b');
    const archive = openGcsNamedObjects(optionsOf('families'), 'archive');
    for await (const { name } of archive.list('')) throw new Error(`listed: ${name}`);
    const missing = openGcsNamedObjects(optionsOf('nowhere'), 'tasks');
    const error = await expectCode('blobs_unavailable', missing.put('a/b', Buffer.from('x')));
    expect(error.message).toContain('bucket nowhere of Google Cloud Storage');
  });

  test('lists more than one page, and only its own objects', async () => {
    const access = await makeBucket('pages');
    const store = openGcsBlobStore(optionsOf('pages', { prefix: 'p q' }));
    const want = Array.from({ length: 60 }, (_, n) => `sha256:${sha256(Buffer.from(String(n)))}`).sort();
    const put = async (name: string) => {
      const url = access.uploadUrl({ uploadType: 'media', name });
      await access.http.send({ method: 'POST', url, body: Buffer.from('x'), doing: 'writing' });
    };
    for (const locator of want) await put(`p q/${locator.replace(':', '/')}`);
    await put('p q/sha256/read "me".txt');
    await put('p q/tmp/other');
    expect(await locators(store)).toEqual(want);
    for (const at of [0, 17, 59]) expect(await locators(store, want[at])).toEqual(want.slice(at + 1));
    expect(await store.sweep(-5000)).toBe(0);
  });

  test('names a missing bucket with a remedy', async () => {
    const store = openGcsBlobStore(optionsOf('nowhere'));
    const error = await expectCode('blobs_unavailable', store.check());
    expect(error.message).toContain('bucket nowhere of Google Cloud Storage');
  });

  test('a signed URL of a service account returns the bytes', async () => {
    await makeBucket('links');
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const folder = await mkdtemp(join(tmpdir(), 'dais-gcs-'));
    try {
      const file = join(folder, 'key.json');
      const client_email = 'dais@project.iam.gserviceaccount.com';
      const private_key = privateKey.export({ type: 'pkcs8', format: 'pem' });
      await writeFile(file, JSON.stringify({ type: 'service_account', client_email, private_key }));
      const now = () => Date.now();
      const { signer } = await googleCredentials({ outbound, now, environment: {}, file, scope: 's' });
      const tokens = { get: async () => 'token', forget: () => {} } as never;
      const store = openGcsBlobStore(optionsOf('links', { credentials: { tokens, signer: signer! } }));
      const bytes = randomBytes(5000);
      const { locator } = await store.put(Readable.from([bytes]));
      expect((await buffer(await store.get(locator))).equals(bytes)).toBe(true);
      const url = await store.presignGet!(locator, 60, 'Übung.html');
      const answer = await outbound.send({ url, trusted: true });
      expect(answer.body.equals(bytes)).toBe(true);

      // What Google computes from the URL (V4 signing process).
      const { searchParams, pathname, host, search } = new URL(url);
      expect(searchParams.get('response-content-disposition')).toBe("attachment; filename*=UTF-8''%C3%9Cbung.html");
      const query = search.slice(1).replace(/&X-Goog-Signature=.*/, '');
      const canonical = `GET\n${pathname}\n${query}\nhost:${host}\n\nhost\nUNSIGNED-PAYLOAD`;
      const scope = searchParams.get('X-Goog-Credential')!.replace(`${client_email}/`, '');
      const digest = createHash('sha256').update(canonical).digest('hex');
      const text = `GOOG4-RSA-SHA256\n${searchParams.get('X-Goog-Date')}\n${scope}\n${digest}`;
      const signature = Buffer.from(searchParams.get('X-Goog-Signature')!, 'hex');
      expect(createVerify('RSA-SHA256').update(text).verify(publicKey, signature)).toBe(true);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
