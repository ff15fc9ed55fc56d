/** The compared servers: each with the same file, on one port, one process for the model. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pythonEnvironment } from '../../tools/python-env.mjs';
import { isAlive, treeOf } from '../../packages/server/src/testing/dais-process.ts';
import { builtModule } from '../lib/built.ts';
import { killAtEnd } from '../lib/cleanup.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const STARTS_WITHIN_MS = 600_000;

export interface Peer {
  readonly name: string;
  readonly pid: number;
  readonly port: number;
  /** Address of the Open Inference Protocol over gRPC. */
  readonly grpcPort?: number;
  readonly path: string;
  readonly body: 'open-inference' | 'inputs' | 'named-inputs';
  stop(): Promise<void>;
}

/** Where the gateway runs a model that it could run within itself. */
export type ModelHost = 'gateway' | 'process';

export async function startGatewayPeer(
  folder: string,
  file: string,
  location: ModelHost = 'gateway',
): Promise<Peer & Required<Pick<Peer, 'grpcPort'>>> {
  const program = fileURLToPath(await builtModule(new URL('./gateway-process.ts', import.meta.url)));
  const child = spawn(process.execPath, [program, join(folder, 'gateway'), file, location], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  killAtEnd(-(child.pid ?? 0));
  const result = await new Promise<string>((resolve, reject) => {
    child.stdout.once('data', (bytes: Buffer) => resolve(bytes.toString()));
    child.once('exit', () => reject(new Error('the gateway has ended')));
  });
  const { port, grpcPort } = JSON.parse(result) as { port: number; grpcPort: number };
  return { ...peer('Dais gateway', child, port, '/v2/models/m/infer', 'open-inference'), grpcPort };
}

export async function startKserve(file: string): Promise<Peer> {
  const python = await environment('kserve');
  const [port, grpcPort] = [await freePort(), await freePort()];
  const child = start(`${python}/bin/python`, [join(here, 'kserve_model.py'), String(port), String(grpcPort), file]);
  await answers(child, port, '/v2/health/ready');
  return { ...peer('KServe (Python) 0.21', child, port, '/v2/models/m/infer', 'open-inference'), grpcPort };
}

export async function startMlserver(folder: string, file: string): Promise<Peer> {
  const python = await environment('mlserver');
  const [port, grpcPort, metrics] = [await freePort(), await freePort(), await freePort()];
  const own = join(folder, 'mlserver');
  await mkdir(own);
  const server = { http_port: port, grpc_port: grpcPort, metrics_port: metrics, parallel_workers: 0, debug: false };
  await writeFile(join(own, 'settings.json'), JSON.stringify(server));
  const settings = { name: 'm', implementation: 'mlserver_model.Onnx', parameters: { uri: file } };
  await writeFile(join(own, 'model-settings.json'), JSON.stringify(settings));
  const child = start(`${python}/bin/mlserver`, ['start', own], { PYTHONPATH: here });
  await answers(child, port, '/v2/health/ready');
  return { ...peer('MLServer 1.7.1', child, port, '/v2/models/m/infer', 'open-inference'), grpcPort };
}

export async function startMlflow(folder: string, file: string): Promise<Peer> {
  const python = await environment('mlflow');
  const own = join(folder, 'mlflow');
  const saved = start(`${python}/bin/python`, [join(here, 'save_mlflow.py'), file, own]);
  await new Promise((resolve) => saved.once('exit', resolve));
  const port = await freePort();
  const words = ['models', 'serve', '-m', own, '-p', String(port), '--env-manager', 'local', '--workers', '1'];
  const child = start(`${python}/bin/mlflow`, words, { PATH: `${python}/bin:/usr/bin:/bin` });
  await answers(child, port, '/ping');
  return peer('mlflow models serve', child, port, '/invocations', 'named-inputs');
}

export async function startBento(file: string): Promise<Peer> {
  const python = await environment('bentoml');
  const port = await freePort();
  const words = ['serve', 'bento_model:M', '--working-dir', here, '--host', '127.0.0.1', '--port', String(port)];
  const child = start(`${python}/bin/bentoml`, words, { MODEL: file, BENTOML_DO_NOT_TRACK: 'True' });
  await answers(child, port, '/readyz');
  return peer('BentoML 1.4', child, port, '/infer', 'inputs');
}

export async function startRay(file: string): Promise<Peer> {
  const python = await environment('ray');
  const port = await freePort();
  const child = start(`${python}/bin/python`, [join(here, 'ray_model.py'), String(port), file], {
    PATH: `${python}/bin:/usr/bin:/bin`,
    RAY_USAGE_STATS_ENABLED: '0',
  });
  await answers(child, port, '/-/healthz');
  await answers(child, port, '/-/routes');
  return peer('Ray Serve 2.60', child, port, '/infer', 'inputs');
}

async function environment(name: string): Promise<string> {
  return await pythonEnvironment(`bench-serving-${name}`, join(here, `requirements-${name}.txt`));
}

function start(
  program: string,
  words: readonly string[],
  variables: Readonly<Record<string, string>> = {},
): ChildProcess {
  // A group of its own: these servers have children.
  const child = spawn(program, words, {
    stdio: 'ignore',
    detached: true,
    env: { PATH: '/usr/bin:/bin', HOME: '/tmp', LANG: 'C.UTF-8', ...variables },
  });
  child.once('exit', killAtEnd(-(child.pid ?? 0)));
  return child;
}

function peer(name: string, child: ChildProcess, port: number, path: string, body: Peer['body']): Peer {
  const pid = child.pid as number;
  return {
    name,
    pid,
    port,
    path,
    body,
    stop: async () => {
      if (child.exitCode !== null) return;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      // Workers of BentoML are a group of their own.
      const tree = treeOf(pid);
      process.kill(-pid, 'SIGKILL');
      await ended;
      for (const left of tree.filter(isAlive)) process.kill(left, 'SIGKILL');
    },
  };
}

async function answers(child: ChildProcess, port: number, path: string): Promise<void> {
  const until = Date.now() + STARTS_WITHIN_MS;
  while (Date.now() < until && child.exitCode === null) {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`).catch(() => undefined);
    if (answer?.ok === true) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`${child.spawnfile} did not answer on ${path}`);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
