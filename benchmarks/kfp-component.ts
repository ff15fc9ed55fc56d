/**
 * The CPU of a Python component of a KFP pipeline on Dais, compared with the process that runs it: the interpreter of the
 * same environment with the SDK's executor, the same component and the same input, started by a shell loop without Dais.
 * For Dais all processes count, including its database and the steps, less the CPU that the idle server uses in the same time.
 * Both are measured in alternating rounds.
 *
 * `--components N` components of a pipeline run, one after the other (default 10), `--rounds N` (default 8).
 */
import { writeFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { run } from '../packages/server/src/lib/process.ts';
import { environmentFlags } from '../packages/server/src/testing/environment-flags.ts';
import { pythonEnvironment } from '../tools/python-env.mjs';
import { Claims } from './lib/claims.mjs';
import { benchmarkFolder } from './lib/cleanup.mjs';
import { startOwnServer } from './lib/own-server.ts';
import { meanRatio, median } from './lib/paired-ratio.ts';
import { cpuOf } from './lib/processes.ts';
import { bareWork } from './pipelines/bare-work.ts';

const { values: flags } = parseArgs({
  options: {
    components: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '8' },
  },
});
const COMPONENTS = Number(flags.components);
const ROUNDS = Number(flags.rounds);
/** CPU of Dais for a component, divided by the CPU of its process alone. */
const TARGET = 1.3;
const POLL_MS = 100;
/** A server is quiet when it uses less than this CPU in half a second. */
const QUIET_CPU_MS = 30;
const QUIET_MS = 500;
const MAX_QUIET_CHECKS = 60;
const IDLE_MS = 10_000;

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));
const load = () => `load ${loadavg()[0]?.toFixed(2)}`;
const folder = benchmarkFolder('kfp-component');
console.log(`${cpus().length} cores, ${load()}, Node ${process.version}`);

const sdk = await pythonEnvironment('kfp', here('./pipelines/requirements-kfp.txt'));
const document = await compile(COMPONENTS);
const dais = await startOwnServer(folder, await environmentFlags());
const claims = new Claims();
try {
  const { url, pids } = dais;
  const send = async <Answer>(method: 'GET' | 'POST', path: string, body?: unknown): Promise<Answer> => {
    const response = await fetch(`${url}/api/v1/${path}`, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body) }),
      headers: { 'content-type': 'application/json' },
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 2000)}`);
    return JSON.parse(text) as Answer;
  };
  const manifest = { apiVersion: 'dais.dev/v1', kind: 'Pipeline', metadata: { name: 'components' }, spec: {} };
  await send('POST', 'apply', { sources: [{ file: 'pipeline.json', text: JSON.stringify(manifest) }] });
  await send('POST', 'pipelines/components/versions', { format: 'kfp', document: { pipeline_spec: document } });
  const runPipeline = async (): Promise<string> => {
    const { id } = await send<{ id: string }>('POST', 'pipelines/components/runs', {});
    for (;;) {
      const found = await send<{ state: string; error?: string; endedAt?: number }>('GET', `executions/${id}`);
      if (found.endedAt === undefined) await delay(POLL_MS);
      else if (found.state === 'succeeded') return id;
      else throw new Error(`The pipeline run is ${found.state}: ${found.error}`);
    }
  };
  /** Milliseconds of CPU of all processes. */
  const now = () => ({ cpu: cpuOf(pids), at: performance.now() });
  const quiet = async () => {
    let before = now();
    for (let checks = 0; checks < MAX_QUIET_CHECKS; checks++) {
      await delay(QUIET_MS);
      const after = now();
      if (after.cpu - before.cpu <= QUIET_CPU_MS) return after;
      before = after;
    }
    return before;
  };
  // Builds the environment.
  const first = await runPipeline();
  const { items } = await send<{ items: { outputs: Record<string, { parameter?: unknown }> }[] }>(
    'GET',
    `executions/${first}/nodes?limit=100`,
  );
  const python = items.map(({ outputs }) => outputs['Output']?.parameter).find((value) => typeof value === 'string');
  if (python === undefined) throw new Error('The component returned no path of its interpreter.');
  for (let n = 0; n < 3; n++) await runPipeline();
  const bare = await bareComponent(python);
  console.log(`${COMPONENTS} components, ${ROUNDS} rounds, ${python}`);
  const idleFrom = await quiet();
  await delay(IDLE_MS);
  const idleTo = now();
  const idle = (idleTo.cpu - idleFrom.cpu) / (idleTo.at - idleFrom.at);
  console.log(`idle server: ${(1000 * idle).toFixed(1)} ms of CPU per second`);
  const ratios: number[] = [];
  const [own, alone]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    const { cpu } = await bare();
    const from = await quiet();
    await runPipeline();
    const to = await quiet();
    const used = (to.cpu - from.cpu - idle * (to.at - from.at)) / COMPONENTS;
    own.push(used);
    alone.push(cpu);
    ratios.push(used / cpu);
  }
  const { mean, low, high } = meanRatio(ratios);
  console.log(
    `CPU per component: ${median(own).toFixed(1)} ms on Dais, ${median(alone).toFixed(1)} ms its process alone; ` +
      `ratio ${mean.toFixed(2)}, 95 % interval ${low.toFixed(2)} to ${high.toFixed(2)} ` +
      `(target ${TARGET}: ${claims.judge(`${COMPONENTS} components of a pipeline run`, mean <= TARGET)}), ${load()}`,
  );
} finally {
  await dais.stop();
}
claims.end();

async function compile(count: number): Promise<unknown> {
  const command = [here('./pipelines/kfp_component.py'), String(count)];
  const { code, stdout, stderr } = await run(join(sdk, 'bin', 'python'), ['-W', 'ignore', ...command], {
    env: { PATH: '/usr/bin:/bin', HOME: folder, LANG: 'C.UTF-8' },
  });
  if (code !== 0) throw new Error(stderr.slice(-3000));
  return JSON.parse(stdout.toString('utf8')) as unknown;
}

/** Returns a function that measures the process of a component without Dais. */
async function bareComponent(python: string): Promise<() => ReturnType<typeof bareWork>> {
  const executors = (document as { deploymentSpec: { executors: Record<string, Executor> } }).deploymentSpec.executors;
  const { command, args } = Object.values(executors)[0]!.container;
  const source = join(folder, 'component.py');
  await writeFile(source, command.at(-1)!);
  const output = join(folder, 'output.json');
  const parameters = { Output: { outputFile: join(folder, 'output') } };
  const input = JSON.stringify({ inputs: {}, outputs: { parameters, artifacts: {}, outputFile: output } });
  const called = args.map((arg) => (arg === '{{$}}' ? input : arg));
  const variables = ['_KFP_RUNTIME=true', 'PYTHONUNBUFFERED=1', `HOME=${folder}`];
  const words = [python, '-m', 'kfp.dsl.executor_main', '--component_module_path', source, ...called];
  return async () => await bareWork(variables[0]!, [...variables.slice(1), ...words], COMPONENTS * 2);
}

interface Executor {
  readonly container: { readonly command: readonly string[]; readonly args: readonly string[] };
}
