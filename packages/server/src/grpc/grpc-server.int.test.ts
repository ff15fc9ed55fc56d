import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { credentials, makeGenericClientConstructor, type ServiceError } from '@grpc/grpc-js';
import { afterEach, expect, test } from 'vitest';
import type { GrpcService } from '#grpc/grpc-service.ts';
import { GrpcServer } from '#grpc/grpc-server.ts';
import type { FinishedRequest, TlsFiles } from '#http/server/http-server.ts';
import { makeCertificates } from '#lib/crypto/certificates.testing.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import { OwnerAccess } from '#policy/owner-access.ts';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function start(answer: GrpcService['methods'][string]['answer'], tls?: TlsFiles) {
  const finished: FinishedRequest[] = [];
  const grpc = new GrpcServer({
    doors: [
      {
        name: 'test',
        origin: 'test',
        methods: { '/t.T/Do': { operation: 'test.do', answer } },
        toStatus: (error) => (error instanceof RangeError ? { code: 3, details: error.message } : undefined),
      },
    ],
    access: new OwnerAccess({ hosts: [], origins: [], token: 'token', ownUid: process.geteuid?.() }),
    clock: systemClock,
    log: silentLog,
    bodyBytes: 1024,
    tls,
    finished: (request) => finished.push(request),
  });
  const server = createServer((socket) => grpc.accept(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stops.push(async () => {
    await grpc.drain(100);
    server.close();
  });
  return { grpc, finished, port: (server.address() as AddressInfo).port };
}

function client(port: number, ca?: string) {
  const Client = makeGenericClientConstructor({}, 't.T');
  const how = ca === undefined ? credentials.createInsecure() : credentials.createSsl(Buffer.from(ca));
  const made = new Client(`localhost:${port}`, how);
  stops.unshift(async () => await Promise.resolve(made.close()));
  const same = (bytes: Uint8Array) => Buffer.from(bytes);
  return async (bytes: Uint8Array) =>
    await new Promise<Buffer>((resolve, reject) => {
      made.makeUnaryRequest('/t.T/Do', same, same, bytes, (error: ServiceError | null, answer?: Buffer) => {
        if (answer === undefined) reject(error);
        else resolve(answer);
      });
    });
}

test('a call gets a response, and counts like a request', async () => {
  const { finished, port } = await start(async (request, { principal, origin, projects }) => {
    expect([principal.id, origin, projects]).toEqual(['owner', 'test', []]);
    return await Promise.resolve(Buffer.concat([request, request]));
  });
  expect(await client(port)(Buffer.from('ab'))).toEqual(Buffer.from('abab'));
  expect(finished).toMatchObject([{ operation: 'test.do', path: '/t.T/Do', status: 200, client: '127.0.0.1' }]);
});

test('known errors have the format of the protocol, internal ones are hidden', async () => {
  const { finished, port } = await start(async (request) => {
    if (request.length === 0) throw new RangeError('nothing there');
    return await Promise.reject(new Error('a secret'));
  });
  const call = client(port);
  await expect(call(new Uint8Array())).rejects.toMatchObject({ code: 3, details: 'nothing there' });
  const error = (await call(Buffer.from('x')).catch((thrown: unknown) => thrown)) as ServiceError;
  expect([error.code, error.details.includes('a secret')]).toEqual([13, false]);
  expect(finished.map(({ status }) => status)).toEqual([400, 500]);
});

test('rejects a message that is too large without reading it', async () => {
  const { port } = await start(async (request) => await Promise.resolve(request));
  await expect(client(port)(Buffer.alloc(2000))).rejects.toMatchObject({ code: 8 });
});

test('with a certificate it uses TLS, and switches to a new one', async () => {
  const [first, second] = [await makeCertificates(), await makeCertificates()];
  const { grpc, port } = await start(async (request) => await Promise.resolve(request), first);
  expect(await client(port, first.ca)(Buffer.from('a'))).toEqual(Buffer.from('a'));
  grpc.setTls(second);
  expect(await client(port, second.ca)(Buffer.from('b'))).toEqual(Buffer.from('b'));
});

test('clients with invalid or no data affect no others', async () => {
  const { port } = await start(async (request) => await Promise.resolve(request));
  for (const text of ['GET / HTTP/1.1\r\n\r\n', '\0\0\0', '']) {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    socket.end(text);
    socket.resume();
    await once(socket, 'close');
  }
  expect(await client(port)(Buffer.from('c'))).toEqual(Buffer.from('c'));
});

test('a drain lets calls finish', async () => {
  let go = () => {};
  const wait = new Promise<void>((resolve) => {
    go = resolve;
  });
  let begun = () => {};
  const inside = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const { grpc, port } = await start(async (request) => {
    begun();
    await wait;
    return request;
  });
  const answer = client(port)(Buffer.from('d'));
  await inside;
  const drained = grpc.drain(10_000);
  go();
  expect(await answer).toEqual(Buffer.from('d'));
  await drained;
});
