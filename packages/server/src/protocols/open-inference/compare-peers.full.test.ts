/** KServe's Python server, MLServer and Dais get the same requests for the same models; differences are recorded. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { boostedTrees } from '#engines/inference/onnx/onnx-files.testing.ts';
import type { GatewayWorld } from '#gateway/testing/gateway-world.ts';
import { startMlflowWorld } from '#gateway/testing/mlflow-world.ts';
import { startPeer, type PeerServer } from '#gateway/testing/peer-server.ts';
import { run } from '#lib/process.ts';
import { pythonEnvironment } from '../../../../../tools/python-env.mjs';
import { peerCases, IRIS, TREES, type PeerCase } from './testing/peer-cases.ts';

const conformance = fileURLToPath(new URL('../../../../../conformance/', import.meta.url));
const serving = join(conformance, 'serving');
const differencesFile = join(serving, 'beside-differences.json');
/** In ms; for a busy machine. */
const PATIENCE = 600_000;

interface Seen {
  readonly status: number;
  /** For 200: what a client reads; for others: whether it has the format of the protocol. */
  readonly body: unknown;
}

let folder: string;
let world: GatewayWorld | undefined;
const peers: Record<string, PeerServer> = {};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-beside-'));
  const environment = await pythonEnvironment('mlflow-3-18', join(conformance, 'mlflow', 'requirements.txt'));
  const made = await run(
    join(environment, 'bin', 'python'),
    ['-W', 'ignore', join(serving, 'beside_models.py'), folder, IRIS],
    { env: { PATH: '/usr/bin:/bin', HOME: folder, LANG: 'C.UTF-8' }, cwd: folder, timeoutMs: PATIENCE },
  );
  if (made.code !== 0) throw new Error(made.stderr);
  await mkdir(join(folder, TREES));
  const file = join(folder, TREES, 'model.onnx');
  await writeFile(file, boostedTrees({ features: 4, trees: 20, depth: 4 }));
  const pickled = join(folder, 'peers', 'iris.joblib');
  world = await startMlflowWorld({ folder, environment, names: [TREES, IRIS] });
  const python = await environmentOf('kserve');
  peers['kserve'] = await startPeer(
    `${python}/bin/python`,
    ([port]) => ['-W', 'ignore', join(serving, 'beside_kserve.py'), String(port), file, pickled],
    { ready: '/v2/health/ready', cwd: folder },
  );
  const mlserver = await environmentOf('mlserver');
  peers['mlserver'] = await startPeer(
    `${mlserver}/bin/mlserver`,
    async (ports) => ['start', await mlserverFolder(ports, file, pickled)],
    { ready: '/v2/health/ready', cwd: folder, env: { PYTHONPATH: serving, PATH: `${mlserver}/bin:/usr/bin:/bin` } },
  );
}, PATIENCE);
afterAll(async () => {
  await Promise.all([...Object.values(peers).map(async (peer) => await peer.stop()), world?.stop()]);
  await rm(folder, { recursive: true, force: true });
});

async function environmentOf(name: string): Promise<string> {
  return await pythonEnvironment(`serving-beside-${name}`, join(serving, `requirements-beside-${name}.txt`));
}

async function mlserverFolder(ports: readonly number[], file: string, pickled: string): Promise<string> {
  const own = join(folder, 'mlserver');
  const [http, grpc, metrics] = ports;
  const write = async (name: string, value: unknown) => await writeFile(join(own, name), JSON.stringify(value));
  await Promise.all([TREES, IRIS].map(async (name) => await mkdir(join(own, name), { recursive: true })));
  await write('settings.json', {
    http_port: http,
    grpc_port: grpc,
    metrics_port: metrics,
    parallel_workers: 0,
    debug: false,
  });
  await write(`${TREES}/model-settings.json`, {
    name: TREES,
    implementation: 'beside_mlserver.Onnx',
    parameters: { uri: file },
  });
  await write(`${IRIS}/model-settings.json`, {
    name: IRIS,
    implementation: 'mlserver_sklearn.SKLearnModel',
    parameters: { uri: pickled },
  });
  return own;
}

test(
  'the same requests, field by field',
  async () => {
    const differences: Record<string, Record<string, Seen>> = {};
    const answered: string[] = [];
    for (const [name, request] of Object.entries(peerCases)) {
      const dais = await callDais(request);
      const others = Object.fromEntries(
        await Promise.all(Object.entries(peers).map(async ([peer, { url }]) => [peer, await callPeer(url, request)])),
      ) as Record<string, Seen>;
      if (dais.status === 200 && Object.values(others).every((other) => same(other, dais))) answered.push(name);
      const other = Object.fromEntries(Object.entries(others).filter(([, seen]) => !same(seen, dais)));
      if (Object.keys(other).length > 0) differences[name] = { dais, ...other };
    }
    const text = await readFile(differencesFile, 'utf8');
    const known: unknown = JSON.parse(text, (key, value: unknown) => (key === 'why' ? undefined : value));
    expect(differences).toEqual(known);
    expect(answered).toEqual(['one row', 'three rows', 'nested data', 'with an id'].map((name) => `${TREES}: ${name}`));
  },
  PATIENCE,
);

/** A kept connection may close when it is reused: the second one is new. */
async function callPeer(url: string, request: PeerCase): Promise<Seen> {
  const closed = { status: 0, body: 'the connection was closed' };
  return await callOnce(url, request)
    .catch(async () => await callOnce(url, request))
    .catch(() => closed);
}

async function callOnce(url: string, { method = 'POST', path, body, headers }: PeerCase): Promise<Seen> {
  const answer = await fetch(`${url}${path}`, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    ...(method === 'POST' && { body: typeof body === 'string' ? body : new Uint8Array(body ?? []) }),
  });
  return seen(answer.status, await answer.text(), path);
}

async function callDais({ method = 'POST', path, body, headers }: PeerCase): Promise<Seen> {
  const answer = await world?.ask(path, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    ...(body !== undefined && { body }),
  });
  return seen(answer?.status ?? 0, answer?.bytes.toString('utf8') ?? '', path);
}

function seen(status: number, text: string, path: string): Seen {
  let value: Record<string, unknown>;
  try {
    value = JSON.parse(text) as Record<string, unknown>;
  } catch {
    return { status, body: text === '' ? 'nothing' : 'invalid JSON' };
  }
  if (status !== 200) return { status, body: typeof value['error'] === 'string' ? 'error' : Object.keys(value) };
  return { status, body: path.endsWith('/infer') ? inferred(value) : value };
}

/** Removes permitted differences: an id that was not sent, parameters, nulls. */
function inferred(value: Record<string, unknown>): unknown {
  const outputs = value['outputs'] as Record<string, unknown>[];
  return {
    model_name: value['model_name'],
    ...(value['id'] === 'mine' && { id: 'mine' }),
    outputs: outputs.map(({ datatype, shape, data }) => ({ datatype, shape, data: (data as unknown[]).map(rounded) })),
  };
}

/** Some servers print a 32-bit float as a 64-bit one. */
function rounded(value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toPrecision(6)) : value;
}

function same(one: Seen, other: Seen): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
