/** Real clients and servers on loopback; "public" addresses are loopback addresses that allowHosts names. */
import { createServer, request, type IncomingHttpHeaders } from 'node:http';
import { connect, createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, test } from 'vitest';
import type { Address } from './address-guard.ts';
import { ForwardProxy, type ForwardProxyLimits, type ProxyClient, type ProxyFailure } from './forward-proxy.ts';
import type { OutboundOptions } from './outbound.ts';
import { TestNet } from './outbound.testing.ts';

const net = new TestNet();
const proxies: ForwardProxy[] = [];
afterEach(async () => {
  for (const proxy of proxies.splice(0)) proxy.close();
  await net.end();
});

interface Answer {
  readonly status: number | undefined;
  readonly body: string;
  readonly headers?: IncomingHttpHeaders;
}

async function startProxy(
  options: Partial<OutboundOptions> = {},
  more: Partial<ProxyClient> = {},
  limits: Partial<ForwardProxyLimits> = {},
) {
  const failures: ProxyFailure[] = [];
  const transfers: [sent: number, received: number][] = [];
  const proxy = new ForwardProxy(net.client(options), limits);
  proxies.push(proxy);
  const client: ProxyClient = {
    onFailure: (failure) => failures.push(failure),
    onTransfer: (sent, received) => transfers.push([sent, received]),
    ...more,
  };
  const port = await net.listen(createTcpServer((socket) => proxy.accept(socket, client)));
  const get = async (url: string, headers: Record<string, string> = {}): Promise<Answer> =>
    await new Promise((resolve, reject) => {
      request(
        { host: '127.0.0.1', port, path: url, headers: { host: 'proxy', ...headers }, agent: false },
        (response) =>
          void text(response).then((body) => resolve({ status: response.statusCode, body, headers: response.headers })),
      )
        .on('error', reject)
        .end();
    });
  /** Opens a tunnel and sends one request through it. */
  const tunnel = async (authority: string, headers: Record<string, string> = {}): Promise<Answer> =>
    await new Promise((resolve, reject) => {
      request({ host: '127.0.0.1', port, method: 'CONNECT', path: authority, headers, agent: false })
        .on('connect', (response, socket: Socket, head) => {
          if (response.statusCode !== 200) {
            socket.on('error', () => {}).destroy();
            return resolve({ status: response.statusCode, body: `${response.statusMessage}\n${head.toString()}` });
          }
          socket.unshift(head);
          socket.write(`GET / HTTP/1.1\r\nHost: ${authority}\r\nConnection: close\r\n\r\n`);
          text(socket).then((body) => resolve({ status: 200, body }), reject);
        })
        .on('error', reject)
        .end();
    });
  return { port, get, tunnel, failures, transfers };
}

const hello = async (): Promise<string> =>
  await net.serve((incoming, response) => response.end(`hello ${incoming.method} ${incoming.url}`));
const portOf = (origin: string): number => Number(new URL(origin).port);

describe('permitted requests', () => {
  test('is reached by requests in absolute form and by tunnels', async () => {
    const origin = await hello();
    const { get, tunnel, failures, transfers } = await startProxy();
    expect(await get(`${origin}/a?b=c`)).toMatchObject({ status: 200, body: 'hello GET /a?b=c' });
    expect((await tunnel(`127.0.0.1:${portOf(origin)}`)).body).toMatch(/hello GET \/$/);
    expect(failures).toEqual([]);
    await expect.poll(() => transfers.length).toBe(2);
    for (const [sent, received] of transfers) expect(Math.min(sent, received)).toBeGreaterThan(50);
  });

  test('headers of one connection are not passed on, and the host is that of the URL', async () => {
    let seen: IncomingHttpHeaders = {};
    const origin = await net.serve((incoming, response) => {
      seen = incoming.headers;
      response.writeHead(200, { 'set-cookie': ['a=1', 'b=2'], 'keep-alive': 'timeout=5' }).end('ok');
    });
    const { get } = await startProxy();
    const { headers } = await get(origin, {
      'proxy-connection': 'keep-alive',
      'proxy-authorization': 'Basic c2VjcmV0',
      connection: 'x-one',
      'x-one': '1',
      'x-two': '2',
    });
    expect(seen).toMatchObject({ host: new URL(origin).host, 'x-two': '2' });
    for (const name of ['x-one', 'proxy-connection', 'proxy-authorization']) expect(seen).not.toHaveProperty(name);
    expect(headers?.['set-cookie']).toEqual(['a=1', 'b=2']);
  });

  test('bodies go through in both directions', async () => {
    const origin = await net.serve((incoming, response) => void incoming.pipe(response));
    const { port } = await startProxy();
    const body = 'x'.repeat(3_000_000);
    const answer = await new Promise<string>((resolve, reject) => {
      request({ host: '127.0.0.1', port, method: 'POST', path: origin, agent: false }, (response) => {
        text(response).then(resolve, reject);
      })
        .on('error', reject)
        .end(body);
    });
    expect(answer === body).toBe(true);
  });
});

