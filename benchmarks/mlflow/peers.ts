/** The servers that are compared: `mlflow server` on SQLite or PostgreSQL, and Dais; each in a folder of its own. */
import { mkdir, readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mlflowPython, startMlflowServer, type PythonRunner } from '../../conformance/mlflow/mlflow-server.ts';
import { embeddedEngine } from '../../packages/server/src/engines/database/embedded/embedded-engine.ts';
import { killAtEnd } from '../lib/cleanup.mjs';
import { startOwnServer } from '../lib/own-server.ts';
import { cacheFolder } from '../../tools/environment.mjs';
import { pythonEnvironment } from '../../tools/python-env.mjs';

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));
/** Each of MLflow's workers may hold 15 connections. */
const CONNECTIONS = 200;

export interface Peer {
  readonly name: string;
  readonly url: string;
  /** The first processes of the server; the others are below them. */
  readonly pids: readonly number[];
  readonly token: string;
  /** Runs a program with MLflow's client. */
  readonly python: PythonRunner;
  /** Copies a run so many times, faster than its API makes runs; a peer without it is filled through the API. */
  readonly copyRun?: (id: string, times: number) => Promise<void>;
  stop(): Promise<void>;
}

export type Store = 'sqlite' | 'postgresql';
const STORE_NAMES: Readonly<Record<Store, string>> = { sqlite: 'MLflow on SQLite', postgresql: 'MLflow on PostgreSQL' };

export async function startMlflow(folder: string, store: Store, workers: number): Promise<Peer> {
  const home = join(folder, `mlflow-${store}`);
  await mkdir(home);
  let release = () => {};
  const database = store === 'sqlite' ? sqlite(home) : await postgresql(folder);
  const server = await startMlflowServer(home, {
    workers,
    store: database.address,
    packages: database.packages,
    onStart: (group) => (release = killAtEnd(-group)),
  });
  const stop = async () => {
    await server.stop();
    release();
    await database.stop();
  };
  const copyRun = async (id: string, times: number) => {
    await server.python(here('copy_run.py'), [database.address, id, String(times)]);
  };
  const pids = [server.pid, ...database.pids];
  return { name: STORE_NAMES[store], url: server.url, pids, token: '', python: server.python, copyRun, stop };
}

interface MlflowDatabase {
  readonly address: string;
  readonly packages: readonly string[];
  readonly pids: readonly number[];
  stop(): Promise<void>;
}

function sqlite(home: string): MlflowDatabase {
  return { address: `sqlite:///${home}/mlflow.db`, packages: [], pids: [], stop: async () => {} };
}

/**
 * The same PostgreSQL that Dais includes, with the same settings and durability; connected through its socket, as Dais
 * does.
 */
async function postgresql(folder: string): Promise<MlflowDatabase> {
  const environment = await pythonEnvironment('psycopg2', here('requirements-postgresql.txt'));
  const [python = ''] = await readdir(join(environment, 'lib'));
  const home = join(folder, 'postgresql');
  const settings = { max_connections: CONNECTIONS };
  const running = await embeddedEngine({
    folder: home,
    cacheFolder: join(cacheFolder(), 'postgres'),
    settings,
  }).start();
  const { host, port } = running.connection;
  const postmaster = (await readFile(join(home, 'cluster', 'postmaster.pid'), 'utf8')).split('\n')[0];
  return {
    address: `postgresql+psycopg2://postgres@/postgres?host=${encodeURIComponent(host)}&port=${port}`,
    packages: [join(environment, 'lib', python, 'site-packages')],
    pids: [Number(postmaster)],
    stop: () => running.stop(),
  };
}

export async function startOwn(folder: string): Promise<Peer> {
  return { ...(await startOwnServer(folder)), python: await mlflowPython(folder) };
}
