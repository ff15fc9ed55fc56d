import { createServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, test } from 'vitest';
import type { Address } from './address-guard.ts';
import { TestNet } from './outbound.testing.ts';

const net = new TestNet();
afterEach(async () => await net.end());
const refused = { code: 'address_refused' };

describe('calls', () => {
  test('send the request as given and return the response', async () => {
    const url = await net.serve((request, response) => {
      void text(request).then((body) => {
        response.writeHead(201, { 'X-Seen': `${request.method} ${request.url} ${request.headers['user-agent']}` });
        response.end(`${request.headers['content-type']}:${body}`);
      });
    });
    const answer = await net.client().send({
      url: `${url}/a%20b?q=1#fragment`,
      method: 'post',
      headers: { 'Content-Type': 'text/plain' },
      body: 'hello',
    });
    expect(answer.status).toBe(201);
    expect(answer.headers['x-seen']).toBe('POST /a%20b?q=1 dais/test');
    expect(answer.body.toString()).toBe('text/plain:hello');
  });

  test('stream bodies both ways', async () => {
    const url = await net.serve((request, response) => request.pipe(response));
    const pieces = Array.from({ length: 64 }, (_, index) => Buffer.alloc(65_536, index));
    const answer = await net.client().stream({ url, method: 'PUT', body: Readable.from(pieces) });
    let size = 0;
    for await (const chunk of answer.body) size += (chunk as Buffer).length;
    expect(size).toBe(64 * 65_536);
  });

  test('an unwanted body is discarded, with its connection', async () => {
    const closed: Promise<unknown>[] = [];
    const url = await net.serve((request, response) => {
      closed.push(new Promise((resolve) => request.socket.once('close', resolve)));
      response.writeHead(200).write('a');
    });
    const outbound = net.client();
    (await outbound.stream({ url })).body.destroy();
    const { body } = await outbound.stream({ url });
    for await (const chunk of body) if (String(chunk) === 'a') break;
    await Promise.all(closed);
    expect(closed).toHaveLength(2);
  });

  test.each([
    ['with a length', 'Content-Length: 131072\r\n', 'whole'],
    ['without a length', '', 'whole'],
    ['cut off', 'Content-Length: 131073\r\n', 'failed'],
  ])('a peer that closes before its response is read: %s', async (_title, header, expected) => {
    const server = createTcpServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => {
        socket.end(`HTTP/1.1 200 OK\r\n${header}Connection: close\r\n\r\n${'a'.repeat(131_072)}`);
      });
    });
    const url = `http://127.0.0.1:${await net.listen(server)}`;
    const { body } = await net.client().stream({ url });
    // Enough to fill the buffers on the way: only the end remains in the socket. Its arrival cannot be observed; a wait
    // that is too short only weakens the test.
    await new Promise((resolve) => void setTimeout(resolve, 300));
    const read = text(body).then(
      ({ length }) => (length === 131_072 ? 'whole' : `${length} bytes`),
      () => 'failed',
    );
    expect(await read).toBe(expected);
  });

  test('an error status is an answer', async () => {
    const url = await net.serve((_, response) => response.writeHead(503, { 'Retry-After': '7' }).end('busy'));
    expect(await net.client().send({ url })).toMatchObject({ status: 503, headers: { 'retry-after': '7' } });
  });

  test('an answer larger than allowed is cut off', async () => {
    const url = await net.serve((_, response) => {
      response.writeHead(200);
      const more = () => {
        while (response.write(Buffer.alloc(65_536))) if (response.destroyed) return;
        response.once('drain', more);
      };
      more();
    });
    await expect(net.client().send({ url: `${url}/?token=hunter2`, maxBytes: 100_000 })).rejects.toMatchObject({
      code: 'upstream_failed',
      message: `the response of ${url} has more than 100000 bytes`,
    });
    await expect(net.client().send({ url })).rejects.toThrow(`more than ${1 << 20} bytes`);
  });

  test('time limits: headers, pauses in the body, the total', async () => {
    const silent = await net.serve(() => {});
    const stuck = await net.serve((_, response) => response.writeHead(200).write('a'));
    const outbound = net.client();
    const limits = { headersMs: 0, idleMs: 0, totalMs: 0 };
    await Promise.all([
      expect(outbound.send({ url: silent, timeouts: { ...limits, headersMs: 100 } })).rejects.toThrow(
        `${silent} did not respond within 100 ms`,
      ),
      expect(outbound.send({ url: stuck, timeouts: { ...limits, idleMs: 100 } })).rejects.toThrow(
        `${stuck} sent no data for 100 ms`,
      ),
      expect(outbound.send({ url: stuck, timeouts: { ...limits, totalMs: 100 } })).rejects.toThrow(
        `${stuck} did not complete within 100 ms`,
      ),
      expect(outbound.send({ url: silent, timeouts: { ...limits, totalMs: 100 } })).rejects.toThrow(
        `${silent} did not complete within 100 ms`,
      ),
    ]);
  });

  test('time limit: a connection that is never finished', async () => {
    // A TLS handshake without a response counts as connecting.
    const port = await net.listen(createTcpServer(() => {}));
    await expect(
      net.client({ timeouts: { connectMs: 200 } }).send({ url: `https://127.0.0.1:${port}` }),
    ).rejects.toThrow('did not accept a connection within 200 ms');
  });

  test('the caller’s own signal has priority, with its reason', async () => {
    const url = await net.serve(() => {});
    const unfinished = await net.listen(createTcpServer(() => {}));
    const stop = new AbortController();
    const calls = [url, `https://127.0.0.1:${unfinished}`].map((address) =>
      net.client().send({ url: address, signal: stop.signal }),
    );
    const reason = new Error('enough');
    stop.abort(reason);
    for (const call of calls) await expect(call).rejects.toBe(reason);
    await expect(net.client().send({ url, signal: stop.signal })).rejects.toBe(reason);
  });

  test('failures name the origin and the reason, never path, query or headers', async () => {
    const port = await net.listen(createTcpServer((socket) => socket.destroy()));
    const failure: unknown = await net
      .client()
      .send({ url: `http://127.0.0.1:${port}/secret-path?key=hunter2`, headers: { authorization: 'hunter2' } })
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: 'upstream_failed',
      message: `http://127.0.0.1:${port} closed the connection`,
    });
    const closed = await net.serve(() => {});
    await net.endLast();
    await expect(net.client().send({ url: closed })).rejects.toThrow(`${closed} refuses the connection`);
    await expect(
      net.client({ resolve: async () => [] }).send({ url: 'http://nowhere.example/' }),
    ).rejects.toMatchObject({
      code: 'upstream_failed',
      message: 'the name nowhere.example has no address',
    });
  });

  test('a closed client makes no calls', async () => {
    const outbound = net.client();
    await outbound.close();
    await expect(outbound.send({ url: await net.serve(() => {}) })).rejects.toThrow('the client is closed');
  });
});

