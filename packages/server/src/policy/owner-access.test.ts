import { expect, test } from 'vitest';
import type { AccessRequest } from '#policy/access.ts';
import { bearerToken } from '#policy/authorization-header.ts';
import { OwnerAccess } from '#policy/owner-access.ts';
import { hostName } from '#policy/request-gate.ts';

const access = new OwnerAccess({
  hosts: ['dais.example.com'],
  origins: ['https://dais.example.com'],
  token: 'secret',
  ownUid: 1000,
});

const request = (change: Partial<AccessRequest>): AccessRequest => ({
  method: 'GET',
  url: '/',
  host: '127.0.0.1:7070',
  scheme: 'http',
  origin: undefined,
  fetchSite: undefined,
  authorization: undefined,
  cookie: undefined,
  address: '127.0.0.1',
  peerUid: async () => 1000,
  ...change,
});

const decision = async (change: Partial<AccessRequest>) =>
  await access.identify(request(change)).then(
    ({ id }) => id,
    ({ code }: { code: string }) => code,
  );

test.each([
  ['127.0.0.1:7070', 'owner'],
  ['localhost', 'owner'],
  ['LOCALHOST.:7070', 'owner'],
  ['[::1]:7070', 'owner'],
  ['dais.example.com', 'owner'],
  ['evil.example.com', 'host_refused'],
  ['127.0.0.1.evil.example.com', 'host_refused'],
  ['127.0.0.1@evil', 'host_refused'],
  ['', 'host_refused'],
  [undefined, 'host_refused'],
])('Host %s: %s', async (host, expected) => {
  expect(await decision({ host })).toBe(expected);
});

test.each([
  ['http://127.0.0.1:7070', 'owner'],
  ['https://dais.example.com', 'owner'],
  // Another server on the same machine is another origin.
  ['http://127.0.0.1:3000', 'origin_refused'],
  ['http://localhost:7070', 'origin_refused'],
  ['null', 'origin_refused'],
  ['https://evil.example.com', 'origin_refused'],
])('Origin %s: %s', async (origin, expected) => {
  expect(await decision({ origin })).toBe(expected);
});

test.each([
  // Content loaded over plain HTTP can be modified in transit.
  ['http', 'http://127.0.0.1:7070', 'owner'],
  ['https', 'http://127.0.0.1:7070', 'origin_refused'],
  ['https', 'https://127.0.0.1:7070', 'owner'],
  // A proxy outside of `trustedProxies` terminates HTTPS.
  ['http', 'https://127.0.0.1:7070', 'owner'],
] as const)('over %s, Origin %s: %s', async (scheme, origin, expected) => {
  expect(await decision({ scheme, origin })).toBe(expected);
});

test('behind HTTPS no page of plain HTTP is one of ours', async () => {
  const behind = new OwnerAccess({ hosts: [], origins: [], token: 'secret', ownUid: 1000, behindHttps: true });
  const ask = (origin: string) =>
    behind.identify(request({ origin })).then(
      ({ id }) => id,
      ({ code }: { code: string }) => code,
    );
  expect(await ask('http://127.0.0.1:7070')).toBe('origin_refused');
  expect(await ask('https://127.0.0.1:7070')).toBe('owner');
});

test('the owner and root need no token; others and the unknown do', async () => {
  const others = [1000, 0, 1001, undefined].map((uid) => decision({ peerUid: async () => uid }));
  expect(await Promise.all(others)).toEqual(['owner', 'owner', 'unauthenticated', 'unauthenticated']);
});

test('a valid token makes any caller the owner, an invalid one is an error', async () => {
  const outsider = { peerUid: async () => 1001 };
  expect(await decision({ ...outsider, authorization: 'Bearer secret' })).toBe('owner');
  const basic = `Basic ${Buffer.from('any:secret').toString('base64')}`;
  expect(await decision({ ...outsider, authorization: basic })).toBe('owner');
  expect(await decision({ authorization: 'Bearer wrong' })).toBe('unauthenticated');
});

test.each([
  '/api/v1/secrets?token=dais_pat_upE5Xw2GKthC6Ud0ooooJk7nU3tqb13Yercp',
  '/api/v1/secrets/dais_sat_upE5Xw2GKthC6Ud0ooooJk7nU3tqb13Yercp',
  '/api/v1/secrets?token=dais%5fpat%5FupE5Xw2GKthC6Ud0ooooJk7nU3tqb13Yercp',
  '/api/v1/secrets?token=%64ais_own_upE5Xw2GKthC6Ud0ooooJk7nU3tqb13Yercp',
])('rejects a token in the URL: %s', async (url) => {
  expect(await decision({ url })).toBe('invalid_request');
});

test('tokens are read from both schemes only', () => {
  expect(['bearer a', 'Bearer  a', 'Digest a', 'Bearer', 'Basic !!', 'Bearer a b'].map(bearerToken)).toEqual([
    'a',
    'a',
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});

test('host names', () => {
  expect(['a:1', 'A', '[::1]', '[::1', '::1', 'a b', 'a:99999999'].map(hostName)).toEqual([
    'a',
    'a',
    '::1',
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});
