import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ManualClock } from '#lib/manual-clock.testing.ts';
import { configMap, sendJson, sendList, sendStatus, TestApiServer } from './api-server.testing.ts';
import { ApiError } from './api-error.ts';
import { classifyFailure } from './classify-failure.ts';
import type { ExecPlugin } from './cluster-config.ts';
import type { Collection, ObjectReference } from './kubernetes-object.ts';

const configMaps: Collection = { version: 'v1', resource: 'configmaps', namespace: 'default' };
const one: ObjectReference = { ...configMaps, name: 'one' };
const limits = { requestMs: 60_000, responseBytes: 1 << 20, sockets: 4 };
let server: TestApiServer;
let folder: string;
beforeEach(async () => {
  server = await TestApiServer.start();
  folder = await mkdtemp(join(tmpdir(), 'dais-kubernetes-'));
});
afterEach(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Returns the error that `call` throws. */
async function failureOf(call: Promise<unknown>): Promise<Error> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error)) throw new Error('the call succeeded');
  return error;
}

describe('requests', () => {
  test('have the path, query, type and body that the API expects', async () => {
    server.respond = (_, response) => sendJson(response, 200, configMap('one'));
    const client = server.client({ config: { credential: { type: 'token', token: 'abc' } } });
    await client.apply(one, configMap('one'), { force: true, dryRun: true });
    await client.patch(one, { merge: { data: { a: 'b' }, metadata: { labels: { a: 'b' } } }, resourceVersion: '7' });
    await client.patch(one, { operations: [{ op: 'remove', path: '/data/a' }], resourceVersion: '7' });
    await client.delete(one, {
      propagationPolicy: 'Background',
      uid: 'u',
      resourceVersion: '7',
      gracePeriodSeconds: 0,
    });
    await client.create({ group: 'batch', version: 'v1', resource: 'jobs', namespace: 'a' }, configMap('x'));
    await client.review({ ...one, resource: 'serviceaccounts', subresource: 'token' }, { kind: 'TokenRequest' });
    await client.read('/version');
    await client.read({ ...one, resource: 'pods', subresource: 'log' }, { container: 'agent', tailLines: '5' });
    const sent = await Promise.all(
      server.received.map(async ({ method, path, query, headers, body }) => ({
        line: `${method} ${path}${query.size > 0 ? `?${query.toString()}` : ''}`,
        type: headers['content-type'],
        body: await body,
      })),
    );
    expect(sent).toMatchSnapshot();
    for (const { headers } of server.received) {
      expect(headers).toMatchObject({ authorization: 'Bearer abc', 'user-agent': 'dais' });
    }
  });

  test('cannot address another object by a name with a slash', async () => {
    for (const name of ['../secrets/x', '..', '', 'a%2fb']) {
      expect((await failureOf(server.client().get({ ...one, name }))).message).toContain('cannot be a part');
    }
    expect(server.received).toEqual([]);
  });

  test('use a bounded number of kept connections', async () => {
    server.respond = (_, response) => sendJson(response, 200, configMap('one'));
    const client = server.client({ limits });
    for (let round = 0; round < 3; round += 1) {
      await Promise.all(Array.from({ length: 40 }, async () => await client.get(one)));
    }
    expect(server.mostSockets).toBe(4);
    expect(new Set(server.received.map(({ socket }) => socket)).size).toBe(4);
  });

  test('are repeated on a closed kept connection only if a repetition changes nothing', async () => {
    const used = new WeakSet<Socket>();
    server.respond = ({ socket }, response) => {
      // A server or a load balancer that closes an idle connection in this moment.
      if (used.has(socket)) socket.destroy();
      else sendJson(response, 200, configMap('one'));
      used.add(socket);
    };
    const client = server.client();
    await client.get(one);
    expect((await client.get(one)).metadata.name).toBe('one');
    const error = await failureOf(client.create(configMaps, configMap('two')));
    expect(classifyFailure(error)).toMatchObject({ kind: 'connection', isRetryable: true });
    expect(server.received.map(({ method }) => method)).toEqual(['GET', 'GET', 'GET', 'POST']);
  });

  test('of writes are paced', async () => {
    const clock = new ManualClock();
    server.respond = (_, response) => sendJson(response, 201, configMap('one'));
    const client = server.client({ clock, writesPerSecond: 10 });
    clock.advance(1000);
    const writes = Promise.all(Array.from({ length: 15 }, async () => await client.create(configMaps, configMap('x'))));
    await expect.poll(() => server.received.length).toBe(10);
    await client.get(one);
    expect(server.received.filter(({ method }) => method === 'POST')).toHaveLength(10);
    clock.advance(500);
    await writes;
    expect(server.received.filter(({ method }) => method === 'POST')).toHaveLength(15);
  });

  test('end when their signal aborts', async () => {
    server.respond = () => {};
    const controller = new AbortController();
    const call = failureOf(server.client().get(one, { signal: controller.signal }));
    await expect.poll(() => server.received.length).toBe(1);
    const reason = new Error('the caller stops');
    controller.abort(reason);
    expect(await call).toBe(reason);
    expect(await failureOf(server.client().get(one, { signal: controller.signal }))).toBe(reason);
  });
});

