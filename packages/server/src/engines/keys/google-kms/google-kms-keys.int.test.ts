/** Against a server with the documented requests and errors of Google Cloud KMS: no emulator of it exists. */
import { createVerify, generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { inspect, isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '#lib/clock.ts';
import { googleCredentials } from '#lib/cloud/google-credentials.ts';
import { decryptGcm, encryptGcm, packGcm, unpackGcm } from '#lib/crypto/aes-gcm.ts';
import { TestNet } from '#lib/outbound/outbound.testing.ts';
import type { Outbound } from '#lib/outbound/outbound.ts';
import { testOutbound } from '#testing/dais-outbound.ts';
import { keyStoreSuite } from '../suite.ts';
import { openGoogleKmsKeys } from './google-kms-keys.ts';

const email = 'dais@project.iam.gserviceaccount.com';
const scope = 'https://www.googleapis.com/auth/cloudkms';
const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

const net = new TestNet();
const stored = new Map<string, Buffer>();
const disabled = new Set<string>();
const accessTokens = new Set<string>();
let signIns = 0;
let origin: string;
let file: string;
let outbound: Outbound;
beforeAll(async () => {
  origin = await net.serve((request, response) => void answer(request, response));
  outbound = testOutbound();
  file = join(await mkdtemp(join(tmpdir(), 'dais-kms-')), 'key.json');
  const private_key = privateKey.export({ type: 'pkcs8', format: 'pem' });
  const key = {
    type: 'service_account',
    client_email: email,
    private_key,
    private_key_id: 'k',
    token_uri: `${origin}/token`,
  };
  await writeFile(file, JSON.stringify(key));
});
afterAll(async () => {
  await outbound.close();
  await net.end();
  await rm(join(file, '..'), { recursive: true });
});

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = (await buffer(request)).toString();
  const reply = (status: number, value: object) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(value));
  };
  const refuse = (code: number, status: string, message: string) => reply(code, { error: { code, message, status } });
  if (request.url === '/token') {
    const form = new URLSearchParams(body);
    expect(form.get('grant_type')).toBe('urn:ietf:params:oauth:grant-type:jwt-bearer');
    if (!isSigned(form.get('assertion') ?? '')) return reply(400, { error: 'invalid_grant', error_description: email });
    signIns += 1;
    const token = `token-${randomBytes(8).toString('hex')}`;
    accessTokens.add(token);
    return reply(200, { access_token: token, expires_in: 3599, token_type: 'Bearer' });
  }
  if (!accessTokens.has(request.headers.authorization?.replace('Bearer ', '') ?? '')) {
    return refuse(401, 'UNAUTHENTICATED', `no token of ${email}`);
  }
  const [, name = '', verb] = /^\/v1\/(.*):(encrypt|decrypt)$/.exec(request.url ?? '') ?? [];
  const key = stored.get(name);
  if (key === undefined) return refuse(404, 'NOT_FOUND', `CryptoKey ${name} not found.`);
  if (disabled.has(name)) return refuse(400, 'FAILED_PRECONDITION', `${name} is not enabled`);
  const sent = JSON.parse(body) as Record<string, string>;
  const aad = Buffer.from(sent['additionalAuthenticatedData'] ?? '', 'base64');
  if (verb === 'encrypt') {
    const box = packGcm(encryptGcm(key, Buffer.from(sent['plaintext']!, 'base64'), aad));
    return reply(200, { name: `${name}/cryptoKeyVersions/1`, ciphertext: box.toString('base64') });
  }
  const box = unpackGcm(Buffer.from(sent['ciphertext']!, 'base64'));
  const plaintext = box && decryptGcm(key, box, aad);
  if (plaintext === undefined) return refuse(400, 'INVALID_ARGUMENT', 'Decryption failed: the ciphertext is invalid.');
  return reply(200, { plaintext: plaintext.toString('base64'), usedPrimary: true });
}

/** What Google checks of a service account (RFC 7523). */
function isSigned(assertion: string): boolean {
  const [header = '', claims = '', signature = ''] = assertion.split('.');
  const claimed = JSON.parse(Buffer.from(claims, 'base64url').toString()) as Record<'exp' | 'iat', number>;
  const isValid = createVerify('RSA-SHA256').update(`${header}.${claims}`).verify(publicKey, signature, 'base64url');
  expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toEqual({ alg: 'RS256', typ: 'JWT', kid: 'k' });
  const { exp, iat, ...rest } = claimed;
  const expected = { iss: email, aud: `${origin}/token`, scope };
  return isValid && isDeepStrictEqual(rest, expected) && exp - iat === 3600;
}

const createKey = () => {
  const name = `projects/p/locations/global/keyRings/r/cryptoKeys/k${stored.size}`;
  stored.set(name, randomBytes(32));
  return name;
};
const openKeys = async (...keys: [string, ...string[]]) => {
  const { tokens } = await googleCredentials({ outbound, now: () => Date.now(), environment: {}, file, scope });
  return openGoogleKmsKeys({ outbound, clock: systemClock, tokens, keys, endpoint: origin, timeoutMs: 10_000 });
};

keyStoreSuite('google-kms', true, async () => {
  const first = createKey();
  const keys = await openKeys(first);
  return {
    keys,
    addKey: async () => await openKeys(createKey(), first),
    otherStore: async () => await openKeys(createKey()),
    end: async () => await keys.close(),
  };
});

test('signs in once for many calls, and anew after its token was rejected', async () => {
  const keys = await openKeys(createKey());
  const before = signIns;
  const wrapped = await keys.wrap(Buffer.alloc(32, 1), 'c');
  await Promise.all(Array.from({ length: 5 }, async () => await keys.unwrap(wrapped, 'c')));
  expect(signIns).toBe(before + 1);
  accessTokens.clear();
  expect(await keys.unwrap(wrapped, 'c')).toEqual(Buffer.alloc(32, 1));
  expect(signIns).toBe(before + 2);
});

test('reports a disabled and a removed key, and a refused sign-in, without the text of the service', async () => {
  const name = createKey();
  const keys = await openKeys(name);
  const wrapped = await keys.wrap(Buffer.alloc(32, 1), 'c');
  disabled.add(name);
  await expect(keys.unwrap(wrapped, 'c')).rejects.toMatchObject({
    code: 'key_missing',
    message: expect.stringContaining('enable'),
  });
  await expect(keys.wrap(Buffer.alloc(32), 'c')).rejects.toMatchObject({ code: 'keys_unavailable' });
  stored.delete(name);
  await expect(keys.unwrap(wrapped, 'c')).rejects.toMatchObject({ code: 'key_missing' });

  const past = { outbound, now: () => 0, environment: {}, file, scope: 'another' };
  const { tokens } = await googleCredentials(past);
  const refused = openGoogleKmsKeys({
    outbound,
    clock: systemClock,
    tokens,
    keys: [name],
    endpoint: origin,
    timeoutMs: 10_000,
  });
  const error: unknown = await refused.wrap(Buffer.alloc(32), 'c').catch((reason: unknown) => reason);
  expect(error).toMatchObject({
    code: 'keys_unavailable',
    message: expect.stringContaining('rejected with 400 invalid_grant. The clock of this machine'),
  });
  expect(inspect(error, { depth: 20, showHidden: true })).not.toMatch(/PRIVATE KEY|assertion/);
});