describe('addresses that may not be called', () => {
  const hits: string[] = [];
  async function target() {
    hits.length = 0;
    return await net.listen(
      createServer((request, response) => {
        hits.push(request.url ?? '');
        response.end('inside');
      }),
    );
  }
  const inside: Record<string, readonly Address[]> = {
    'rebind.example': [{ address: '127.0.0.1', family: 4 }],
    'mixed.example': [
      { address: '192.0.1.1', family: 4 },
      { address: '127.0.0.1', family: 4 },
    ],
  };
  const strict = () => net.client({ allowHosts: [], resolve: async (name) => inside[name] ?? [] });

  test.each([
    '127.0.0.1',
    '127.1',
    '2130706433',
    '0x7f000001',
    '0177.0.0.1',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[64:ff9b::7f00:1]',
    '[::1]',
    '0.0.0.0',
    'rebind.example',
    'mixed.example',
  ])('%s', async (host) => {
    const port = await target();
    for (const scheme of ['http', 'https']) {
      await expect(strict().send({ url: `${scheme}://${host}:${port}/` })).rejects.toMatchObject(refused);
    }
    expect(hits).toEqual([]);
  });

  test.each([
    'file:///etc/passwd',
    'ftp://93.184.216.34/',
    'gopher://127.0.0.1/',
    'data:text/plain,x',
    'not a url',
    '',
  ])('the scheme of %j', async (url) => {
    await expect(net.client().send({ url })).rejects.toMatchObject(refused);
  });

  test('credentials in the URL are rejected and not repeated', async () => {
    const port = await target();
    const call = net.client().send({ url: `http://user:hunter2@127.0.0.1:${port}/` });
    await expect(call).rejects.toMatchObject(refused);
    await expect(call).rejects.not.toThrow(/hunter2|user/);
  });

  test('a connection uses the checked address, even if the name resolves differently later', async () => {
    const port = await target();
    let requested = 0;
    const outbound = net.client({
      allowHosts: ['127.0.0.1'],
      resolve: async () => {
        requested += 1;
        return [{ address: requested === 1 ? '127.0.0.1' : '169.254.169.254', family: 4 }];
      },
    });
    expect((await outbound.send({ url: `http://rebind.example:${port}/one` })).body.toString()).toBe('inside');
    expect(requested).toBe(1);
    expect(hits).toEqual(['/one']);
  });

  test('a trusted call may go inside, and its connection is not lent to a guarded one', async () => {
    const port = await target();
    const outbound = strict();
    const url = `http://rebind.example:${port}/`;
    expect((await outbound.send({ url: url.replace('rebind.example', '127.0.0.1'), trusted: true })).status).toBe(200);
    await expect(outbound.send({ url: url.replace('rebind.example', '127.0.0.1') })).rejects.toMatchObject(refused);
    expect(hits).toEqual(['/']);
  });

  test('an allowed host on one port opens no other port', async () => {
    const [one, two] = [await target(), await target()];
    const outbound = net.client({ allowHosts: [`127.0.0.1:${one}`] });
    expect((await outbound.send({ url: `http://127.0.0.1:${one}/` })).status).toBe(200);
    await expect(outbound.send({ url: `http://127.0.0.1:${two}/` })).rejects.toMatchObject(refused);
    const named = net.client({ allowHosts: [`hooks.internal:${one}`], resolve: async () => inside['rebind.example']! });
    expect((await named.send({ url: `http://hooks.internal:${one}/` })).status).toBe(200);
    await expect(named.send({ url: `http://hooks.internal:${two}/` })).rejects.toMatchObject(refused);
  });
});

