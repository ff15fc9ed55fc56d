import { randomUUID } from 'node:crypto';
import { request as plainRequest } from 'node:http';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DaisError } from '@dais/api';
import { silentLog } from '#lib/log.ts';
import { createAuthority, issueCertificate, type KeyedCertificate, type NodeTls } from '#lib/node-tls/certificates.ts';
import { jsonResponse, type InternalRoute } from '#lib/node-tls/internal-route.ts';
import { requestNode, type NodeRequest } from '#lib/node-tls/node-client.ts';
import { InternalServer } from './internal-server.ts';

const DAY_MS = 86_400_000;
const [server, client, removed] = [randomUUID(), randomUUID(), randomUUID()];
let authority: KeyedCertificate;
let opened: InternalServer;
let own: NodeTls;
let markStarted = () => {};
const started = new Promise<void>((resolve) => (markStarted = resolve));

const routes: readonly InternalRoute[] = [
  {
    method: 'GET',
    path: '/internal/caller',
    handle: async ({ node }) => await Promise.resolve(jsonResponse({ node })),
  },
  {
    method: 'GET',
    path: '/internal/bytes/:id',
    handle: async ({ id }) => await Promise.resolve({ status: 200, body: Readable.from([id, '-', id]) }),
  },
  { method: 'POST', path: '/internal/echo', handle: async ({ json }) => jsonResponse(await json()) },
  {
    method: 'GET',
    path: '/internal/refused',
    handle: async () => await Promise.reject(new DaisError('invalid_state', 'Not now.')),
  },
  { method: 'GET', path: '/internal/broken', handle: async () => await Promise.reject(new Error('a secret')) },
  {
    method: 'GET',
    path: '/internal/waiting',
    handle: async ({ signal }) => {
      markStarted();
      return await new Promise((resolve) =>
        signal.addEventListener('abort', () => resolve({ status: 204 }), { once: true }),
      );
    },
  },
];

async function tlsOf(
  by: KeyedCertificate,
  node: string,
  { now = Date.now(), trusted = [by] }: { readonly now?: number; readonly trusted?: readonly KeyedCertificate[] } = {},
): Promise<NodeTls> {
  return { ...(await issueCertificate(by, { node, hosts: ['127.0.0.1'], now })), ca: trusted.map(({ cert }) => cert) };
}

const listen = async (tls: NodeTls) =>
  await InternalServer.listen({
    host: '127.0.0.1',
    port: 0,
    tls,
    routes,
    isMember: async (node) => await Promise.resolve(node !== removed),
    log: silentLog,
  });

const send = async (tls: NodeTls, path: string, more: Partial<NodeRequest> = {}, to = { node: server, at: opened }) => {
  const address = { node: to.node, host: '127.0.0.1', port: to.at.port };
  return await requestNode(tls, address, { path, timeoutMs: 10_000, ...more });
};
/** The code of the error of TLS or of the connection. */
const refusal = async (sent: Promise<unknown>) =>
  await sent.then(
    () => 'accepted',
    (error: unknown) => String((error as { code?: unknown }).code),
  );

beforeAll(async () => {
  authority = await createAuthority('one', Date.now());
  own = await tlsOf(authority, client);
  opened = await listen(await tlsOf(authority, server));
});
afterAll(async () => {
  await opened.close(1000);
});

test('a node of the installation is identified by its certificate', async () => {
  expect(await send(own, '/internal/caller')).toEqual({ status: 200, body: JSON.stringify({ node: client }) });
  expect(await send(own, '/internal/bytes/abc')).toEqual({ status: 200, body: 'abc-abc' });
  expect(await send(own, '/internal/echo', { body: { a: [1] } })).toEqual({ status: 200, body: '{"a":[1]}' });
});

