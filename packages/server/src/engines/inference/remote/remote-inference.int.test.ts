/** The engine against a gateway of Dais as the remote server, and against servers that break the protocol. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, describe, expect, test } from 'vitest';
import { DaisError } from '@dais/api/errors';
import { endpoint, model, snapshot, startWorld } from '#gateway/testing/gateway-world.ts';
import { systemClock } from '#lib/clock.ts';
import { makeCertificates } from '#lib/crypto/certificates.testing.ts';
import { silentLog } from '#lib/log.ts';
import { createOutbound } from '#lib/outbound/outbound.ts';
import { TestNet } from '#lib/outbound/outbound.testing.ts';
import { ModelError, type Datatype, type LoadedModel, type RemoteModel, type Tensor } from '../contract.ts';
import { identity, linear, minusMean } from '../onnx/onnx-files.testing.ts';
import { OnnxInference } from '../onnx/onnx-engine.ts';
import { EXAMPLES, inferenceSuite, type InferenceSubject } from '../suite.ts';
import { RemoteInference } from './remote-engine.ts';

const DATATYPES = (Object.keys(EXAMPLES) as Datatype[]).filter((datatype) => datatype !== 'BF16');
const dependencies = { clock: systemClock, log: silentLog };

function engineFor(allowHosts: readonly string[] = ['127.0.0.1']): RemoteInference {
  return new RemoteInference({
    ...dependencies,
    outbound: async (ca) =>
      await Promise.resolve(
        createOutbound({
          proxy: { noProxy: [] },
          allowHosts,
          userAgent: 'dais/test',
          ...(ca !== undefined && { extraCa: ca }),
          fail: (code, detail, cause) => new DaisError(code, detail, { cause }),
        }),
      ),
  });
}

async function remoteGateway(): Promise<InferenceSubject> {
  const folder = await mkdtemp(path.join(tmpdir(), 'dais-remote-'));
  const files: Record<string, Buffer> = { weighted: linear(Float32Array.of(1, 2, 3)), mean: minusMean() };
  for (const datatype of DATATYPES) files[`identity-${datatype}`] = identity(datatype);
  for (const [name, bytes] of Object.entries(files)) {
    await mkdir(path.join(folder, name));
    await writeFile(path.join(folder, name, 'model.onnx'), bytes);
  }
  const world = await startWorld({
    engines: [new OnnxInference(dependencies)],
    files: async ({ name }) => await Promise.resolve({ folder: path.join(folder, name) }),
  });
  const names = Object.keys(files);
  await world.gateway.swap(
    snapshot(
      1,
      names.map((name) => model(name)),
      names.map((name) => endpoint(name, [['stable', name, 10_000]])),
    ),
  );
  const net = new TestNet();
  const broken = await net.serve((request, response) =>
    json(
      response,
      request.url === '/v2/models/broken' ? { inputs: [{ name: 'x', datatype: 'COMPLEX', shape: [] }] } : {},
    ),
  );
  const remote = (name: string, url = `http://127.0.0.1:${world.gateway.port}`) => ({
    folder,
    remote: { url, model: name, concurrency: 2 },
  });
  return {
    engine: engineFor(),
    options: { trust: 'untrusted' },
    identity: async (datatype) => await Promise.resolve(remote(`identity-${datatype}`)),
    datatypes: DATATYPES,
    weighted: remote('weighted'),
    minusMean: remote('mean'),
    broken: remote('broken', broken),
    empty: { folder },
    end: async () => {
      await world.stop();
      await net.end();
      await rm(folder, { recursive: true });
    },
  };
}

inferenceSuite('remote, at a gateway of Dais', remoteGateway, { isLocal: false });

function json(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

/** Answers checks and metadata; `infer` answers predictions. */
function server(
  infer: RequestListener,
  { ready = () => 200 }: { readonly ready?: () => number } = {},
): RequestListener {
  return (request, response) => {
    if (request.url?.endsWith('/infer') === true) infer(request, response);
    else if (request.url?.endsWith('/ready') === true) json(response, { error: 'not yet' }, ready());
    else if (request.url === '/v2') json(response, { name: 'test', extensions: [] });
    else {
      const tensor = { datatype: 'FP32', shape: [-1, 1] };
      json(response, { platform: 'test', inputs: [{ name: 'x', ...tensor }], outputs: [{ name: 'y', ...tensor }] });
    }
  };
}

const one: Tensor = { name: 'x', datatype: 'FP32', shape: [1, 1], data: Float32Array.of(21) };
const doubled = { outputs: [{ name: 'y', datatype: 'FP32', shape: [1, 1], data: [42] }] };

async function rejection(work: Promise<unknown>): Promise<DaisError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof DaisError) return error;
  throw new Error(`There was no DaisError: ${String(error)}`);
}