describe('connections that do not speak HTTP', () => {
  test('go to checked addresses only', async () => {
    const port = await net.listen(createTcpServer((socket) => socket.end('hello')));
    const resolve = async (): Promise<Address[]> => [{ address: '127.0.0.1', family: 4 }];
    const allowed = net.client({ allowHosts: [`127.0.0.1:${port}`], resolve });
    for (const host of ['mail.internal', '127.0.0.1', '0x7f.1']) {
      expect(await text(await allowed.connect(host, port))).toBe('hello');
    }
    const strict = net.client({ allowHosts: [], resolve });
    for (const host of ['mail.internal', '127.0.0.1', '::ffff:127.0.0.1', '2130706433', 'a b']) {
      await expect(strict.connect(host, port)).rejects.toMatchObject(refused);
      await expect(strict.checkHost(host, port)).rejects.toMatchObject(refused);
    }
    await expect(allowed.checkHost('mail.internal', port)).resolves.toBeUndefined();
  });

  test('fail with messages', async () => {
    const port = await net.listen(createTcpServer(() => {}));
    await net.endLast();
    await expect(net.client().connect('127.0.0.1', port)).rejects.toMatchObject({
      code: 'upstream_failed',
      message: `127.0.0.1:${port} refuses the connection`,
    });
    const stop = AbortSignal.abort(new Error('enough'));
    await expect(net.client().connect('127.0.0.1', port, stop)).rejects.toThrow('enough');
  });
});

