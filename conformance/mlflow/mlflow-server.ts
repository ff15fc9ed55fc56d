/** A real `mlflow server` on a folder of its own, as its command starts it, with proxied artifacts. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { pythonEnvironment, pythonWheel } from '../../tools/python-env.mjs';
import { freePort } from '../peer-process.ts';

/** What is beside this file, or anywhere by its whole path. */
const here = (file: string) => resolve(fileURLToPath(new URL('.', import.meta.url)), file);
/** As the conformance of its clients has it: the code of 3.18.0 over the environment of what it needs. */
const WHEEL = 'mlflow==3.18.0 --hash=sha256:be7d84ba0d0b12392f5b53260cdb3e6d7b7ef4b80c29da90a89b5a1f6db7102f';
/** In ms. It needs some 10 s of CPU to start. */
const PATIENCE = 240_000;

export interface MlflowServer {
  readonly url: string;
  /** Of its first process; the others are below it. */
  readonly pid: number;
  /** The environment of programs that speak to it. */
  readonly python: PythonRunner;
  /** Ends it with all its processes. Idempotent. */
  stop(): Promise<void>;
}

export type PythonRunner = (
  script: string,
  args?: readonly string[],
  variables?: Readonly<Record<string, string>>,
) => Promise<string>;

export interface MlflowServerOptions {
  /** Default 1. */
  readonly workers?: number;
  /** The address of its database; default SQLite in the folder. */
  readonly store?: string;
  /** Folders of Python packages that it needs besides: the driver of that database. */
  readonly packages?: readonly string[];
  /** Receives the process group of the server before it is ready. */
  readonly onStart?: (group: number) => void;
}

/** `folder` holds its database, `mlflow.db`, and its `artifacts`: what lies there already is served. */
export async function startMlflowServer(folder: string, options: MlflowServerOptions = {}): Promise<MlflowServer> {
  const { workers = 1, store = `sqlite:///${folder}/mlflow.db`, packages = [] } = options;
  const { environment, env } = await mlflowEnvironment(folder, packages);
  const url = `http://127.0.0.1:${await freePort()}`;
  const child = spawn(
    `${environment}/bin/python`,
    [
      '-W',
      'ignore',
      '-m',
      'mlflow',
      'server',
      `--workers=${workers}`,
      // Else workers that do not answer within 5 s are ended, on a busy machine before they have started.
      ...(workers > 1 ? ['--uvicorn-opts=--timeout-worker-healthcheck 120'] : []),
      `--backend-store-uri=${store}`,
      `--artifacts-destination=${folder}/artifacts`,
      '--host=127.0.0.1',
      `--port=${new URL(url).port}`,
    ],
    // A group of its own: its worker and its job runner end with it.
    { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true },
  );
  if (child.pid !== undefined) options.onStart?.(child.pid);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (output = (output + chunk.toString('utf8')).slice(-10_000)));
  }
  const ended = once(child, 'close');
  const kill = () => {
    try {
      process.kill(-(child.pid ?? 0), 'SIGKILL');
    } catch {
      // It has ended already.
    }
  };
  process.once('exit', kill);
  const stop = async () => {
    kill();
    process.off('exit', kill);
    await ended;
  };
  const giveUp = Date.now() + PATIENCE;
  while (!(await answers(url))) {
    if (child.exitCode !== null || Date.now() > giveUp) {
      await stop();
      throw new Error(`the server did not start:\n${output}`);
    }
    await sleep(200);
  }
  return { url, pid: child.pid ?? 0, python: pythonIn(environment, env), stop };
}

/** The same environment without a server: for clients of another one. `folder` is their home. */
export async function mlflowPython(folder: string): Promise<PythonRunner> {
  const { environment, env } = await mlflowEnvironment(folder, []);
  return pythonIn(environment, env);
}

async function mlflowEnvironment(folder: string, packages: readonly string[]) {
  const environment = await pythonEnvironment('mlflow-3-18', here('requirements.txt'));
  const env = {
    PATH: `${join(environment, 'bin')}:/usr/bin:/bin`,
    HOME: folder,
    LANG: 'C.UTF-8',
    PYTHONPATH: [await pythonWheel(WHEEL), ...packages].join(':'),
    MLFLOW_DISABLE_TELEMETRY: 'true',
  };
  return { environment, env };
}

function pythonIn(environment: string, env: Readonly<Record<string, string>>): PythonRunner {
  return async (script, args = [], variables = {}) => {
    const child = spawn(`${environment}/bin/python`, ['-W', 'ignore', here(script), ...args], {
      env: { ...env, ...variables },
      // Clients with a local store write artifacts into the working directory.
      cwd: env['HOME'],
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [out, err]: [Buffer[], Buffer[]] = [[], []];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0) throw new Error(`${script}: ${Buffer.concat(err).toString('utf8').slice(-3000)}`);
    return Buffer.concat(out).toString('utf8');
  };
}

async function answers(url: string): Promise<boolean> {
  return await fetch(`${url}/health`).then(
    ({ ok }) => ok,
    () => false,
  );
}