describe('a server of another system', () => {
  const net = new TestNet();
  const loaded: LoadedModel[] = [];
  afterAll(async () => {
    for (const each of loaded) await each.close();
    await net.end();
  });

  async function load(url: string, more: Partial<RemoteModel> = {}, inferMs?: number): Promise<LoadedModel> {
    const remote = { url, model: 'm', concurrency: 4, ...more };
    const made = await engineFor().load(
      { folder: '/nonexistent', remote },
      { trust: 'untrusted', ...(inferMs !== undefined && { inferMs }) },
    );
    loaded.push(made);
    return made;
  }

  test('sends credentials and the version, and never shows the credentials', async () => {
    const secret = 'sesame-sesame';
    const seen: (string | undefined)[] = [];
    const base = server((request, response) => {
      seen.push(
        `${request.method} ${request.url}`,
        request.headers['x-api-key'] as string,
        request.headers.authorization,
      );
      json(response, { error: `bad\n\u0000 input\u202e for ${request.headers['x-api-key'] as string}` }, 400);
    });
    const url = await net.serve((request, response) => {
      if (request.headers['x-api-key'] !== secret) json(response, { error: `not ${secret}` }, 401);
      else base(request, response);
    });
    const remote = { version: '3', header: 'x-api-key' };
    const made = await load(url, { ...remote, credentials: () => `${secret}\n` });
    const error = await rejection(made.infer([one]));
    expect(error).toBeInstanceOf(ModelError);
    expect(error.message).toBe('The model server rejected the request (400): bad input for ***.');
    expect(seen).toEqual(['POST /v2/models/m/versions/3/infer', secret, undefined]);
    const refused = await rejection(load(url, { ...remote, credentials: () => 'wrong' }));
    expect(refused.code).toBe('model_unavailable');
    expect(refused.message).toMatch(/rejects the credentials \(401\).*Check `credentials`/);
    expect(refused.message).not.toContain('wrong');
    // Without a value, nothing is sent.
    expect(await rejection(load(url, { ...remote, credentials: () => undefined }))).toMatchObject({
      code: 'model_unavailable',
      message: expect.stringMatching(/no value of its credentials/),
    });
  });

  test('sends JSON to a server without binary tensors, and reads nested numbers', async () => {
    let sent: unknown;
    const url = await net.serve(
      server((request, response) => {
        void buffer(request).then((body) => {
          sent = JSON.parse(body.toString());
          json(response, {
            outputs: [
              {
                name: 'y',
                datatype: 'FP32',
                shape: [2, 2],
                data: [
                  [1, 2.5],
                  [null, -0.5],
                ],
              },
            ],
          });
        });
      }),
    );
    const made = await load(url);
    const [output] = await made.infer([{ ...one, shape: [2, 1], data: Float32Array.of(0.1, -3) }]);
    expect(sent).toEqual({
      inputs: [{ name: 'x', datatype: 'FP32', shape: [2, 1], data: [0.1, -3] }],
      outputs: [{ name: 'y' }],
    });
    expect(output).toEqual({ name: 'y', datatype: 'FP32', shape: [2, 2], data: Float32Array.of(1, 2.5, NaN, -0.5) });
    expect(await rejection(made.infer([{ ...one, data: Float32Array.of(NaN) }]))).toMatchObject({
      code: 'invalid_request',
      message: expect.stringMatching(/not a finite number/),
    });
  });

  test('retries once when the connection ends before the response, not after its start', async () => {
    let requests = 0;
    let behavior: (response: ServerResponse, request: IncomingMessage) => void = (response) => response.destroy();
    const url = await net.serve(
      server((request, response) => {
        requests += 1;
        behavior(response, request);
      }),
    );
    const made = await load(url);
    behavior = (response) => (requests === 1 ? response.destroy() : json(response, doubled));
    expect((await made.infer([one]))[0]?.data).toEqual(Float32Array.of(42));
    expect(requests).toBe(2);
    behavior = (response) => response.destroy();
    expect(await rejection(made.infer([one]))).toMatchObject({
      code: 'model_unavailable',
      message: expect.stringMatching(new RegExp(`not ready: ${url} closed the connection`)),
    });
    expect(requests).toBe(4);
    behavior = (response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('{', () => response.destroy());
    };
    expect(await rejection(made.infer([one]))).toMatchObject({ code: 'model_unavailable' });
    expect(requests).toBe(5);
    behavior = (response) => json(response, { error: 'CUDA out of memory' }, 500);
    expect((await rejection(made.infer([one]))).message).toBe(
      `The model server ${url} returned status 500: CUDA out of memory. Retry the request; if it fails again, check the log of that server.`,
    );
    expect(requests).toBe(6);
  });

  test('does not follow a redirect', async () => {
    let reached = 0;
    const other = await net.serve((_request, response) => {
      reached += 1;
      json(response, {});
    });
    const url = await net.serve((_request, response) =>
      response.writeHead(307, { location: `${other}/secret-path` }).end(),
    );
    const error = await rejection(load(url));
    expect(error.message).toMatch(new RegExp(`redirects to ${other} \\(307\\). Dais does not follow redirects`));
    expect(error.message).not.toContain('secret-path');
    expect(reached).toBe(0);
  });

  test('does not call an address that the installation does not allow', async () => {
    const url = await net.serve(server((_request, response) => json(response, doubled)));
    const remote = { url, model: 'm', concurrency: 1 };
    const load = engineFor([]).load({ folder: '/nonexistent', remote }, { trust: 'untrusted' });
    expect(await rejection(load)).toMatchObject({
      code: 'invalid_request',
      message: expect.stringMatching(/may not call the model server.*outbound\.allowHosts/),
    });
  });

  test.each<readonly [string, unknown, RegExp]>([
    ['text', 'what?', /not valid JSON/],
    ['no outputs', {}, /no `outputs`/],
    ['another output', { outputs: [{ ...doubled.outputs[0], name: 'z' }] }, /does not contain the output `y`/],
    ['too few elements', { outputs: [{ ...doubled.outputs[0], data: [] }] }, /0 elements instead of 1/],
    ['a huge shape', { outputs: [{ ...doubled.outputs[0], shape: [2 ** 40] }] }, /fewer elements than its shape/],
    ['a string for a number', { outputs: [{ ...doubled.outputs[0], data: ['42'] }] }, /"42" as element 0/],
    ['an unknown datatype', { outputs: [{ ...doubled.outputs[0], datatype: 'X' }] }, /no known `datatype`/],
    [
      'binary data that is missing',
      { outputs: [{ ...doubled.outputs[0], parameters: { binary_data_size: 4 } }] },
      /beyond the 0 bytes/,
    ],
  ])('reports a response with %s', async (_name, body, expected) => {
    const url = await net.serve(
      server((_request, response) => response.end(typeof body === 'string' ? body : JSON.stringify(body))),
    );
    const error = await rejection((await load(url)).infer([one]));
    expect(error.code).toBe('model_unavailable');
    expect(error.message).toMatch(/^The response of the model server is not valid: /);
    expect(error.message).toMatch(expected);
  });

  test('bounds concurrent requests, and the time of each', async () => {
    let running = 0;
    let most = 0;
    const url = await net.serve(
      server((_request, response) => {
        running += 1;
        most = Math.max(most, running);
        setTimeout(() => {
          running -= 1;
          json(response, doubled);
        }, 20);
      }),
    );
    const made = await load(url, { concurrency: 3 });
    await Promise.all(Array.from({ length: 12 }, async () => await made.infer([one])));
    expect(most).toBe(3);
    const silent = await load(await net.serve(server(() => {})), {}, 100);
    expect(await rejection(silent.infer([one]))).toMatchObject({
      code: 'model_unavailable',
      message: expect.stringMatching(/did not complete within 100 ms/),
    });
    const abort = new AbortController();
    const aborted = silent.infer([one], { signal: abort.signal });
    abort.abort(new Error('the caller left'));
    await expect(aborted).rejects.toThrow('the caller left');
  });

  test('reports a server that is not ready, and serves again with new metadata by itself', async () => {
    let status = 200;
    let datatype = 'FP32';
    const normal = server((_request, response) => json(response, doubled), { ready: () => status });
    const url = await net.serve((request, response) => {
      if (request.url === '/v2/models/m') json(response, { inputs: [{ name: 'x', datatype, shape: [-1, 1] }] });
      else normal(request, response);
    });
    const made = await load(url);
    expect(made.unavailable).toBeUndefined();
    [status, datatype] = [503, 'FP64'];
    await expect
      .poll(() => made.unavailable, { timeout: 10_000 })
      .toBe(`The model server is not ready: ${url}/v2/models/m/ready returned status 503: not yet.`);
    expect(await rejection(made.infer([one]))).toMatchObject({ code: 'model_unavailable', message: made.unavailable });
    status = 200;
    await expect.poll(() => made.unavailable, { timeout: 10_000 }).toBeUndefined();
    expect(made.inputs[0]?.datatype).toBe('FP64');
  });

  test('trusts the certificate authority of the server only where it is named', async () => {
    const { ca, cert, key } = await makeCertificates();
    const answer = server((_request, response) => json(response, doubled));
    const url = `https://127.0.0.1:${await net.listen(createTlsServer({ cert, key }, answer))}`;
    const made = await load(url, { ca });
    expect((await made.infer([one]))[0]?.data).toEqual(Float32Array.of(42));
    expect(await rejection(load(url))).toMatchObject({
      code: 'model_unavailable',
      message: expect.stringMatching(/not trusted.*outbound\.extraCa.* or to `ca` of the server/),
    });
    const broken = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----';
    expect(await rejection(load(url, { ca: broken }))).toMatchObject({
      code: 'invalid_request',
      message: expect.stringMatching(/`ca` of the server contains a certificate that cannot be read/),
    });
  });

  test('reports an address without a server', async () => {
    const closed = new TestNet();
    const free = await closed.listen(createServer());
    await closed.end();
    expect((await rejection(load(`http://127.0.0.1:${free}`))).message).toBe(
      `The model server is not ready: http://127.0.0.1:${free} refuses the connection.`,
    );
  });
});
