/** The HTTP server of Dais as the agents of tasks call it: with the client of the agent, and with raw requests. */
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { DaisError } from '@dais/api';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openFsNamedObjects } from '#engines/blobs/fs/fs-named-objects.ts';
import { AGENT_PATH } from '#engines/compute/kubernetes/agent-api.ts';
import { AgentEntrance } from '#engines/compute/kubernetes/agent-entrance.ts';
import { readBeat, readBegin, readEnd } from '#engines/compute/kubernetes/agent-messages.ts';
import { AgentSessions } from '#engines/compute/kubernetes/agent-sessions.ts';
import { DaisClient } from '#engines/compute/kubernetes/agent/dais-client.ts';
import { tokenAudience } from '#engines/compute/kubernetes/plan/names.ts';
import { openTaskObjects } from '#engines/compute/kubernetes/task-objects.ts';
import type { TaskObjects } from '#engines/compute/kubernetes/task-store.ts';
import type { AgentCall, AgentReply } from '#engines/compute/model/target.ts';
import { probeRoutes } from '#http/metrics/probe-routes.ts';
import { HttpServer } from '#http/server/http-server.ts';
import { OWNER_TOKEN, TEST_LIMITS } from '#http/testing/http-fixture.ts';
import { systemClock } from '#lib/clock.ts';
import { ConnectionError } from '#lib/kubernetes/connection-error.ts';
import { silentLog } from '#lib/log.ts';
import { OwnerAccess } from '#policy/owner-access.ts';
import { agentRoutes } from './agent-routes.ts';

const INSTALLATION = 'dais-1';
const TARGET = randomUUID();
const PROJECT = randomUUID();
const SESSION_KEY = randomBytes(32);
const sessions = new AgentSessions(SESSION_KEY);
const session = sessions.create({ attempt: 'a', podUid: 'pod', round: 1, clockOffsetMs: 0 });

let folder: string;
let server: HttpServer;
let port: number;
let url: string;
let objects: TaskObjects;
/** What `resolve` was asked for. */
let resolved: string[];
/** Answers the calls, instead of an engine on a cluster. */
let handle: (call: AgentCall) => Promise<AgentReply>;
let resolve: () => void;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-agent-routes-'));
  objects = openTaskObjects(openFsNamedObjects(folder), { partBytes: 1 << 20 });
  resolved = [];
  handle = async () => await Promise.resolve({ status: 204 });
  resolve = () => {};
  const entrance = new AgentEntrance({
    identity: async () => await Promise.resolve({ installation: INSTALLATION, sessionKey: SESSION_KEY }),
    resolve: async ({ target, project }) => {
      resolved.push(target);
      resolve();
      const isKnown = target === TARGET && project === PROJECT;
      return await Promise.resolve(isKnown ? { handle: async (call) => await handle(call) } : undefined);
    },
    clock: systemClock,
    log: silentLog,
  });
  server = await HttpServer.open({
    doors: [
      agentRoutes({ handle: async (address, call) => await entrance.handle(address, call) }),
      probeRoutes(async () => []),
    ],
    operations: new Set(),
    access: new OwnerAccess({ hosts: [], origins: [], token: OWNER_TOKEN, ownUid: process.geteuid?.() }),
    clock: systemClock,
    log: silentLog,
    limits: { ...TEST_LIMITS, bodyBytes: 1000 },
    publicUrl: undefined,
    trustedProxies: [],
    tls: undefined,
    browserPrompt: true,
    finished: () => {},
  });
  port = await server.listen('127.0.0.1', 0);
  url = `http://127.0.0.1:${port}${AGENT_PATH}/${TARGET}/${PROJECT}`;
});
afterEach(async () => {
  await server.drain(100);
  await rm(folder, { recursive: true, force: true });
});