test('a client without a valid certificate of a node is refused before its request', async () => {
  const other = await createAuthority('one', Date.now());
  const alert = /^ERR_SSL_TLSV1\d?_ALERT|^ERR_SSL_.*ALERT|ECONNRESET|EPIPE/;
  const ofOther = await tlsOf(other, client, { trusted: [authority] });
  expect(await refusal(send(ofOther, '/internal/caller'))).toMatch(alert);
  const expired = await tlsOf(authority, client, { now: Date.now() - DAY_MS - 60_000 });
  expect(await refusal(send(expired, '/internal/caller'))).toMatch(alert);
  const future = await tlsOf(authority, client, { now: Date.now() + 3 * 3_600_000 });
  expect(await refusal(send(future, '/internal/caller'))).toMatch(alert);
  const none = { ca: own.ca } as NodeTls;
  expect(await refusal(send(none, '/internal/caller'))).toMatch(alert);
  const plain = new Promise((resolve, reject) => {
    plainRequest({ host: '127.0.0.1', port: opened.port, path: '/internal/caller' }, resolve)
      .once('error', reject)
      .end();
  });
  expect(await refusal(plain)).toMatch(/ECONNRESET|HPE_/);
});

test('a node that was removed is refused with its certificate still valid', async () => {
  const { status, body } = await send(await tlsOf(authority, removed), '/internal/caller');
  expect({ status, code: (JSON.parse(body) as { code: string }).code }).toEqual({ status: 403, code: 'forbidden' });
});

test('a client refuses another node, another installation and an expired certificate', async () => {
  expect(await refusal(send(own, '/internal/caller', {}, { node: removed, at: opened }))).toBe(
    'ERR_TLS_CERT_ALTNAME_INVALID',
  );
  const other = await createAuthority('one', Date.now());
  expect(await refusal(send({ ...own, ca: [other.cert] }, '/internal/caller'))).toMatch(/^(UNABLE_TO|CERT_SIG|SELF_)/);
  const late = await listen(await tlsOf(authority, server, { now: Date.now() - DAY_MS - 60_000 }));
  expect(await refusal(send(own, '/internal/caller', {}, { node: server, at: late }))).toBe('CERT_HAS_EXPIRED');
  await late.close(0);
});

test('errors are problem documents without internals', async () => {
  const codeOf = async (path: string, more: Partial<NodeRequest> = {}) => {
    const { status, body } = await send(own, path, more);
    expect(body).not.toContain('secret');
    return [status, (JSON.parse(body) as { code: string }).code];
  };
  expect(await codeOf('/internal/refused')).toEqual([409, 'invalid_state']);
  expect(await codeOf('/internal/broken')).toEqual([500, 'internal']);
  expect(await codeOf('/internal/none')).toEqual([404, 'route_not_found']);
  expect(await codeOf('/internal/bytes/..%2fx')).toEqual([404, 'route_not_found']);
  expect(await codeOf('/internal/echo')).toEqual([405, 'method_not_allowed']);
  expect(await codeOf('/internal/caller', { body: {} })).toEqual([405, 'method_not_allowed']);
});

test('a rotation changes the certificates of new connections; the authority before counts as long as it is trusted', async () => {
  const next = await createAuthority('two', Date.now());
  const both = [next, authority];
  const rotated = await listen(await tlsOf(authority, server));
  const at = { node: server, at: rotated };
  rotated.setTls(await tlsOf(authority, server, { trusted: both }));
  const renewed = await tlsOf(next, client, { trusted: both });
  for (const tls of [own, renewed]) expect((await send(tls, '/internal/caller', {}, at)).status).toBe(200);
  rotated.setTls(await tlsOf(next, server, { trusted: both }));
  expect((await send(renewed, '/internal/caller', {}, at)).status).toBe(200);
  expect((await send({ ...own, ca: both.map(({ cert }) => cert) }, '/internal/caller', {}, at)).status).toBe(200);
  rotated.setTls(await tlsOf(next, server));
  expect((await send(renewed, '/internal/caller', {}, at)).status).toBe(200);
  expect(await refusal(send({ ...own, ca: [next.cert] }, '/internal/caller', {}, at))).not.toBe('accepted');
  await rotated.close(0);
});

test('a stop ends waiting requests, and connections without a request', async () => {
  const stopping = await listen(await tlsOf(authority, server));
  const waiting = send(own, '/internal/waiting', {}, { node: server, at: stopping });
  const silent = connect(stopping.port, '127.0.0.1').on('error', () => {});
  await new Promise((resolve) => silent.once('connect', resolve));
  const ended = new Promise((resolve) => silent.once('close', resolve));
  await started;
  await stopping.close(500);
  expect((await waiting).status).toBe(204);
  await ended;
  await stopping.close(0);
});
