/** Calls to a server that fails in all ways. */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock, type Clock } from '#lib/clock.ts';
import { makeCertificates } from '#lib/crypto/certificates.testing.ts';
import { silentLog } from '#lib/log.ts';
import { GoneError, RejectedCall, SilenceError } from './call-errors.ts';
import { DaisClient } from './dais-client.ts';
import { LocalProblem } from './dais-connection.ts';

type Handler = (request: IncomingMessage, response: ServerResponse, body: Buffer) => void;

let folder: string;
let server: Server | undefined;
let client: DaisClient | undefined;
/** Waits that the client asked for. */
let waits: number[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dais-client-'));
  writeFileSync(join(folder, 'token'), 'pod-token\n');
  waits = [];
});
afterEach(async () => {
  client?.close();
  server?.closeAllConnections();
  if (server !== undefined) await new Promise((resolve) => server?.close(resolve));
  rmSync(folder, { recursive: true });
});

/** Records the waits, and shortens them. */
const clock: Clock = {
  now: () => systemClock.now(),
  after: (ms, wake) => {
    waits.push(ms);
    return systemClock.after(Math.min(ms, 20), wake);
  },
};

async function open(
  handler: Handler,
  { tls, ca }: { readonly tls?: { readonly cert: string; readonly key: string }; readonly ca?: string } = {},
): Promise<DaisClient> {
  const answer = (request: IncomingMessage, response: ServerResponse) =>
    void buffer(request).then(
      (body) => handler(request, response, body),
      () => {},
    );
  server = tls === undefined ? createHttpServer(answer) : createHttpsServer(tls, answer);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  client = new DaisClient({
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}/base/`,
    ca,
    tokenFile: join(folder, 'token'),
    attempt: 'a',
    round: 1,
    pod: { name: 'p', uid: 'u', ip: '', node: 'n' },
    clock,
    random: () => 1,
    log: silentLog,
    renewed: () => {},
  });
  client.useSession('the session');
  return client;
}

const never = new AbortController().signal;
const bytes = Buffer.from('bytes');

test('repeats a call after errors of the server, and waits as long as it asks for', async () => {
  const failures = [
    [503, '7'],
    [500, undefined],
    [429, '3600'],
    [408, undefined],
  ] as const;
  let calls = 0;
  const dais = await open((request, response, body) => {
    expect([request.method, request.url, body.toString()]).toEqual(['PUT', '/base/log/12?gap', 'bytes']);
    expect(request.headers.authorization).toBe('Bearer the session');
    const [status, retryAfter] = failures[calls] ?? [204];
    calls += 1;
    if (calls === 5) request.socket.destroy();
    else response.writeHead(status, retryAfter === undefined ? {} : { 'retry-after': retryAfter }).end();
  });
  expect(await dais.log(12, bytes, true, never)).toBeUndefined();
  expect(calls).toBe(6);
  expect(waits).toEqual([7000, 200, 60_000, 800, 1600]);
});

test('distinguishes a position, a rejection and the end', async () => {
  const replies: Readonly<Record<string, readonly [number, object]>> = {
    '/base/log/1': [409, { position: 5 }],
    '/base/log/2': [413, { reason: 'too large' }],
    '/base/log/3': [410, { reason: 'over' }],
    '/base/log/4': [404, { title: 'Not found', detail: 'There is no such target.' }],
  };
  const dais = await open((request, response) => {
    const [status, reply] = replies[request.url ?? '']!;
    response.writeHead(status).end(JSON.stringify(reply));
  });
  expect(await dais.log(1, bytes, false, never)).toEqual({ position: 5 });
  await expect(dais.log(2, bytes, false, never)).rejects.toThrow(/status 413: too large/);
  await expect(dais.log(2, bytes, false, never)).rejects.toBeInstanceOf(RejectedCall);
  await expect(dais.log(3, bytes, false, never)).rejects.toBeInstanceOf(GoneError);
  await expect(dais.log(4, bytes, false, never)).rejects.toThrow('status 404: There is no such target.');
});

test('reads an input from its start again when the response ended early', async () => {
  let calls = 0;
  const dais = await open((_request, response) => {
    calls += 1;
    response.writeHead(200, { 'content-length': 10 });
    if (calls === 1) response.write('01234', () => response.destroy());
    else response.end('0123456789');
  });
  const read: string[] = [];
  await dais.input(3, async (chunks) => void read.push((await buffer(chunks)).toString()), never);
  expect([calls, read]).toEqual([2, ['0123456789']]);
});

test('does not repeat an error of a file', async () => {
  const dais = await open((_request, response) => response.writeHead(200).end('x'));
  const full = async () => await Promise.reject(new LocalProblem('the disk is full'));
  await expect(dais.input(0, full, never)).rejects.toThrow(/disk is full/);
  const unreadable = async () =>
    await Promise.resolve(new Readable({ read: (): void => {} }).destroy(new Error('EIO')));
  await expect(dais.output(0, 5, unreadable, never)).rejects.toThrow(/EIO/);
  expect(waits).toEqual([]);
});

test('gives up after a silence, but not while Dais responds', async () => {
  let isSilent = false;
  const dais = await open((_request, response) => {
    response.writeHead(isSilent ? 503 : 204).end();
  });
  dais.limitSilence(100);
  await dais.log(0, bytes, false, never);
  isSilent = true;
  await expect(dais.log(0, bytes, false, never)).rejects.toBeInstanceOf(SilenceError);
});

test('an abort ends a call that waits, and the pause before a repetition', async () => {
  const dais = await open((request, response) => {
    if (request.url === '/base/beat') return;
    response.writeHead(503, { 'retry-after': '60' }).end();
    setImmediate(() => abort.abort(new Error('over')));
  });
  let abort = new AbortController();
  await expect(dais.log(0, bytes, false, abort.signal)).rejects.toThrow('over');
  abort = new AbortController();
  const beat = dais.beat(() => ({ phase: 'running', logPosition: 0, waitMs: 60_000 }), 60_000, abort.signal);
  setImmediate(() => abort.abort(new Error('over')));
  await expect(beat).rejects.toThrow('over');
});

test('trusts the authority of its file only', async () => {
  const tls = await makeCertificates();
  const go = { answer: 'go', session: 's', order: { command: ['x'] }, at: 1 };
  const handler: Handler = (request, response) => {
    expect(request.headers.authorization).toBe('Bearer pod-token');
    response.end(JSON.stringify(go));
  };
  const trusting = await open(handler, { tls, ca: tls.ca });
  expect(await trusting.begin(false, never)).toMatchObject({ session: 's' });
  trusting.close();
  server?.closeAllConnections();
  const other = await open(handler, { tls });
  other.limitSilence(50);
  await expect(other.begin(false, never)).rejects.toThrow(
    /^The certificate of https:\/\/127\.0\.0\.1:\d+ is not trusted: .+ Add its certificate authority, in PEM format, to `spec\.agent\.ca`/,
  );
  expect(waits).toEqual([]);
});

test('repeats a call whose certificate is not accepted any more', async () => {
  const tls = await makeCertificates();
  const dais = await open((_request, response) => response.writeHead(204).end(), { tls, ca: tls.ca });
  dais.limitSilence(60_000);
  await dais.log(0, bytes, false, never);
  (server as HttpsServer).setSecureContext(await makeCertificates());
  server?.closeAllConnections();
  const call = dais.log(0, bytes, false, never);
  await expect.poll(() => waits.length).toBeGreaterThan(2);
  (server as HttpsServer).setSecureContext(tls);
  expect(await call).toBeUndefined();
});