function podToken(claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'RS256' })}.${part(claims)}.${Buffer.from('signature').toString('base64url')}`;
}

const inAnHour = () => Math.floor(Date.now() / 1000) + 3600;
const goodToken = () => podToken({ aud: [tokenAudience(INSTALLATION, 'a')], exp: inAnHour() });
const beginBody = {
  attempt: 'a',
  round: 1,
  pod: { name: 'p', uid: 'pod', ip: '10.0.0.1', node: 'n' },
  at: 1,
  resumes: false,
};

interface Sent {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

async function send(path: string, { method = 'POST', headers = {}, body }: Sent = {}) {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { authorization: `Bearer ${session}`, 'content-type': 'application/json', ...headers },
    ...(body !== undefined && { body }),
  });
  const reply = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: reply === '' ? {} : (JSON.parse(reply) as object),
  };
}

const begin = async (token: string, body: string = JSON.stringify(beginBody)) =>
  await send('/begin', { headers: { authorization: `Bearer ${token}` }, body });

test('the client of the agent sends and receives everything, over kept connections', async () => {
  const input = randomBytes(20 << 20);
  const stored = await objects.putBytes('dais/a/bytes', Readable.from([input]));
  const output = randomBytes(20 << 20);
  const given = goodToken();
  const calls: string[] = [];
  const begun: unknown[] = [];
  const logged: Buffer[] = [];
  const outputs: Buffer[] = [];
  handle = async ({ method, path, body, token }) => {
    calls.push(`${method} ${path}`);
    if (path === '/begin') {
      begun.push(token, { ...(await readBegin(body)), at: 1 });
      const order = { command: ['x'] };
      return { status: 200, json: { answer: 'go', session, order, at: 1 } };
    }
    expect(token).toBe(session);
    if (path === '/beat') {
      const { waitMs } = await readBeat(body);
      return { status: 200, json: { followed: false, nextMs: waitMs } };
    }
    if (path.startsWith('/log/')) {
      logged.push(await buffer(body));
      return path === '/log/9' ? { status: 409, json: { position: 5 } } : { status: 204 };
    }
    if (path.startsWith('/inputs/')) return { status: 200, bytes: await objects.getBytes(stored.locator) };
    if (path.startsWith('/outputs/')) {
      const { locator } = await objects.putBytes('dais/a/bytes', body);
      outputs.push(await buffer(await objects.getBytes(locator)));
      return { status: 204 };
    }
    expect(await readEnd(body)).toMatchObject({ end: 'exit', code: 0 });
    return { status: 204 };
  };
  const connections = new Set<Socket>();
  const proxy = createServer((socket) => {
    connections.add(socket);
    const to = connect(port, '127.0.0.1');
    socket.on('error', () => to.destroy());
    to.on('error', () => socket.destroy());
    socket.pipe(to).pipe(socket);
  });
  await once(proxy.listen(0, '127.0.0.1'), 'listening');
  const tokenFile = join(folder, 'token');
  await writeFile(tokenFile, `${given}\n`);
  const client = new DaisClient({
    url: url.replace(String(port), String((proxy.address() as AddressInfo).port)),
    ca: undefined,
    tokenFile,
    attempt: 'a',
    round: 1,
    pod: beginBody.pod,
    clock: systemClock,
    random: Math.random,
    log: silentLog,
    renewed: () => {},
  });
  const { signal } = new AbortController();
  try {
    expect(await client.begin(false, signal)).toMatchObject({ session });
    const beat = { phase: 'running', logPosition: 0, waitMs: 10 } as const;
    expect(await client.beat(() => beat, 10, signal)).toEqual({ followed: false, nextMs: 10 });
    expect(await client.log(0, Buffer.from('one\n'), false, signal)).toBeUndefined();
    expect(await client.log(9, Buffer.from('two\n'), true, signal)).toBeUndefined();
    let read = Buffer.alloc(0);
    await client.input(0, async (bytes) => void (read = await buffer(bytes)), signal);
    expect(read.equals(input)).toBe(true);
    await client.output(0, output.length, async () => await Promise.resolve(Readable.from([output])), signal);
    await client.output(1, 0, async () => await Promise.resolve(Readable.from([])), signal);
    const end = { end: 'exit', code: 0, endedAt: 1, memoryKills: 0, log: { position: 8 }, outputs: [] } as const;
    await client.end(end, signal);
  } finally {
    client.close();
    proxy.close();
  }
  expect(calls).toEqual([
    'POST /begin',
    'POST /beat',
    'PUT /log/0',
    'PUT /log/9?gap',
    'GET /inputs/0',
    'PUT /outputs/0',
    'PUT /outputs/1',
    'POST /end',
  ]);
  expect(begun).toEqual([given, beginBody]);
  expect(Buffer.concat(logged).toString()).toBe('one\ntwo\n');
  expect(outputs.map((bytes) => bytes.length)).toEqual([output.length, 0]);
  expect(outputs[0]?.equals(output)).toBe(true);
  expect(connections.size).toBe(1);
});

describe('an unauthenticated caller opens no target', () => {
  const exp = Math.floor(Date.now() / 1000) + 3600;
  const aud = tokenAudience(INSTALLATION, 'a');
  test.each([
    ['no token', ''],
    ['no JWT', 'abc'],
    ['a payload that is no JSON', 'a.b.c'],
    ['a payload of null', `a.${Buffer.from('null').toString('base64url')}.c`],
    ['no signature', podToken({ aud, exp }).replace(/[^.]*$/, '')],
    ['another installation', podToken({ aud: tokenAudience('dais-2', 'a'), exp })],
    ['another installation with this one as its prefix', podToken({ aud: 'dais/dais-11/a', exp })],
    ['the API server as its audience', podToken({ aud: ['https://kubernetes.default.svc'], exp })],
    ['no audience', podToken({ exp })],
    ['an end in the past', podToken({ aud, exp: exp - 3600 - 301 })],
    ['no end', podToken({ aud })],
    ['a token of Dais', OWNER_TOKEN],
    ['a session', session],
  ])('a start with %s', async (_name, token) => {
    const { status } = await begin(token);
    expect([status, resolved]).toEqual([401, []]);
  });

  test.each([
    ['no session', ''],
    [
      'a session of another key',
      new AgentSessions(randomBytes(32)).create({ attempt: 'a', podUid: 'pod', round: 1, clockOffsetMs: 0 }),
    ],
    ['a token of a pod', podToken({ aud, exp })],
    ['the token of the owner', OWNER_TOKEN],
  ])('a call with %s', async (_name, token) => {
    for (const [method, path] of [
      ['POST', '/beat'],
      ['GET', '/inputs/0'],
      ['PUT', '/outputs/0'],
      ['GET', '/begin'],
      ['POST', '/begin?x'],
    ] as const) {
      const sent = { method, headers: { authorization: `Bearer ${token}` } };
      const { status } = await send(path, method === 'GET' ? sent : { ...sent, body: '{}' });
      expect([method, path, status, resolved]).toEqual([method, path, 401, []]);
    }
  });

  test('a start with a large body', async () => {
    const { status } = await begin(goodToken(), JSON.stringify({ ...beginBody, more: 'x'.repeat(70_000) }));
    expect([status, resolved]).toEqual([413, []]);
  });

  test('a page, a cookie, and a step of this machine', async () => {
    for (const headers of [{ origin: 'http://127.0.0.1' }, { 'sec-fetch-site': 'same-origin' }]) {
      expect(await send('/beat', { headers, body: '{}' })).toMatchObject({
        status: 403,
        body: { code: 'origin_refused' },
      });
    }
    const cookie = { authorization: '', cookie: `dais_session=${OWNER_TOKEN}` };
    expect((await send('/beat', { headers: cookie, body: '{}' })).status).toBe(401);
    const steps = createServer((socket) => server.acceptFromStep(socket, 'step-1'));
    await once(steps.listen(0, '127.0.0.1'), 'listening');
    const path = new URL(url).pathname;
    const answer = httpRequest({
      port: (steps.address() as AddressInfo).port,
      path: `${path}/beat`,
      method: 'POST',
      headers: { authorization: `Bearer ${session}` },
    }).end('{}');
    const [response] = (await once(answer, 'response')) as [IncomingMessage];
    expect([response.statusCode, await text(response)]).toEqual([404, expect.stringContaining('route_not_found')]);
    steps.close();
    expect(resolved).toEqual([]);
  });

  test('a second Authorization header', async () => {
    const path = new URL(url).pathname;
    const socket = connect(port, '127.0.0.1');
    const head = `POST ${path}/beat HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n`;
    socket.end(`${head}Authorization: Bearer x\r\nAuthorization: Bearer ${session}\r\n\r\n`);
    expect(await text(socket)).toContain('400 Bad Request');
    expect(resolved).toEqual([]);
  });
});

test('a name in Host that only the cluster knows is accepted, and an older clock of the cluster too', async () => {
  const early = podToken({ aud: tokenAudience(INSTALLATION, 'a'), exp: inAnHour() - 3600 - 200 });
  const path = new URL(url).pathname;
  const request = httpRequest({
    port,
    path: `${path}/begin`,
    method: 'POST',
    headers: { host: 'dais.dais.svc:7070', authorization: `Bearer ${early}` },
  }).end(JSON.stringify(beginBody));
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.resume();
  expect([response.statusCode, resolved]).toEqual([204, [TARGET]]);
});

test('a target or project that does not exist, and addresses that are none, are not found', async () => {
  url = url.replace(TARGET, randomUUID());
  expect(await send('/beat', { body: '{}' })).toMatchObject({ status: 404, body: { code: 'not_found' } });
  expect(resolved).toHaveLength(1);
  const root = `http://127.0.0.1:${port}${AGENT_PATH}`;
  for (const path of ['/', '/a/b', `/${TARGET}`, `/${TARGET}/${PROJECT}`, `/${TARGET}/..%2f${PROJECT}/beat`]) {
    const { status } = await fetch(`${root}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${session}` },
    });
    expect([path, status]).toEqual([path, 404]);
  }
  expect(resolved).toHaveLength(1);
  const removal = await fetch(`${root}/${TARGET}/${PROJECT}/log/0`, { method: 'DELETE' });
  expect([removal.status, removal.headers.get('allow')]).toEqual([405, expect.stringMatching(/GET.*POST.*PUT/)]);
});