test('an address can be checked without a call', async () => {
  const resolve = async (name: string): Promise<Address[]> => {
    if (name === 'public.example') return [{ address: '93.184.216.34', family: 4 }];
    if (name === 'rebind.example') return [{ address: '127.0.0.1', family: 4 }];
    throw Object.assign(new Error('no'), { code: 'ENOTFOUND' });
  };
  const direct = net.client({ allowHosts: [], resolve });
  await expect(direct.check('https://public.example/x')).resolves.toBeUndefined();
  await expect(direct.check('https://rebind.example/x')).rejects.toMatchObject(refused);
  await expect(direct.check('https://unknown.example/x')).rejects.toMatchObject({ code: 'upstream_failed' });
  await expect(direct.check('ftp://public.example/x')).rejects.toMatchObject(refused);
  const proxied = net.client({ allowHosts: [], resolve, proxy: { httpsProxy: 'http://127.0.0.1:1', noProxy: [] } });
  await expect(proxied.check('https://unknown.example/x')).resolves.toBeUndefined();
  await expect(proxied.check('https://rebind.example/x')).rejects.toMatchObject(refused);
});

describe('redirects', () => {
  const redirect = async (status: number, location: string) =>
    await net.serve((_, response) => response.writeHead(status, { location }).end());
  const echo = async () =>
    await net.serve((request, response) => {
      void text(request).then((body) =>
        response.end(JSON.stringify({ method: request.method, body, headers: request.headers })),
      );
    });
  const read = (body: Buffer) =>
    JSON.parse(body.toString()) as { method: string; body: string; headers: Record<string, string> };

  test('are not followed by default', async () => {
    const url = await redirect(302, 'http://169.254.169.254/');
    expect(await net.client().send({ url })).toMatchObject({
      status: 302,
      headers: { location: 'http://169.254.169.254/' },
    });
  });

  test.each([
    'http://169.254.169.254/latest/meta-data',
    'http://0x7f.2/',
    'http://[::ffff:7f00:1]/',
    'file:///etc/passwd',
    '//169.254.169.254/',
  ])('refuses %s', async (location) => {
    const url = await redirect(302, location);
    await expect(net.client().send({ url, redirects: 5 })).rejects.toMatchObject(refused);
  });

  test('refuses a name that resolves to an internal address', async () => {
    const url = await redirect(307, 'http://rebind.example/');
    const resolve = async (): Promise<Address[]> => [{ address: '10.0.0.1', family: 4 }];
    await expect(net.client({ resolve }).send({ url, redirects: 1 })).rejects.toThrow(
      'rebind.example resolves to 10.0.0.1',
    );
  });

  test('to another origin carry no authority', async () => {
    const url = await redirect(307, await echo());
    const answer = await net.client().send({
      url,
      method: 'POST',
      redirects: 1,
      headers: { Authorization: 'Bearer hunter2', Cookie: 'a=b', 'X-Api-Key': 'k', 'Content-Type': 'text/plain' },
      body: 'again',
    });
    const seen = read(answer.body);
    expect(seen).toMatchObject({ method: 'POST', body: 'again', headers: { 'content-type': 'text/plain' } });
    expect(Object.keys(seen.headers)).not.toEqual(expect.arrayContaining(['authorization']));
    expect(seen.headers).not.toHaveProperty('cookie');
    expect(seen.headers).not.toHaveProperty('x-api-key');
  });

  test('a 303 becomes a GET without a body', async () => {
    const url = await redirect(303, await echo());
    const answer = await net.client().send({ url, method: 'POST', body: 'x', redirects: 1 });
    expect(read(answer.body)).toMatchObject({ method: 'GET', body: '' });
    expect(read(answer.body).headers).not.toHaveProperty('content-length');
  });

  test('end after the requested number, at most five', async () => {
    let hops = 0;
    const url = await net.serve((_, response) => {
      hops += 1;
      response.writeHead(302, { location: '/again' }).end();
    });
    await expect(net.client().send({ url, redirects: 2 })).rejects.toThrow('redirects more than 2 times');
    expect(hops).toBe(3);
    await expect(net.client().send({ url, redirects: 50 })).rejects.toThrow('redirects more than 5 times');
  });

  test('a body that can be sent only once is not sent twice', async () => {
    const url = await redirect(307, '/again');
    const body = Readable.from([Buffer.from('x')]);
    await expect(net.client().send({ url, method: 'POST', body, redirects: 1 })).rejects.toThrow('only once');
  });
});
