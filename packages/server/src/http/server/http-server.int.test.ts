import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { connect, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RouteGroup } from '#http/server/route-group.ts';
import { HttpServer, type HttpServerDependencies } from '#http/server/http-server.ts';
import { OwnerAccess } from '#policy/owner-access.ts';
import { probeRoutes } from '#http/metrics/probe-routes.ts';
import { OWNER_TOKEN, TEST_LIMITS } from '#http/testing/http-fixture.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import { run } from '#lib/process.ts';

/** A route whose responses end on request of a test, and that streams any number of bytes. */
const gates = new Map<string, () => void>();
const testDoor: RouteGroup = {
  name: 'test',
  paths: ['/slow/*', '/bytes/*', '/echo'],
  perProject: true,
  access: 'checked',
  compress: false,
  register: (app, io) => {
    app.get('/slow/:id', async (request, reply) => {
      await new Promise<void>((resolve) => gates.set((request.params as { id: string }).id, resolve));
      return await reply.send('done');
    });
    app.get('/bytes/:megabytes', async (request, reply) => {
      const block = Buffer.alloc(1024 * 1024, 'x');
      let left = Number((request.params as { megabytes: string }).megabytes);
      const source = new Readable({ read: () => void source.push(left-- > 0 ? block : null) });
      return await reply.type('application/octet-stream').send(source);
    });
    app.get('/echo', async (request, reply) =>
      reply.send({ ip: request.ip, host: request.host, project: io.contextOf(request, reply, 'test').projects }),
    );
  },
};

async function open(change: Partial<HttpServerDependencies> = {}): Promise<{ server: HttpServer; port: number }> {
  const server = await HttpServer.open({
    doors: [testDoor, probeRoutes(async () => [])],
    access: new OwnerAccess({
      hosts: ['dais.example.com'],
      origins: [],
      token: OWNER_TOKEN,
      ownUid: process.geteuid?.(),
    }),
    clock: systemClock,
    log: silentLog,
    limits: TEST_LIMITS,
    publicUrl: undefined,
    trustedProxies: [],
    tls: undefined,
    browserPrompt: true,
    finished: () => {},
    ...change,
  });
  return { server, port: await server.listen('127.0.0.1', 0) };
}

class Raw {
  readonly socket: Socket;
  text = '';
  closed = false;

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.on('data', (chunk: Buffer) => {
      this.text += chunk.toString('latin1');
    });
    this.socket.once('close', () => {
      this.closed = true;
    });
    this.socket.on('error', () => {});
  }
}

