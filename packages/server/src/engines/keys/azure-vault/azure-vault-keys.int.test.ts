/** Against a server with the documented requests and errors of Azure Key Vault: no emulator of it exists. */
import {
  constants,
  generateKeyPairSync,
  privateDecrypt,
  publicEncrypt,
  randomBytes,
  type KeyObject,
} from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '#lib/clock.ts';
import { azureTokens } from '#lib/cloud/azure-tokens.ts';
import { TestNet } from '#lib/outbound/outbound.testing.ts';
import type { Outbound } from '#lib/outbound/outbound.ts';
import { testOutbound } from '#testing/dais-outbound.ts';
import { keyStoreSuite } from '../suite.ts';
import { openAzureVaultKeys, vaultResource } from './azure-vault-keys.ts';

interface Version {
  readonly id: string;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

const net = new TestNet();
const stored = new Map<string, Version[]>();
const disabled = new Set<string>();
let origin: string;
let outbound: Outbound;
beforeAll(async () => {
  origin = await net.serve((request, response) => void answer(request, response));
  outbound = testOutbound();
});
afterAll(async () => {
  await outbound.close();
  await net.end();
});

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = (await buffer(request)).toString();
  const url = new URL(request.url ?? '', origin);
  const reply = (status: number, value: object) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(value));
  };
  const refuse = (status: number, code: string, innererror?: object) =>
    reply(status, { error: { code, message: 'text of the service', ...(innererror && { innererror }) } });
  if (url.pathname === '/identity') {
    const isRight =
      request.headers['x-identity-header'] === 'header' &&
      url.searchParams.get('resource') === 'https://vault.azure.net';
    return isRight
      ? reply(200, { access_token: 'access', expires_in: '3600' })
      : reply(400, { error: 'invalid_request' });
  }
  if (request.headers.authorization !== 'Bearer access') return refuse(401, 'Unauthorized');
  expect(url.searchParams.get('api-version')).toBe('7.4');
  const [, name = '', id, verb] = /^\/keys\/([^/]+)(?:\/([^/]+))?\/(wrapkey|unwrapkey)$/.exec(url.pathname) ?? [];
  const versions = stored.get(name);
  const version = id === undefined ? versions?.[0] : versions?.find((one) => one.id === id);
  if (version === undefined) return refuse(404, 'KeyNotFound');
  if (disabled.has(name)) return refuse(403, 'Forbidden', { code: 'KeyDisabled' });
  const { alg, value } = JSON.parse(body) as { alg: string; value: string };
  expect(alg).toBe('RSA-OAEP-256');
  const padding = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' };
  try {
    const bytes = Buffer.from(value, 'base64url');
    const result =
      verb === 'wrapkey'
        ? publicEncrypt({ key: version.publicKey, ...padding }, bytes)
        : privateDecrypt({ key: version.privateKey, ...padding }, bytes);
    return reply(200, { kid: `${origin}/keys/${name}/${version.id}`, value: result.toString('base64url') });
  } catch {
    return refuse(400, 'BadParameter');
  }
}

const rotate = (name: string) => {
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
  stored.set(name, [{ id: randomBytes(16).toString('hex'), ...pair }, ...(stored.get(name) ?? [])]);
};
const createKey = () => {
  const name = `key-${stored.size}`;
  rotate(name);
  return `${origin}/keys/${name}`;
};
const openKeys = (...keys: [string, ...string[]]) => {
  const environment = { IDENTITY_ENDPOINT: `${origin}/identity`, IDENTITY_HEADER: 'header' };
  const tokens = azureTokens({ outbound, now: () => Date.now(), environment, resource: vaultResource(keys[0]) });
  return openAzureVaultKeys({ outbound, clock: systemClock, tokens, keys, timeoutMs: 10_000 });
};

keyStoreSuite('azure-key-vault', true, async () => {
  const first = createKey();
  const keys = openKeys(first);
  return await Promise.resolve({
    keys,
    addKey: async () => await Promise.resolve(openKeys(createKey(), first)),
    otherStore: async () => await Promise.resolve(openKeys(createKey())),
    end: async () => await keys.close(),
  });
});

test('unwraps with the version that wrapped, and reports a disabled and a removed key', async () => {
  const key = createKey();
  const name = key.split('/').at(-1)!;
  const keys = openKeys(`${key}/`);
  const wrapped = await keys.wrap(Buffer.alloc(32, 1), 'c');
  expect(wrapped).toMatchObject({ keyId: key });
  rotate(name);
  expect(await keys.unwrap(wrapped, 'c')).toEqual(Buffer.alloc(32, 1));
  disabled.add(name);
  await expect(keys.unwrap(wrapped, 'c')).rejects.toMatchObject({
    code: 'key_missing',
    message: expect.stringContaining('KeyDisabled'),
  });
  disabled.delete(name);
  stored.delete(name);
  await expect(keys.unwrap(wrapped, 'c')).rejects.toMatchObject({
    code: 'key_missing',
    message: expect.stringContaining('recover'),
  });
  await expect(keys.wrap(Buffer.alloc(32), 'c')).rejects.toMatchObject({ code: 'keys_unavailable' });
});

test('requests tokens for the cloud of the vault', () => {
  expect(vaultResource('https://x.vault.azure.net/keys/k')).toBe('https://vault.azure.net');
  expect(vaultResource('https://x.vault.usgovcloudapi.net/keys/k')).toBe('https://vault.usgovcloudapi.net');
  expect(vaultResource('https://x.managedhsm.azure.net/keys/k')).toBe('https://managedhsm.azure.net');
});