describe('refused requests', () => {
  test.each([
    '127.0.0.1',
    '0x7f.1',
    '2130706433',
    '169.254.169.254',
    '10.0.0.1',
    '192.168.1.1',
    '100.100.100.200',
    '0.0.0.0',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '[fe80::1]',
    '[fd00:ec2::254]',
  ])('rejects %s in both forms', async (host) => {
    const port = portOf(await hello());
    const { get, tunnel, failures } = await startProxy({ allowHosts: [] });
    const one = await get(`http://${host}:${port}/`);
    expect(one.status).toBe(403);
    expect(one.body).toMatch(
      /^Connection to \S+ was refused by the outbound guard: .+\. An administrator can allow it with outbound\.allowHosts\.\n$/,
    );
    expect(await tunnel(`${host}:${port}`)).toMatchObject({ status: 403 });
    expect(failures.map(({ code }) => code)).toEqual(['address_refused', 'address_refused']);
  });

  test('refuses a name that resolves to loopback', async () => {
    const port = portOf(await hello());
    const resolve = async (): Promise<Address[]> => [{ address: '127.0.0.1', family: 4 }];
    const { tunnel, failures } = await startProxy({ allowHosts: [], resolve });
    expect(await tunnel(`rebind.example:${port}`)).toMatchObject({ status: 403 });
    expect(failures[0]?.message).toContain('rebind.example resolves to 127.0.0.1, a loopback address');
  });

  test('a name that changes its address between check and connection reaches no other address', async () => {
    const inside = createServer((_, response) => response.end('INSIDE'));
    const port = await net.listen(inside);
    const outside = createServer((_, response) => response.end('outside'));
    await new Promise<void>((resolve) => outside.listen(port, '127.0.0.2', resolve));
    let requested = 0;
    // Answers 127.0.0.2, which is allowed, to every other question.
    const resolve = async (): Promise<Address[]> => [
      { address: requested++ % 2 === 0 ? '127.0.0.2' : '127.0.0.1', family: 4 },
    ];
    const { get, tunnel } = await startProxy({ allowHosts: ['127.0.0.2'], resolve });
    try {
      const answers: Answer[] = [];
      for (let round = 0; round < 3; round++) {
        answers.push(await get(`http://rebind.example:${port}/`), await tunnel(`rebind.example:${port}`));
      }
      expect(answers.map(({ status }) => status)).toEqual([200, 403, 200, 403, 200, 403]);
      expect(answers.map(({ body }) => body).join('\n')).not.toContain('INSIDE');
    } finally {
      outside.closeAllConnections();
      await new Promise((resolve) => outside.close(resolve));
    }
  });

  test('refuses an address of this machine, also a public one', async () => {
    const address = Object.values(networkInterfaces())
      .flat()
      .find((one) => one?.internal === false && one.family === 'IPv4')?.address;
    const resolve = async (): Promise<Address[]> => [{ address: address ?? '127.0.0.1', family: 4 }];
    const { get } = await startProxy({ allowHosts: [], resolve });
    expect(await get('http://own.example:1/')).toMatchObject({ status: 403 });
  });

  test('a redirect leads to another request, which is refused', async () => {
    const inside = await hello();
    const origin = await net.serve((_, response) => response.writeHead(302, { location: inside }).end());
    const { get } = await startProxy({ allowHosts: [`127.0.0.1:${portOf(origin)}`] });
    const first = await get(origin);
    expect(first).toMatchObject({ status: 302, headers: { location: inside } });
    expect(await get(inside)).toMatchObject({ status: 403 });
  });

  test('an invalid proxy request gets 400', async () => {
    const { get, tunnel } = await startProxy();
    expect(await get('/path')).toMatchObject({ status: 400 });
    expect(await get('https://127.0.0.1/')).toMatchObject({ status: 400 });
    expect(await get('http://user:password@127.0.0.1/')).toMatchObject({ status: 400 });
    for (const authority of ['127.0.0.1', '127.0.0.1:0', '127.0.0.1:99999', 'a@b:1']) {
      expect(await tunnel(authority)).toMatchObject({ status: 400 });
    }
  });

  test('reports a destination that does not respond', async () => {
    const { get, tunnel, failures } = await startProxy();
    expect(await get('http://127.0.0.1:1/')).toMatchObject({ status: 502 });
    expect(await tunnel('127.0.0.1:1')).toMatchObject({ status: 502 });
    expect(failures.map(({ message }) => message)).toEqual(
      Array(2).fill('Connection to 127.0.0.1:1 failed: 127.0.0.1:1 refuses the connection.'),
    );
  });
});

