import { CreateAliasCommand, CreateKeyCommand, EncryptCommand, KMSClient } from '@aws-sdk/client-kms';
import { DaisError } from '@dais/api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sharedMotoServer, startMotoServer, type MotoServer } from '../../../../../../conformance/s3/moto-server.ts';
import { createOutbound } from '#lib/outbound/outbound.ts';
import { createSmithyHandler } from '#lib/outbound/smithy-handler.ts';
import { keyStoreSuite } from '../suite.ts';
import { openKmsKeys } from './kms-keys.ts';

const region = 'eu-central-1';
const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };

let server: Pick<MotoServer, 'url'>;
let client: KMSClient;
beforeAll(async () => {
  server = await sharedMotoServer();
  client = new KMSClient({ region, endpoint: server.url, credentials });
});
afterAll(async () => {
  client.destroy();
});

const createKey = async () => (await client.send(new CreateKeyCommand({}))).KeyMetadata!.Arn!;
const openKeys = (...keys: [string, ...string[]]) =>
  openKmsKeys({ keys, region, endpoint: server.url, credentials, timeoutMs: 20_000 });

keyStoreSuite('kms', true, async () => {
  const first = await createKey();
  const keys = openKeys(first);
  return {
    keys,
    addKey: async () => openKeys(await createKey(), first),
    otherStore: async () => openKeys(await createKey()),
    end: async () => await keys.close(),
  };
});

describe('KMS', () => {
  test('finds a key by id and alias, and reports its ARN', async () => {
    const arn = await createKey();
    await client.send(new CreateAliasCommand({ AliasName: 'alias/dais', TargetKeyId: arn }));
    const byAlias = openKeys('alias/dais');
    const byId = openKeys(arn.split('/')[1]!);
    const wrapped = await byAlias.wrap(Buffer.alloc(32, 5), 'c');
    expect(wrapped.keyId).toBe(arn);
    expect(await byId.unwrap(wrapped, 'c')).toEqual(Buffer.alloc(32, 5));
    expect(await openKeys(arn).current()).toEqual(await byAlias.current());
    await byAlias.close();
    await byId.close();
  });

  test('uses the context as the KMS encryption context', async () => {
    const arn = await createKey();
    const sent = await client.send(
      new EncryptCommand({ KeyId: arn, Plaintext: Buffer.alloc(32, 6), EncryptionContext: { 'dais-context': 'c' } }),
    );
    const keys = openKeys(arn);
    const wrapped = { ...(await keys.current()), wrapped: Buffer.from(sent.CiphertextBlob!) };
    expect(await keys.unwrap(wrapped, 'c')).toEqual(Buffer.alloc(32, 6));
    await keys.close();
  });

  test('reports a deleted key as missing for old values and unavailable for new ones, with its ARN', async () => {
    const arn = (await createKey()).replace(/[^/]*$/, '11111111-2222-3333-4444-555555555555');
    const keys = openKeys(arn);
    await expect(keys.wrap(Buffer.alloc(32), 'c')).rejects.toMatchObject({
      code: 'keys_unavailable',
      message: expect.stringContaining(arn),
    });
    await expect(keys.unwrap({ ...(await keys.current()), wrapped: Buffer.alloc(64) }, 'c')).rejects.toMatchObject({
      code: 'key_missing',
      message: expect.stringContaining((await keys.current()).fingerprint),
    });
    await keys.close();
  });

  test('reports unknown keys and an unreachable server as unavailable', async () => {
    const unknown = openKeys('11111111-2222-3333-4444-555555555555');
    await expect(unknown.current()).rejects.toMatchObject({
      code: 'keys_unavailable',
      message: expect.stringContaining('NotFoundException'),
    });
    await unknown.close();
    const gone = await startMotoServer();
    await gone.stop();
    const keys = openKmsKeys({ keys: [await createKey()], region, endpoint: gone.url, credentials, timeoutMs: 5_000 });
    await expect(keys.wrap(Buffer.alloc(32), 'c')).rejects.toMatchObject({ code: 'keys_unavailable' });
    await keys.close();
  });

  test('supports the outbound client', async () => {
    const outbound = createOutbound({
      proxy: { noProxy: [] },
      allowHosts: [],
      userAgent: 'dais/test',
      fail: (code, detail, cause) => new DaisError(code, detail, { cause }),
    });
    const keys = openKmsKeys({
      keys: [await createKey()],
      region,
      endpoint: server.url,
      credentials,
      timeoutMs: 20_000,
      requestHandler: createSmithyHandler(outbound, { totalMs: 20_000 }),
    });
    const wrapped = await keys.wrap(Buffer.alloc(32, 8), 'c');
    expect(await keys.unwrap(wrapped, 'c')).toEqual(Buffer.alloc(32, 8));
    await expect(keys.unwrap(wrapped, 'd')).rejects.toMatchObject({ code: 'key_mismatch' });
    await outbound.close();
    await expect(keys.wrap(Buffer.alloc(32, 8), 'c')).rejects.toMatchObject({ code: 'keys_unavailable' });
    await keys.close();
  });
});
