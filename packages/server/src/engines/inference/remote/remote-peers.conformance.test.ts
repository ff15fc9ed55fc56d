/** The engine against MLServer and KServe's server, unmodified, each in a separate Python environment. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DaisError } from '@dais/api/errors';
import { startPeer, type PeerServer } from '#gateway/testing/peer-server.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import { createOutbound } from '#lib/outbound/outbound.ts';
import { pythonEnvironment } from '../../../../../../tools/python-env.mjs';
import { ModelError, type Datatype, type LoadedModel, type Tensor, type TensorData } from '../contract.ts';
import { EXAMPLES } from '../suite.ts';
import { RemoteInference } from './remote-engine.ts';

const serving = fileURLToPath(new URL('../../../../../../conformance/serving/', import.meta.url));
/** In ms; excludes building the environments. */
const PATIENCE = 200_000;

let folder: string;
const peers: PeerServer[] = [];
const loaded: LoadedModel[] = [];

const engine = new RemoteInference({
  clock: systemClock,
  log: silentLog,
  outbound: async () =>
    await Promise.resolve(
      createOutbound({
        proxy: { noProxy: [] },
        allowHosts: ['127.0.0.1'],
        userAgent: 'dais/test',
        fail: (code, detail, cause) => new DaisError(code, detail, { cause }),
      }),
    ),
});

async function environmentOf(name: string): Promise<string> {
  return await pythonEnvironment(`serving-beside-${name}`, join(serving, `requirements-beside-${name}.txt`));
}

async function load(url: string, model: string, version?: string): Promise<LoadedModel> {
  const remote = { url, model, concurrency: 4, ...(version !== undefined && { version }) };
  const made = await engine.load({ folder, remote }, { trust: 'untrusted' });
  loaded.push(made);
  return made;
}

const pair = (...values: number[]): Tensor => ({
  name: 'x',
  datatype: 'FP32',
  shape: [values.length / 2, 2],
  data: Float32Array.from(values),
});

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-remote-peers-'));
}, PATIENCE);
afterAll(async () => {
  for (const model of loaded) await model.close();
  await Promise.all(peers.map(async (peer) => await peer.stop()));
  await rm(folder, { recursive: true, force: true });
});

async function startMlserver(): Promise<PeerServer> {
  const python = await environmentOf('mlserver');
  const own = join(folder, 'mlserver');
  const tensor = (name: string) => ({ name, datatype: 'FP32', shape: [-1, 2] });
  const settings = {
    echo: { name: 'echo', implementation: 'remote_mlserver.Echo' },
    doubled: {
      name: 'doubled',
      implementation: 'remote_mlserver.Doubled',
      platform: 'custom',
      inputs: [tensor('x')],
      outputs: [tensor('y')],
      parameters: { version: 'v1' },
    },
  };
  for (const [name, value] of Object.entries(settings)) {
    await mkdir(join(own, name), { recursive: true });
    await writeFile(join(own, name, 'model-settings.json'), JSON.stringify(value));
  }
  const started = await startPeer(
    `${python}/bin/mlserver`,
    async ([http, grpc, metrics]) => {
      const ports = { http_port: http, grpc_port: grpc, metrics_port: metrics };
      await writeFile(join(own, 'settings.json'), JSON.stringify({ ...ports, parallel_workers: 0, debug: false }));
      return ['start', own];
    },
    { ready: '/v2/health/ready', cwd: folder, env: { PYTHONPATH: serving, PATH: `${python}/bin:/usr/bin:/bin` } },
  );
  peers.push(started);
  return started;
}

test(
  'MLServer: metadata, predictions, its errors, and a server that ends',
  async () => {
    const mlserver = await startMlserver();
    const { url } = mlserver;
    const doubled = await load(url, 'doubled', 'v1');
    expect(doubled).toMatchObject({
      platform: 'custom',
      inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }],
      outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 2] }],
    });
    const [output] = await doubled.infer([pair(0.1, 2, 3, 4.5)]);
    expect(output).toEqual({ name: 'y', datatype: 'FP32', shape: [2, 2], data: Float32Array.of(0.2, 4, 6, 9) });
    const rejected = await doubled.infer([pair(-1, 2)]).catch((error: unknown) => error);
    expect(rejected).toBeInstanceOf(ModelError);
    expect(rejected).toMatchObject({ message: expect.stringContaining('x must not be negative') });
    await expect(load(url, 'none')).rejects.toMatchObject({
      code: 'model_unavailable',
      message: expect.stringMatching(/\/v2\/models\/none\/ready returned status 404/),
    });

    // A model without declared inputs accepts every tensor.
    const echo = await load(url, 'echo');
    expect(echo.inputs).toEqual([]);
    const plain = (data: TensorData) => Array.from(data as Iterable<unknown>);
    for (const datatype of [
      'BOOL',
      'UINT8',
      'INT32',
      'INT64',
      'FP64',
      'BYTES',
    ] as const satisfies readonly Datatype[]) {
      const data = EXAMPLES[datatype] as Uint8Array;
      const finite = data.filter((value) => typeof value !== 'number' || Number.isFinite(value));
      const [same] = await echo.infer([{ name: 'x', datatype, shape: [finite.length], data: finite }]);
      expect(same).toMatchObject({ datatype, shape: [finite.length] });
      expect(plain(same!.data)).toEqual(plain(finite));
    }

    await mlserver.stop();
    await expect.poll(() => doubled.unavailable, { timeout: 20_000 }).toMatch(/refuses the connection/);
    await expect(doubled.infer([pair(1, 2)])).rejects.toMatchObject({ code: 'model_unavailable' });
  },
  PATIENCE,
);

test(
  'KServe: metadata and predictions',
  async () => {
    const python = await environmentOf('kserve');
    const script = join(serving, 'remote_kserve.py');
    const peer = await startPeer(`${python}/bin/python`, ([port]) => ['-W', 'ignore', script, String(port)], {
      ready: '/v2/health/ready',
      cwd: folder,
    });
    peers.push(peer);
    const doubled = await load(peer.url, 'doubled');
    expect(doubled.inputs).toEqual([{ name: 'x', datatype: 'FP32', shape: [-1, 2] }]);
    const [output] = await doubled.infer([pair(0.1, 2, 3, 4.5)]);
    expect(output).toEqual({ name: 'y', datatype: 'FP32', shape: [2, 2], data: Float32Array.of(0.2, 4, 6, 9) });
  },
  PATIENCE,
);