test('configured hosts are reached at exactly their host and port', async () => {
  const [index, other] = [await hello(), await hello()];
  const trusted = [{ host: '127.0.0.1', port: portOf(index) }];
  const { get, tunnel } = await startProxy({ allowHosts: [] }, { trusted });
  expect(await get(index)).toMatchObject({ status: 200 });
  expect(await tunnel(`127.0.0.1:${portOf(index)}`)).toMatchObject({ status: 200 });
  expect(await get(other)).toMatchObject({ status: 403 });
  expect(await get(`http://127.0.0.2:${portOf(index)}`)).toMatchObject({ status: 403 });
});

test('the operator’s proxy is used for both forms, after the guard', async () => {
  const seen: string[] = [];
  const upstream = createServer((incoming, response) => {
    seen.push(`${incoming.method} ${incoming.url} ${incoming.headers['proxy-authorization']}`);
    response.end('proxied');
  });
  upstream.on('connect', (incoming, socket) => {
    seen.push(`CONNECT ${incoming.url} ${incoming.headers['proxy-authorization']}`);
    socket.write('HTTP/1.1 200 OK\r\n\r\nfirst bytes, ');
    socket.once('data', () => socket.end('tunneled'));
  });
  const address = `http://user:p%40ss@127.0.0.1:${await net.listen(upstream)}`;
  const { get, tunnel } = await startProxy({
    proxy: { httpProxy: address, httpsProxy: address, noProxy: [] },
    allowHosts: [],
    resolve: async () => await Promise.reject(new Error('only the proxy resolves names')),
  });
  const basic = `Basic ${Buffer.from('user:p@ss').toString('base64')}`;
  expect(await get('http://public.example/x')).toMatchObject({ status: 200, body: 'proxied' });
  expect((await tunnel('public.example:443')).body).toBe('first bytes, tunneled');
  expect(await tunnel('169.254.169.254:80')).toMatchObject({ status: 403 });
  expect(seen).toEqual([`GET http://public.example/x ${basic}`, `CONNECT public.example:443 ${basic}`]);
});

test('the response names an operator’s proxy that refuses', async () => {
  const upstream = createServer((_, response) => response.writeHead(407).end());
  upstream.on('connect', (_, socket) => socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n'));
  const httpsProxy = `http://127.0.0.1:${await net.listen(upstream)}`;
  const { tunnel, failures } = await startProxy({ proxy: { httpsProxy, noProxy: [] } });
  expect(await tunnel('public.example:443')).toMatchObject({ status: 502 });
  expect(failures[0]?.message).toContain('the proxy responds with status 407');
});

describe('limits', () => {
  test('connections beyond the limit of a client are closed, and counted again when others end', async () => {
    const { port, get } = await startProxy({}, {}, { connections: 2 });
    const origin = await hello();
    const held = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')];
    await Promise.all(held.map(async (socket) => await new Promise((resolve) => socket.once('connect', resolve))));
    await expect.poll(async () => await get(origin).catch(() => 'closed')).toBe('closed');
    for (const socket of held) socket.destroy();
    await expect.poll(async () => (await get(origin).catch(() => undefined))?.status).toBe(200);
  });

  test('headers beyond the limit and silence end a connection', async () => {
    const { port, get } = await startProxy({}, {}, { headerBytes: 1024, idleMs: 100 });
    await expect(get('http://127.0.0.1/', { 'x-large': 'x'.repeat(4096) })).rejects.toThrow(/hang up|reset/);
    const socket = connect(port, '127.0.0.1');
    await new Promise((resolve) => socket.on('error', () => {}).once('close', resolve));
  });

  test('a tunnel without a byte ends', async () => {
    const silent = createTcpServer(() => {});
    const port = await net.listen(silent);
    const { tunnel } = await startProxy({}, {}, { idleMs: 100 });
    expect(await tunnel(`127.0.0.1:${port}`)).toEqual({ status: 200, body: '' });
    expect((silent.address() as AddressInfo).port).toBe(port);
  });
});

test('a client with a token is served with it only', async () => {
  const origin = await hello();
  const { get, tunnel } = await startProxy({}, { token: 'T0KEN' });
  const proof = { 'proxy-authorization': `Basic ${Buffer.from('step:T0KEN').toString('base64')}` };
  const wrong = { 'proxy-authorization': `Basic ${Buffer.from('step:other').toString('base64')}` };
  const authority = new URL(origin).host;
  expect(await get(origin, proof)).toMatchObject({ status: 200 });
  expect(await tunnel(authority, proof)).toMatchObject({ status: 200 });
  for (const headers of [wrong, {}]) {
    expect(await get(origin, headers)).toMatchObject({ status: 407 });
    expect(await tunnel(authority, headers)).toMatchObject({ status: 407 });
  }
});
