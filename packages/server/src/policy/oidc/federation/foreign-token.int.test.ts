import { createHmac, createPublicKey, generateKeyPairSync } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { exportJWK, importPKCS8, importSPKI, SignJWT } from 'jose';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { DaisError } from '@dais/api';
import { ManualClock } from '#lib/manual-clock.testing.ts';
import type { Outbound } from '#lib/outbound/outbound.ts';
import { TestNet } from '#lib/outbound/outbound.testing.ts';
import { readClaimed, verifyForeignToken } from './foreign-token.ts';
import { IssuerKeys } from './issuer-keys.ts';

interface Key {
  readonly kid: string;
  readonly privatePem: string;
  readonly publicPem: string;
}

const makeKey = (kid: string): Key => {
  const pair = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  return { kid, privatePem: pair.privateKey, publicPem: pair.publicKey };
};

const NOW = 1_800_000_000;
let first: Key;
let second: Key;
beforeAll(() => {
  first = makeKey('first');
  second = makeKey('second');
});

let net: TestNet;
let outbound: Outbound;
let clock: ManualClock;
let keys: IssuerKeys;
let issuer: string;
let calls: string[];
/** What the issuer publishes. */
let published: readonly Key[];
let metadata: (origin: string) => object;
let status: number;

beforeEach(async () => {
  net = new TestNet();
  calls = [];
  published = [first];
  status = 200;
  metadata = (origin) => ({ issuer: origin, jwks_uri: `${origin}/keys` });
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    calls.push(request.url ?? '');
    const body =
      request.url === '/keys'
        ? {
            keys: await Promise.all(
              published.map(async ({ kid, publicPem }) => ({
                ...(await exportJWK(await importSPKI(publicPem, 'RS256'))),
                kid,
              })),
            ),
          }
        : metadata(issuer);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
  issuer = await net.serve((request, response) => void answer(request, response));
  outbound = net.client({ fail: (code, detail, cause) => new DaisError(code, detail, { cause }) });
  clock = new ManualClock();
  clock.advance(NOW * 1000);
  keys = new IssuerKeys({ outbound, clock, trusted: false });
});
afterEach(async () => {
  await net.end();
});

const claims = () => ({ iss: issuer, sub: 'repo:acme', aud: 'dais', iat: NOW - 5, exp: NOW + 300, jti: 'one' });

async function sign(more: object = {}, key: Key = first, header: object = {}): Promise<string> {
  return await new SignJWT({ ...claims(), ...more })
    .setProtectedHeader({ alg: 'RS256', kid: key.kid, ...header })
    .sign(await importPKCS8(key.privatePem, 'RS256'));
}

/** A manually created token, for cases that no library creates. */
function forge(header: object, payload: object, signature: (input: string) => string): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const input = `${part(header)}.${part(payload)}`;
  return `${input}.${signature(input)}`;
}

async function verify(token: string): Promise<string> {
  try {
    const claimed = await readClaimed(token);
    return (await verifyForeignToken(token, claimed.issuer, { keys, clock })).subject;
  } catch (error) {
    if (error instanceof DaisError) return `${error.code}: ${error.message}`;
    throw error;
  }
}

test('a good token', async () => {
  expect(await verify(await sign())).toBe('repo:acme');
  expect(await verify(await sign({ aud: ['other', 'dais'], nbf: NOW - 5 }))).toBe('repo:acme');
  // Both responses are stored.
  expect(calls).toEqual(['/.well-known/openid-configuration', '/keys']);
});

