import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect, createServer as createTcpServer } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { makeCertificates } from '#lib/crypto/certificates.testing.ts';
import type { Address } from './address-guard.ts';
import { TestNet } from './outbound.testing.ts';

const net = new TestNet();
afterEach(async () => await net.end());
const refused = { code: 'address_refused' };

describe('TLS', () => {
  test('a private authority is trusted if its certificate is configured, and only for names that it signed', async () => {
    const { ca, cert, key } = await makeCertificates(['hooks.internal']);
    const port = await net.listen(createTlsServer({ cert, key }, (_, response) => response.end('private')));
    const resolve = async (): Promise<Address[]> => [{ address: '127.0.0.1', family: 4 }];
    const options = { allowHosts: ['127.0.0.0/8'], resolve };
    await expect(net.client(options).send({ url: `https://hooks.internal:${port}` })).rejects.toThrow(
      /is not trusted \(\w+\); add its certificate authority to outbound\.extraCa/,
    );
    const trusting = net.client({ ...options, extraCa: `# our own\n${ca}` });
    expect((await trusting.send({ url: `https://hooks.internal:${port}` })).body.toString()).toBe('private');
    await expect(trusting.send({ url: `https://other.internal:${port}` })).rejects.toThrow(
      'ERR_TLS_CERT_ALTNAME_INVALID',
    );
  });

  test('refuses a redirect from https to http', async () => {
    const { ca, cert, key } = await makeCertificates();
    const location = await net.serve(() => {});
    const port = await net.listen(
      createTlsServer({ cert, key }, (_, response) => response.writeHead(302, { location }).end()),
    );
    await expect(
      net.client({ extraCa: ca }).send({ url: `https://127.0.0.1:${port}`, redirects: 1 }),
    ).rejects.toMatchObject(refused);
  });

  test.each([
    ['no certificate', 'hello'],
    ['a broken one', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'],
  ])('%s is reported at startup', (_name, extraCa) => {
    expect(() => net.client({ extraCa })).toThrow(/outbound\.extraCa/);
  });
});

describe('a proxy', () => {
  /** A small but real forward proxy: CONNECT for https, absolute addresses for http, optionally with a password. */
  async function startProxy(password?: string) {
    const seen: string[] = [];
    const expected = password === undefined ? undefined : `Basic ${Buffer.from(`user:${password}`).toString('base64')}`;
    const server = createServer((request, response) => {
      seen.push(`${request.method} ${request.url}`);
      if (request.headers['proxy-authorization'] !== expected) {
        response.writeHead(407).end();
        return;
      }
      response.end(`proxied ${request.headers.host}`);
    });
    server.on('connect', (request, socket, head) => {
      seen.push(`CONNECT ${request.url}`);
      if (request.headers['proxy-authorization'] !== expected) {
        socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
        return;
      }
      const port = Number(request.url?.split(':').at(-1));
      const upstream = connect(port, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
        upstream.write(head);
        upstream.pipe(socket);
        socket.pipe(upstream);
      });
      upstream.on('error', () => socket.destroy());
      socket.on('error', () => upstream.destroy());
      socket.on('close', () => upstream.destroy());
    });
    return { port: await net.listen(server), seen };
  }

  test('carries http by absolute address and https by CONNECT, for names that only it resolves', async () => {
    const { ca, cert, key } = await makeCertificates(['secure.partner']);
    const port = await net.listen(createTlsServer({ cert, key }, (_, response) => response.end('tunnelled')));
    const proxy = await startProxy('hunter2');
    const address = `http://user:hunter2@127.0.0.1:${proxy.port}`;
    const outbound = net.client({
      extraCa: ca,
      proxy: { httpProxy: address, httpsProxy: address, noProxy: [] },
      resolve: async () => [],
    });
    expect((await outbound.send({ url: 'http://plain.partner/x?y=1' })).body.toString()).toBe('proxied plain.partner');
    expect((await outbound.send({ url: `https://secure.partner:${port}/` })).body.toString()).toBe('tunnelled');
    expect(proxy.seen).toEqual(['GET http://plain.partner/x?y=1', `CONNECT secure.partner:${port}`]);
  });

  test('is passed by for hosts of NO_PROXY', async () => {
    const proxy = await startProxy();
    const url = await net.serve((_, response) => response.end('direct'));
    const outbound = net.client({
      proxy: { httpProxy: `http://127.0.0.1:${proxy.port}`, noProxy: ['127.0.0.0/8'] },
    });
    expect((await outbound.send({ url })).body.toString()).toBe('direct');
    expect(proxy.seen).toEqual([]);
  });

  test('does not bypass the guard', async () => {
    const proxy = await startProxy();
    const address = `http://127.0.0.1:${proxy.port}`;
    const outbound = net.client({
      allowHosts: [],
      proxy: { httpProxy: address, httpsProxy: address, noProxy: [] },
      resolve: async () => [{ address: '10.0.0.1', family: 4 }],
    });
    for (const url of ['http://169.254.169.254/', 'https://[::1]/', 'http://0x7f.1/', 'https://known.internal/']) {
      await expect(outbound.send({ url })).rejects.toMatchObject(refused);
    }
    expect(proxy.seen).toEqual([]);
  });

  test('that requires a password is reported, and its own password is never shown', async () => {
    const proxy = await startProxy('right');
    const address = `http://user:hunter2@127.0.0.1:${proxy.port}`;
    const outbound = net.client({
      proxy: { httpProxy: address, httpsProxy: address, noProxy: [] },
      resolve: async () => [],
    });
    for (const url of ['http://plain.partner/', 'https://secure.partner/']) {
      const call = outbound.send({ url });
      await expect(call).rejects.toMatchObject({ code: 'upstream_failed' });
      await expect(call).rejects.toThrow(
        `${new URL(url).origin} cannot be reached: the proxy responds with status 407`,
      );
    }
  });

  test('that is unavailable is a failure of the call', async () => {
    const proxy = await startProxy();
    await net.endLast();
    const address = `http://127.0.0.1:${proxy.port}`;
    const outbound = net.client({
      proxy: { httpProxy: address, httpsProxy: address, noProxy: [] },
      resolve: async () => [],
    });
    await expect(outbound.send({ url: 'http://plain.partner/' })).rejects.toMatchObject({ code: 'upstream_failed' });
    await expect(outbound.send({ url: 'https://secure.partner/' })).rejects.toMatchObject({ code: 'upstream_failed' });
  });

  test('that never responds to CONNECT times out', async () => {
    const port = await net.listen(createTcpServer(() => {}));
    const outbound = net.client({
      proxy: { httpsProxy: `http://127.0.0.1:${port}`, noProxy: [] },
      resolve: async () => [],
      timeouts: { totalMs: 300 },
    });
    await expect(outbound.send({ url: 'https://secure.partner/' })).rejects.toThrow('did not complete within 300 ms');
  });
});