describe('responses', () => {
  test('that do not start, or do not end, in time are an error', async () => {
    const client = server.client({ limits: { requestMs: 200 } });
    server.respond = () => {};
    const expected = { kind: 'connection', isRetryable: true };
    const late = await failureOf(client.get(one));
    expect(late.message).toContain('did not complete its response within 0.2 s');
    expect(classifyFailure(late)).toMatchObject(expected);
    server.respond = (_, response) => void response.writeHead(200).write('{"kind":');
    const cut = await failureOf(client.get(one));
    expect(cut.message).toContain('did not complete its response within 0.2 s');
    expect((await failureOf(client.get(one, { timeoutMs: 100 }))).message).toContain('within 0.1 s');
  });

  test('beyond the size limit are an error, and the connection ends', async () => {
    server.respond = (_, response) => {
      response.writeHead(200);
      const send = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536, 'x')));
        response.once('drain', send);
      };
      send();
    };
    const error = await failureOf(server.client({ limits }).read('/logs'));
    expect(error.message).toContain('returned more than 1048576 bytes');
    expect(classifyFailure(error)).toMatchObject({ kind: 'connection', isRetryable: false });
  });

  test('that are cut or no object are an error', async () => {
    server.respond = ({ socket }, response) => {
      response.writeHead(200, { 'content-length': 100 }).write('{"kind":');
      setImmediate(() => socket.destroy());
    };
    const client = server.client();
    expect((await failureOf(client.get(one))).message).toContain('closed the connection before the end');
    for (const body of ['<html>sign in</html>', 'null', '{}']) {
      server.respond = (_, response) => void response.end(body);
      expect((await failureOf(client.get(one))).message).toContain('returned no Kubernetes object');
    }
    server.respond = (_, response) => void response.writeHead(302, { location: 'https://other.example' }).end();
    expect(await failureOf(client.get(one))).toMatchObject({ status: 302 });
  });

  test('with 429 name the time to wait', async () => {
    server.respond = (_, response) => {
      sendStatus(response, 429, 'TooManyRequests', 'too many requests', { 'retry-after': '3' });
    };
    const error = await failureOf(server.client().get(one));
    expect(classifyFailure(error)).toMatchObject({ kind: 'throttled', isRetryable: true, retryAfterMs: 3000 });
  });
});

describe('lists', () => {
  test('join their pages and complete the type of items', async () => {
    server.respond = ({ query }, response) => {
      const next = query.get('continue');
      const items = [{ metadata: { name: next ?? 'first' } }];
      sendList(response, items, { resourceVersion: '9', ...(next === null && { continue: 'second' }) });
    };
    const list = await server.client().list(configMaps, { labelSelector: 'a=b', fieldSelector: 'metadata.name!=x' });
    expect(list).toEqual({
      resourceVersion: '9',
      items: ['first', 'second'].map((name) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } })),
    });
    expect(server.received.map(({ query }) => query.toString())).toEqual([
      'labelSelector=a%3Db&fieldSelector=metadata.name%21%3Dx&limit=500',
      'labelSelector=a%3Db&fieldSelector=metadata.name%21%3Dx&limit=500&continue=second',
    ]);
  });

  test('start again when their state expires, and the second time without pages', async () => {
    let starts = 0;
    server.respond = ({ query }, response) => {
      if (query.has('continue'))
        return sendStatus(response, 410, 'Expired', 'The provided continue parameter is too old');
      starts += 1;
      const metadata = { resourceVersion: `${starts}`, ...(query.has('limit') && { continue: 'next' }) };
      sendList(response, [{ metadata: { name: `of ${starts}` } }], metadata);
    };
    const list = await server.client().list(configMaps, { project: ({ metadata }) => metadata.name });
    expect(list).toEqual({ items: ['of 3'], resourceVersion: '3' });
    server.respond = (_, response) => sendStatus(response, 410, 'Expired', 'too old');
    expect(classifyFailure(await failureOf(server.client().list(configMaps)))).toMatchObject({ kind: 'expired' });
  });
});