test('a cluster or store that is away is a 503 that is worth a retry, and reveals nothing', async () => {
  const away = [
    new ConnectionError('unreachable', 'https://10.1.2.3:6443 refuses the connection.'),
    new DaisError('target_unavailable', 'The Secret `cluster-1` is missing.'),
    new DaisError('blobs_unavailable', 'The store is away.'),
    new DaisError('keys_unavailable', 'The key store is away.'),
  ];
  for (const error of away) {
    for (const where of ['resolve', 'handle']) {
      const fail = () => {
        throw error;
      };
      resolve = where === 'resolve' ? fail : () => {};
      handle = async () => await Promise.resolve().then(fail);
      for (const reply of [await begin(goodToken()), await send('/beat', { body: '{}' })]) {
        expect([reply.status, reply.headers.get('retry-after')]).toEqual([503, '1']);
        expect(JSON.stringify(reply.body)).not.toMatch(/10\.1\.2\.3|cluster-1/);
      }
    }
  }
});

test('at most 32 starts are verified at a time, and others wait for their turn', async () => {
  let inFlight = 0;
  let most = 0;
  const gate = Promise.withResolvers<void>();
  handle = async () => {
    inFlight += 1;
    most = Math.max(most, inFlight);
    await gate.promise;
    inFlight -= 1;
    return { status: 204 };
  };
  const begins = Array.from({ length: 50 }, async () => await begin(goodToken()));
  await expect.poll(() => inFlight, { interval: 10 }).toBe(32);
  // They do not delay agents that have begun.
  const beat = send('/beat', { body: '{}' });
  await expect.poll(() => inFlight, { interval: 10 }).toBe(33);
  gate.resolve();
  expect((await beat).status).toBe(204);
  expect((await Promise.all(begins)).every(({ status }) => status === 204)).toBe(true);
  expect(most).toBe(33);
});