describe('malformed requests', () => {
  let running: Awaited<ReturnType<typeof open>>;
  beforeAll(async () => {
    running = await open({ limits: { ...TEST_LIMITS, headerSeconds: 1, bodySeconds: 1 } });
  });
  afterAll(async () => await running.server.drain(1000));

  test.each([
    ['not HTTP', 'hello\r\n\r\n', 400, 'invalid_request'],
    ['an invalid request line', 'GET /livez HTTP/9.9\r\n\r\n', 400, 'invalid_request'],
    ['an unknown method', 'BREW /livez HTTP/1.1\r\nHost: localhost\r\n\r\n', 400, 'invalid_request'],
    ['huge headers', `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431, 'headers_too_large'],
    [
      'an invalid Content-Length',
      'GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n',
      400,
      'invalid_request',
    ],
    [
      'two lengths (request smuggling)',
      'POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
      'invalid_request',
    ],
    [
      'a control character in a header',
      'GET / HTTP/1.1\r\nHost: localhost\r\nX: a\u0001b\r\n\r\n',
      400,
      'invalid_request',
    ],
    ['incomplete headers', 'GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ', 408, 'request_timeout'],
    ['no Host', 'GET /echo HTTP/1.1\r\nConnection: close\r\n\r\n', 403, 'host_refused'],
    ['another Host', 'GET /echo HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n', 403, 'host_refused'],
    [
      'another Origin',
      'POST /echo HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\nConnection: close\r\n\r\n',
      403,
      'origin_refused',
    ],
  ])('%s', async (_name, bytes, status, code) => {
    const raw = new Raw(running.port);
    raw.socket.write(bytes, 'latin1');
    await expect.poll(() => raw.closed).toBe(true);
    expect(raw.text).toContain(`HTTP/1.1 ${status} `);
    expect(JSON.parse(raw.text.slice(raw.text.indexOf('\r\n\r\n')))).toMatchObject({ status, code });
  });

  test('probes accept any Host', async () => {
    const raw = new Raw(running.port);
    raw.socket.write('GET /livez HTTP/1.1\r\nHost: 10.0.0.7\r\nConnection: close\r\n\r\n');
    await expect.poll(() => raw.text).toContain('{"status":"alive"}');
  });

  test('a client that disconnects during the response has no effect', async () => {
    const raw = new Raw(running.port);
    raw.socket.write('GET /slow/left HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await expect.poll(() => gates.has('left')).toBe(true);
    raw.socket.destroy();
    gates.get('left')?.();
    const answer = await fetch(`http://127.0.0.1:${running.port}/livez`);
    expect(answer.status).toBe(200);
  });
});

describe('other users of the machine', () => {
  let running: Awaited<ReturnType<typeof open>>;
  beforeAll(async () => {
    running = await open();
  });
  afterAll(async () => await running.server.drain(1000));

  const program = `
    const [port, token] = process.argv.slice(1);
    const headers = token === undefined ? {} : { authorization: 'Bearer ' + token };
    fetch('http://127.0.0.1:' + port + '/echo', { headers }).then(async (answer) => {
      console.log(answer.status, answer.headers.get('www-authenticate') !== null);
    });`;
  const asNobody = async (...args: string[]) => {
    const options = { uid: 65_534, gid: 65_534, env: {} };
    const { stdout, stderr } = await run(process.execPath, ['-e', program, String(running.port), ...args], options);
    return `${stdout.toString('utf8')}${stderr}`.trim();
  };

  // The test must be root to become another user; elsewhere the table itself is tested (tcp-table.test.ts).
  test.runIf(process.geteuid?.() === 0)('need the token', async () => {
    expect(await asNobody()).toBe('401 true');
    expect(await asNobody('wrong')).toBe('401 true');
    expect(await asNobody(OWNER_TOKEN)).toBe('200 false');
  });

  test('forwarded requests need it too: the connection is the proxy’s', async () => {
    const url = `http://127.0.0.1:${running.port}/echo`;
    expect((await fetch(url)).status).toBe(200);
    expect((await fetch(url, { headers: { 'x-forwarded-for': '10.0.0.1' } })).status).toBe(401);
  });
});

describe('behind a proxy', () => {
  test('trusts forwarded headers of trusted proxies only, and routes work with and without the base path', async () => {
    const headers = {
      'x-forwarded-for': '203.0.113.9',
      'x-forwarded-host': 'dais.example.com',
      authorization: `Bearer ${OWNER_TOKEN}`,
    };
    const trusting = await open({ trustedProxies: ['127.0.0.1'], publicUrl: 'https://dais.example.com/ml/' });
    const distrusting = await open();
    try {
      const base = `http://127.0.0.1:${trusting.port}`;
      const seen = { ip: '203.0.113.9', host: 'dais.example.com', project: [] };
      expect(await (await fetch(`${base}/ml/echo`, { headers })).json()).toEqual(seen);
      expect(await (await fetch(`${base}/echo`, { headers })).json()).toEqual(seen);
      expect(await (await fetch(`${base}/ml/p/flights/echo`, { headers })).json()).toEqual({
        ...seen,
        project: ['flights'],
      });
      const problem = (await (await fetch(`${base}/ml/nowhere`, { headers })).json()) as { type: string };
      expect(problem.type).toBe('/ml/docs/reference/errors#route_not_found');
      const own = await (await fetch(`http://127.0.0.1:${distrusting.port}/echo`, { headers })).json();
      expect(own).toMatchObject({ ip: '127.0.0.1', host: `127.0.0.1:${distrusting.port}` });
    } finally {
      await trusting.server.drain(1000);
      await distrusting.server.drain(1000);
    }
  });
});

describe('starting', () => {
  const routeGroup = (name: string, paths: string[], route: string): RouteGroup => ({
    name,
    paths,
    perProject: false,
    access: 'checked',
    compress: false,
    register: (app) => void app.get(route, () => ''),
  });

  test('fails if two adapters claim one path', async () => {
    const doors = [routeGroup('a', ['/v1/*'], '/v1/a'), routeGroup('b', ['/v1/models'], '/v1/models')];
    await expect(open({ doors })).rejects.toThrow('a and b both claim /v1/* and /v1/models');
  });

  test('fails if an adapter adds a route outside its paths', async () => {
    await expect(open({ doors: [routeGroup('a', ['/v1/*'], '/v2/a')] })).rejects.toThrow(
      'a adds the route /v2/a outside its claimed paths',
    );
  });

  test('fails if a route has no operation that is authorized', async () => {
    const operations = new Set(['secret.get']);
    await expect(open({ doors: [routeGroup('a', ['/v1/*'], '/v1/a')], operations })).rejects.toThrow(
      'a adds the route /v1/a without an operation that is authorized',
    );
    const requested: RouteGroup = {
      ...routeGroup('a', ['/v1/*'], '/v1/a'),
      register: (app) => void app.get('/v1/a', { config: { operation: 'secret.get' } }, () => ''),
    };
    const { server } = await open({ doors: [requested], operations });
    await server.drain(1000);
  });
});

describe('draining', () => {
  test('finishes active requests, rejects late ones, and closes idle connections', async () => {
    const { server, port } = await open();
    const idle = new Raw(port);
    idle.socket.write('GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await expect.poll(() => idle.text).toContain('alive');
    const running = fetch(`http://127.0.0.1:${port}/slow/drain`);
    await expect.poll(() => gates.has('drain')).toBe(true);
    let drained = false;
    const drain = server.drain(20_000).then(() => {
      drained = true;
    });
    await expect.poll(() => idle.closed).toBe(true);
    await expect(fetch(`http://127.0.0.1:${port}/livez`)).rejects.toThrow('fetch failed');
    expect(drained).toBe(false);
    gates.get('drain')?.();
    expect(await (await running).text()).toBe('done');
    await drain;
  });

  test('ends at its deadline', async () => {
    const { server, port } = await open();
    const running = fetch(`http://127.0.0.1:${port}/slow/never`);
    running.catch(() => {});
    await expect.poll(() => gates.has('never')).toBe(true);
    await server.drain(50);
    await expect(running).rejects.toThrow('fetch failed');
  });
});

test('streams a large response with constant memory, as fast as it is read', async () => {
  const { server, port } = await open();
  try {
    const megabytes = 256;
    const response = await fetch(`http://127.0.0.1:${port}/bytes/${megabytes}`, {
      headers: { 'accept-encoding': 'gzip' },
    });
    expect(response.headers.get('content-encoding')).toBeNull();
    const before = process.memoryUsage().rss;
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    let highest = before;
    let received = 0;
    let collectedAt = 0;
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      received += chunk.length;
      // Without a garbage collection, the result depends on when Node frees the chunks, not on how many are kept.
      if (received > collectedAt + 16 * 1024 * 1024) {
        collectGarbage();
        collectedAt = received;
      }
      highest = Math.max(highest, process.memoryUsage.rss());
    }
    expect(received).toBe(megabytes * 1024 * 1024);
    expect((highest - before) / 1024 / 1024).toBeLessThan(96);
  } finally {
    await server.drain(1000);
  }
});
