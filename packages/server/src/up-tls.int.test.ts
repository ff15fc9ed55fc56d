import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { connect as connectPlain } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { connect } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeCertificates, type TestCertificates } from '#lib/crypto/certificates.testing.ts';
import { servingClient } from './testing/serving-client.ts';
import { startDaisProcess, type DaisProcess } from './testing/dais-process.ts';

let folder: string;
let dais: DaisProcess;
let url: string;
let first: TestCertificates;
let gateway: string;

const config = (level: string) => `apiVersion: dais.dev/v1
kind: DaisConfig
spec:
  data: data
  keys: { type: file, folder: keys }
  tls: { cert: cert.pem, key: key.pem }
  inferenceUrl: https://predict.example.com
  log: { level: ${level} }
`;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-tls-'));
  first = await makeCertificates();
  await writeFile(join(folder, 'cert.pem'), first.cert);
  await writeFile(join(folder, 'key.pem'), first.key);
  await writeFile(join(folder, 'config.yaml'), config('info'));
  dais = startDaisProcess({}, { file: join(folder, 'config.yaml') });
  url = await dais.ready;
});
afterAll(async () => {
  dais.process.kill('SIGTERM');
  await dais.ended;
  await rm(folder, { recursive: true, force: true });
});

async function get(path: string, ca: string): Promise<number> {
  return await new Promise((resolve, reject) => {
    request(`${url}${path}`, { ca, agent: false }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode ?? 0));
    })
      .once('error', reject)
      .end();
  });
}

/** Like `fetch`, which does not support a certificate authority. */
async function fetchWith(ca: string, target: string, { method, headers, body }: RequestInit = {}): Promise<Response> {
  return await new Promise((resolve, reject) => {
    const sent = request(
      target,
      { ca, agent: false, method, headers: Object.fromEntries(new Headers(headers)) },
      (answer) => {
        buffer(answer).then(
          (bytes) => resolve(new Response(new Uint8Array(bytes), { status: answer.statusCode ?? 0 })),
          reject,
        );
      },
    );
    sent.once('error', reject);
    sent.end(body);
  });
}

/** The certificate that the server shows now. */
async function shown(at = url): Promise<string> {
  return await new Promise((resolve, reject) => {
    const socket = connect({ port: Number(new URL(at).port), host: '127.0.0.1', rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.end();
    });
    socket.once('error', reject);
  });
}

test('speaks HTTPS on connections that the supervisor accepted', async () => {
  expect(url).toMatch(/^https:/);
  expect(await get('/api/v1/projects', first.ca)).toBe(200);
  await expect(fetch(url.replace('https', 'http'))).rejects.toThrow('fetch failed');
});

test('the port of the gateway speaks HTTPS too, and HTTP to this machine only as the control plane does', async () => {
  const client = servingClient(url, {}, async (target, init) => await fetchWith(first.ca, target, init));
  await client.register('m', 2, { example: { inputs: [[1]] } });
  await client.call('POST', '/api/v1/serving/endpoints/scaled/deploy', { model: 'models:/m/1' });
  await client.settled('scaled', (status) => status.rollout === undefined && status.variants?.length === 1);
  const { body } = await client.call('GET', '/api/v1/serving/endpoints/scaled/contract');
  expect(body).toMatchObject({ ready: true, secure: true, gatewayUrl: 'https://predict.example.com' });
  gateway = `https://127.0.0.1:${body.port}`;
  const requested = { inputs: [[21]] };
  const answer = await fetchWith(first.ca, `${gateway}/endpoints/scaled/invocations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(requested),
  });
  expect([answer.status, await answer.json()]).toEqual([200, { predictions: [[42]] }]);
  expect((await client.call('POST', '/endpoints/scaled/invocations', requested)).body).toEqual({ predictions: [[42]] });
  // Neither TLS nor HTTP: the connection is closed without a response.
  const nonsense = connectPlain({ port: Number(body.port), host: '127.0.0.1' });
  nonsense.end('\u0016 no handshake');
  await once(nonsense.resume(), 'close');
});

test('a renewed certificate is used without a restart; a half-written pair is not', async () => {
  const before = await shown();
  const second = await makeCertificates();
  await writeFile(join(folder, 'cert.pem'), second.cert);
  await expect.poll(() => dais.output()).toContain('the new certificate is not usable yet');
  expect(await shown()).toBe(before);
  await writeFile(join(folder, 'key.pem'), second.key);
  await expect.poll(async () => await shown()).not.toBe(before);
  expect(await get('/api/v1/projects', second.ca)).toBe(200);
  await expect.poll(() => shown(gateway)).toBe(await shown());
});

test('SIGHUP reloads certificates and log level', async () => {
  const before = await shown();
  const third = await makeCertificates();
  await writeFile(join(folder, 'config.yaml'), config('debug'));
  await writeFile(join(folder, 'cert.pem'), third.cert);
  await writeFile(join(folder, 'key.pem'), third.key);
  dais.process.kill('SIGHUP');
  await expect.poll(async () => await shown()).not.toBe(before);
  expect(await get('/readyz', third.ca)).toBe(200);
});

test('SIGHUP with an invalid configuration changes nothing and reports the error', async () => {
  await writeFile(join(folder, 'config.yaml'), config('loud'));
  dais.process.kill('SIGHUP');
  await expect.poll(() => dais.output()).toContain('could not reload the configuration');
  expect((await shown()).length).toBeGreaterThan(0);
});