describe('streams', () => {
  const agent = new Agent({ keepAlive: false });
  const open = (method: string, path: string, headers: Readonly<Record<string, string | number>> = {}) =>
    httpRequest(`${url}${path}`, { method, agent, headers: { authorization: `Bearer ${session}`, ...headers } });

  test('an upload that breaks off leaves no object', async () => {
    const ended = Promise.withResolvers<unknown>();
    handle = async ({ body }) => {
      await objects.putBytes('dais/a/bytes', body).then(ended.resolve, ended.resolve);
      return { status: 204 };
    };
    const request = open('PUT', '/outputs/0', { 'content-length': 50 << 20 });
    request.on('error', () => {});
    request.write(randomBytes(5 << 20));
    const parts = async () => (await readdir(folder, { recursive: true })).filter((name) => /\/\d{6}$/.test(name));
    await expect.poll(async () => (await parts()).length, { interval: 10 }).toBeGreaterThan(2);
    request.destroy();
    expect(await ended.promise).toMatchObject({ code: 'unreadable_body' });
    expect(await readdir(folder)).toEqual([]);
  });

  test('a download is read as fast as the agent reads, and ends with it', async () => {
    const block = Buffer.alloc(1 << 20);
    let sent = 0;
    const bytes = new Readable({
      read: () => {
        sent += 1;
        bytes.push(block);
      },
    });
    handle = async () => await Promise.resolve({ status: 200, bytes });
    const request = open('GET', '/inputs/0').end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    let before = -1;
    while (sent !== before) {
      before = sent;
      await new Promise<void>((wake) => void systemClock.after(200, wake));
    }
    expect(sent).toBeLessThan(30);
    response.destroy();
    await once(bytes, 'close');
    expect(bytes.destroyed).toBe(true);
  });

  test('bytes that fail after their start end the connection, so that the agent sees no complete response', async () => {
    handle = async () => {
      const bytes = new Readable({ read: () => {} });
      bytes.push(Buffer.alloc(1000));
      systemClock.after(100, () => bytes.destroy(new DaisError('blobs_unavailable', 'The store is away.')));
      return await Promise.resolve({ status: 200, bytes });
    };
    const request = open('GET', '/inputs/0').end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    await expect(buffer(response)).rejects.toThrow('aborted');
  });

  test('a rejected upload is answered at once', async () => {
    handle = async () => await Promise.resolve({ status: 410, json: { reason: 'The attempt is over.' } });
    const request = open('PUT', '/outputs/0', { 'content-length': 50 << 20 });
    request.on('error', () => {});
    request.write(randomBytes(5 << 20));
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    expect([response.statusCode, await text(response)]).toEqual([410, '{"reason":"The attempt is over."}']);
    request.destroy();
  });

  test('a waiting beat ends when the agent disconnects, and when the server drains', async () => {
    const waiting: AbortSignal[] = [];
    handle = async ({ signal }) => {
      waiting.push(signal as AbortSignal);
      if (signal !== undefined) await once(signal, 'abort');
      return { status: 200, json: { followed: false, nextMs: 10 } };
    };
    const first = open('POST', '/beat').end('{}');
    first.on('error', () => {});
    await expect.poll(() => waiting.length, { interval: 10 }).toBe(1);
    first.destroy();
    await expect.poll(() => waiting[0]?.aborted, { interval: 10 }).toBe(true);
    const second = open('POST', '/beat').end('{}');
    const response = once(second, 'response') as Promise<[IncomingMessage]>;
    await expect.poll(() => waiting.length, { interval: 10 }).toBe(2);
    const drained = server.drain(60_000);
    const [{ statusCode }] = await response;
    await drained;
    expect(statusCode).toBe(200);
  });
});