describe('TLS', () => {
  test('errors say what to do', async () => {
    const other = await TestApiServer.start();
    try {
      const untrusted = server.client({ config: { ca: other.tls.ca } });
      expect((await failureOf(untrusted.get(one))).message).toContain('has a certificate of an unknown authority');
      const misnamed = server.client({ config: { serverName: 'kubernetes' } });
      expect((await failureOf(misnamed.get(one))).message).toMatch(/certificate for other names \(.*DNS:localhost/);
      server.respond = (_, response) => sendJson(response, 200, configMap('one'));
      await server.client({ config: { serverName: 'localhost' } }).get(one);
      await server.client({ config: { ca: other.tls.ca, isInsecure: true } }).get(one);
      const address = new URL(`http://127.0.0.1:${other.port}`);
      const plain = createServer((_, response) => void response.end('plain'));
      await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
      address.port = String((plain.address() as AddressInfo).port);
      const port = server.client({ config: { server: new URL(address.href.replace('http:', 'https:')) } });
      expect((await failureOf(port.get(one))).message).toContain('does not speak TLS on this port');
      plain.closeAllConnections();
      await new Promise((resolve) => plain.close(resolve));
      expect((await failureOf(port.get(one))).message).toContain('refuses the connection');
    } finally {
      await other.stop();
    }
  });

  test('sends the client certificate', async () => {
    const { tls } = server;
    server.respond = ({ socket }, response) => {
      sendJson(response, 200, configMap('one', '1', { subject: socket.getPeerCertificate().subject.CN }));
    };
    const certificate = { cert: tls.cert, key: tls.key };
    const client = server.client({ config: { credential: { type: 'certificate', certificate } } });
    expect((await client.get(one))['subject']).toBe('localhost');
  });

  test('reaches the server through the proxy of the kubeconfig', async () => {
    const tunnels: string[] = [];
    let status = 200;
    const sockets = new Set<Socket>();
    const proxy = createServer();
    proxy.on('connect', (request: IncomingMessage, client: Socket) => {
      tunnels.push(`${request.url} ${request.headers['proxy-authorization'] ?? ''}`);
      if (status !== 200) {
        client.end(`HTTP/1.1 ${status} Refused\r\n\r\n`);
        return;
      }
      const upstream = connect(server.port, '127.0.0.1', () => {
        client.write('HTTP/1.1 200 OK\r\n\r\n');
        client.pipe(upstream).pipe(client);
      });
      for (const socket of [client, upstream]) sockets.add(socket.on('error', () => {}));
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    try {
      const url = `http://user:pass@127.0.0.1:${(proxy.address() as AddressInfo).port}`;
      server.respond = (_, response) => sendJson(response, 200, configMap('one'));
      const config = { proxy: url, server: new URL(`https://localhost:${server.port}/prefix/`) };
      const client = server.client({ config });
      await client.get(one);
      await client.get(one);
      expect(tunnels).toEqual([`localhost:${server.port} Basic ${Buffer.from('user:pass').toString('base64')}`]);
      expect(server.received[0]?.path).toBe('/prefix/api/v1/namespaces/default/configmaps/one');
      status = 407;
      const error = await failureOf(server.client({ config }).get(one));
      expect(error.message).toContain('the proxy responds with status 407. Check `proxy-url`.');
      expect(error.message).not.toContain('pass');
    } finally {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => proxy.close(resolve));
    }
  });
});

describe('a credential program', () => {
  /** A shell script that counts its runs. */
  async function program(body: string): Promise<ExecPlugin> {
    const command = join(folder, 'plugin');
    await writeFile(command, `#!/bin/sh\necho run >> '${folder}/runs'\n${body}\n`);
    await chmod(command, 0o755);
    const apiVersion = 'client.authentication.k8s.io/v1';
    return { command, args: ['get-token'], variables: { AWS_PROFILE: 'p' }, apiVersion, clusterInfo: { server: 's' } };
  }
  const runs = async () => (await readFile(join(folder, 'runs'), 'utf8')).split('\n').length - 1;
  const environment = { PATH: '/usr/bin:/bin' };
  const output = (token: string) =>
    JSON.stringify({ kind: 'ExecCredential', apiVersion: 'client.authentication.k8s.io/v1', status: { token } });

  test('runs once for concurrent requests, and once more after a 401', async () => {
    const text = output('token-NUMBER').replace('NUMBER', `'$(wc -l < '${folder}/runs' | tr -d ' ')'`);
    const plugin = await program(`echo '${text}'`);
    let accepted = 'Bearer token-1';
    server.respond = ({ headers }, response) => {
      if (headers.authorization === accepted) sendJson(response, 200, configMap('one'));
      else sendStatus(response, 401, 'Unauthorized', 'Unauthorized');
    };
    const client = server.client({ environment, config: { credential: { type: 'exec', plugin } } });
    const requests = async () => await Promise.all(Array.from({ length: 8 }, async () => await client.get(one)));
    await requests();
    expect(await runs()).toBe(1);
    accepted = 'Bearer token-2';
    await requests();
    expect(await runs()).toBe(2);
    accepted = 'Bearer none';
    expect(classifyFailure(await failureOf(client.get(one)))).toMatchObject({ kind: 'unauthenticated' });
    expect(await runs()).toBe(2);
  });

  test('gets its arguments, variables and KUBERNETES_EXEC_INFO', async () => {
    const plugin = await program(
      `printf '%s %s %s' "$*" "$AWS_PROFILE" "$KUBERNETES_EXEC_INFO" > '${folder}/input'\necho '${output('t')}'`,
    );
    server.respond = (_, response) => sendJson(response, 200, configMap('one'));
    await server.client({ environment, config: { credential: { type: 'exec', plugin } } }).get(one);
    expect(await readFile(join(folder, 'input'), 'utf8')).toBe(
      'get-token p {"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","spec":{"interactive":false,"cluster":{"server":"s"}}}',
    );
  });

  test('that fails is an error with its code and the first line of its error, without a token', async () => {
    const secret = 'eyJhbGciOiJSUzI1NiIsImtpZCI6IjEyMzQ1Njc4OTAifQ';
    const plugin = await program(`echo '' >&2; echo 'Expired login: token=${secret}' >&2; echo 'more' >&2; exit 3`);
    const client = server.client({ environment, config: { credential: { type: 'exec', plugin } } });
    const error = await failureOf(client.get(one));
    expect(error.message).toBe(
      `The credential program \`${plugin.command}\` ended with code 3: Expired login: token=…. Run it on the machine of Dais to see why.`,
    );
    expect(server.received).toEqual([]);
    const missing = { ...plugin, command: 'dais-no-such-program', installHint: 'Install it from example.com.' };
    const without = server.client({ environment, config: { credential: { type: 'exec', plugin: missing } } });
    expect((await failureOf(without.get(one))).message).toBe(
      'The credential program `dais-no-such-program` is not installed. Install it from example.com.',
    );
  });

  test('that returns too much is an error', async () => {
    const plugin = await program(`head -c 1000000 /dev/zero`);
    const client = server.client({ environment, config: { credential: { type: 'exec', plugin } } });
    expect((await failureOf(client.get(one))).message).toContain('returned more than 262144 bytes');
  });
});

test('an API error keeps what the API server sent', async () => {
  server.respond = (_, response) => sendStatus(response, 404, 'NotFound', 'configmaps "one" not found');
  const error = await failureOf(server.client().get(one));
  expect(error).toBeInstanceOf(ApiError);
  expect(error).toMatchObject({ status: 404, reason: 'NotFound', message: 'configmaps "one" not found' });
});
