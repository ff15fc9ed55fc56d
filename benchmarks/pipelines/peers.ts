/** The peers: each is a program in its own language, environment and folder that runs graphs on request. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { start } from '../../packages/server/src/lib/process.ts';
import { pythonEnvironment } from '../../tools/python-env.mjs';
import { killAtEnd } from '../lib/cleanup.mjs';
import type { Graph, GraphRun, Runner } from './graphs.ts';

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));

/** How a peer runs steps. */
export interface Ways {
  /** Each step is a process of its own. */
  readonly processes: boolean;
  /** Each step is run by an interpreter that is started for it. */
  readonly startsPython: boolean;
}

interface Peer extends Ways {
  readonly name: string;
  readonly environment: string;
  readonly program: string;
  readonly args?: readonly string[];
}

const INTERPRETERS: Ways = { processes: true, startsPython: true };
/** Forked from a process that has loaded everything. */
const FORKS: Ways = { processes: true, startsPython: false };
const INSIDE: Ways = { processes: false, startsPython: false };

export const PEERS: readonly Peer[] = [
  { name: 'kfp.local', environment: 'kfp', program: 'kfp_local.py', ...INTERPRETERS },
  { name: 'Prefect', environment: 'prefect', program: 'prefect_flows.py', ...INSIDE },
  { name: 'Dagster', environment: 'dagster', program: 'dagster_jobs.py', args: ['processes'], ...FORKS },
  { name: 'Dagster in-process', environment: 'dagster', program: 'dagster_jobs.py', args: ['in-process'], ...INSIDE },
  { name: 'Metaflow', environment: 'metaflow', program: 'metaflow_flows.py', ...INTERPRETERS },
];

/** Resolves when it has loaded all that it needs. */
export async function startPeer(root: string, { name, environment, program, args = [] }: Peer): Promise<Runner> {
  const packages = await pythonEnvironment(environment, here(`requirements-${environment}.txt`));
  const folder = join(root, name.replaceAll(' ', '-'));
  await mkdir(join(folder, 'dagster'), { recursive: true });
  await writeFile(join(folder, 'dagster', 'dagster.yaml'), 'telemetry:\n  enabled: false\n');
  const child = start(join(packages, 'bin', 'python'), ['-W', 'ignore', here(program), ...args], {
    cwd: folder,
    detached: true,
    env: { ...QUIET, HOME: folder, PATH: '/usr/sbin:/usr/bin:/sbin:/bin', ...homes(folder) },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let output = '';
  child.stderr?.on('data', (chunk: Buffer) => (output = (output + chunk.toString('utf8')).slice(-4000)));
  const release = killAtEnd(-(child.pid ?? 0));
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const answers = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  const answer = async (): Promise<unknown> => {
    const { value, done } = await answers.next();
    if (done === true) throw new Error(`${name} ended:\n${output}`);
    return JSON.parse(value);
  };
  await answer();
  return {
    name,
    pids: [child.pid ?? 0],
    run: async (graph: Graph) => {
      child.stdin?.write(`${JSON.stringify(graph)}\n`);
      return (await answer()) as GraphRun;
    },
    stop: async () => {
      child.stdin?.end();
      try {
        process.kill(-(child.pid ?? 0), 'SIGKILL');
      } catch {
        // It has ended already.
      }
      await ended;
      release();
    },
  };
}

/** No telemetry, and no output for users. */
const QUIET = {
  DO_NOT_TRACK: '1',
  PREFECT_SERVER_ANALYTICS_ENABLED: 'false',
  PREFECT_LOGGING_LEVEL: 'ERROR',
  // On a busy machine its server takes longer to start than its default timeout.
  PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS: '300',
  USERNAME: 'benchmark',
  LANG: 'C.UTF-8',
};

function homes(folder: string): Record<string, string> {
  const PYTHONPATH = here('.');
  return { DAGSTER_HOME: join(folder, 'dagster'), PREFECT_HOME: join(folder, 'prefect'), PYTHONPATH };
}