describe('a token that is no proof', () => {
  test.each([
    ['none', { alg: 'none' }],
    ['None', { alg: 'None' }],
    ['absent', {}],
    ['HS256', { alg: 'HS256', kid: 'first' }],
    ['HS512', { alg: 'HS512', kid: 'first' }],
  ])('algorithm %s, signed with a public value', async (_name, header) => {
    const pem = createPublicKey(first.publicPem).export({ type: 'spki', format: 'pem' }) as string;
    for (const signature of [
      () => '',
      (input: string) => createHmac('sha256', pem).update(input).digest('base64url'),
      (input: string) => createHmac('sha512', pem).update(input).digest('base64url'),
    ]) {
      expect(await verify(forge(header, claims(), signature))).toContain('not with a key pair');
    }
    expect(calls).toEqual([]);
  });

  test('a header with an embedded key or a key URL', async () => {
    const jwk = await exportJWK(await importSPKI(second.publicPem, 'RS256'));
    for (const header of [
      { jwk },
      { jku: 'http://127.0.0.1:1/keys' },
      { x5u: 'http://127.0.0.1:1/x' },
      { kid: 'first' },
    ]) {
      expect(await verify(await sign({}, second, { ...header, kid: 'first' }))).toContain('signature is not valid');
    }
    expect(calls).toEqual(['/.well-known/openid-configuration', '/keys']);
  });

  test('a key that the issuer does not have', async () => {
    expect(await verify(await sign({}, second))).toContain('does not publish the signing key');
  });

  test('a changed payload', async () => {
    const [header, , signature] = (await sign()).split('.');
    const payload = Buffer.from(JSON.stringify({ ...claims(), sub: 'repo:evil' })).toString('base64url');
    expect(await verify(`${header}.${payload}.${signature}`)).toContain('signature is not valid');
  });

  test.each([
    ['expired', { exp: NOW - 31 }, 'expired'],
    ['not yet valid', { nbf: NOW + 31 }, 'not valid yet'],
    ['from the future', { iat: NOW + 31 }, 'in the future'],
    ['valid for too long', { exp: NOW + 25 * 3600 }, 'longer than a day'],
    ['without an end', { exp: undefined }, '`exp`'],
    ['without a beginning', { iat: undefined }, '`iat`'],
    ['about nobody', { sub: undefined }, '`sub`'],
    ['for nobody', { aud: undefined }, '`aud`'],
    ['with times that are text', { exp: String(NOW + 300) }, '`exp`'],
  ])('%s', async (_name, more, reason) => {
    expect(await verify(await sign(more))).toContain(reason);
  });

  test.each(['', 'a.b', 'a.b.c', 'x'.repeat(20_000)])('no token at all: %.20s', async (text) => {
    expect(await verify(text)).toMatch(/^unauthenticated/);
  });

  test('without an issuer', async () => {
    expect(await verify(await sign({ iss: undefined }))).toContain('has no issuer');
  });
});

describe('keys', () => {
  test('that the issuer has changed are requested, but not for every token', async () => {
    await verify(await sign());
    published = [second];
    clock.advance(31_000);
    expect(await verify(await sign({}, second))).toBe('repo:acme');
    const requested = calls.length;
    for (let round = 0; round < 5; round++)
      expect(await verify(await sign({}, makeKey('third')))).toContain('does not publish the signing key');
    expect(calls.length).toBe(requested);
  });

  test('are refreshed after ten minutes, so that withdrawn keys expire', async () => {
    await verify(await sign());
    published = [second];
    clock.advance(599_000);
    expect(await verify(await sign({ exp: NOW + 3600 }))).toBe('repo:acme');
    clock.advance(1000);
    expect(await verify(await sign({ exp: NOW + 3600 }))).toContain('does not publish the signing key');
  });

  test('of an issuer that does not respond are not requested for every token', async () => {
    status = 500;
    for (let round = 0; round < 5; round++) expect(await verify(await sign())).toContain('status 500');
    expect(calls.length).toBe(1);
    status = 200;
    clock.advance(5000);
    expect(await verify(await sign())).toBe('repo:acme');
  });

  test('that are valid stay so while the issuer fails', async () => {
    await verify(await sign());
    status = 500;
    clock.advance(31_000);
    expect(await verify(await sign({}, second))).toMatch(/^upstream_failed/);
    expect(await verify(await sign())).toBe('repo:acme');
  });

  test.each([
    ['of another issuer', (origin: string) => ({ issuer: `${origin}/`, jwks_uri: `${origin}/keys` }), 'another issuer'],
    ['without an address', (origin: string) => ({ issuer: origin }), 'names no keys'],
    ['in a list', () => [], 'not a JSON object'],
  ])('metadata %s', async (_name, made, reason) => {
    metadata = made;
    expect(await verify(await sign())).toContain(reason);
  });

  test('at an address inside of the network are not fetched', async () => {
    keys = new IssuerKeys({
      outbound: net.client({ allowHosts: [], fail: (f, d, c) => new DaisError(f, d, { cause: c }) }),
      clock,
      trusted: false,
    });
    expect(await verify(await sign())).toMatch(/^address_refused/);
    expect(calls).toEqual([]);
  });
});
