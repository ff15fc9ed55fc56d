/**
 * The time from the submission of a task to the start of its command on Kubernetes, against a bare Job on the same cluster, in turn. Commands connect to
 * this program when they start. CPU: of this process, which contains the engine, its HTTP server for agents and its object store in a folder.
 *
 * It starts a Kubernetes with a node on this machine: Linux, as root (docs/internals/kubernetes-test-cluster.md).
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { SHELL_IMAGE } from '../conformance/kubernetes/node-images.ts';
import { HOST_ADDRESS } from '../conformance/kubernetes/node-namespaces.ts';
import { openPodEngine } from '../packages/server/src/engines/compute/kubernetes/pod-engine.testing.ts';
import { systemClock } from '../packages/server/src/lib/clock.ts';
import { ClusterClient } from '../packages/server/src/lib/kubernetes/cluster-client.ts';
import { readKubeconfig } from '../packages/server/src/lib/kubernetes/kubeconfig.ts';
import { Claims } from './lib/claims.mjs';
import { describeMachine } from './lib/own-server.ts';
import { resultTable } from './lib/result-table.mjs';

const { values: flags } = parseArgs({ options: { tasks: { type: 'string', default: '20' } } });
const TASKS = Number(flags.tasks);
const MAX_OVERHEAD_MS = 1500;
const MAX_CPU_MS = 60;
const JOBS = { group: 'batch', version: 'v1', resource: 'jobs', namespace: 'default' } as const;

console.log(`${TASKS} tasks and ${TASKS} bare Jobs in turn; ${describeMachine()}`);
const claims = new Claims();
const pods = await openPodEngine();
const config = await readKubeconfig(pods.cluster.controlPlane.kubeconfig, { fail: (detail) => new Error(detail) });
const client = new ClusterClient({ config, clock: systemClock, environment: {} });
const connected = new Map<string, () => void>();
const server = createServer((socket) => {
  let name = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    name += text;
    if (name.endsWith('\n')) connected.get(name.trim())?.();
  });
  socket.on('error', () => {});
  socket.on('end', () => socket.end());
});
server.listen(0, HOST_ADDRESS);
await once(server, 'listening');
const { port } = server.address() as AddressInfo;

/** Returns the command, and the time of its start. */
function startOf(name: string) {
  const { promise, resolve } = Promise.withResolvers<number>();
  connected.set(name, () => resolve(performance.now()));
  const command: [string, ...string[]] = ['sh', '-c', `echo ${name} | nc -w 5 ${HOST_ADDRESS} ${port}`];
  return { command, started: promise };
}

async function runBare(name: string): Promise<number> {
  const { command, started } = startOf(name);
  const from = performance.now();
  await client.create(JOBS, {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name },
    spec: {
      backoffLimit: 0,
      template: {
        spec: {
          restartPolicy: 'Never',
          containers: [{ name: 'task', image: SHELL_IMAGE, imagePullPolicy: 'Never', command }],
        },
      },
    },
  });
  const took = (await started) - from;
  await client.delete({ ...JOBS, name }, { propagationPolicy: 'Background' });
  return took;
}

async function runTask(attempt: string): Promise<{ readonly startMs: number; readonly cpuMs: number }> {
  const { compute } = pods.engine;
  const { command, started } = startOf(attempt);
  const [from, cpu] = [performance.now(), process.cpuUsage()];
  await compute.submit({
    attempt,
    command,
    variables: {},
    secretVariables: {},
    inputs: [],
    outputs: [],
    resources: {},
    limits: {},
    isolation: 'required',
    network: true,
  });
  const startMs = (await started) - from;
  await compute.wait(attempt, new AbortController().signal);
  await compute.forget(attempt);
  const { user, system } = process.cpuUsage(cpu);
  return { startMs, cpuMs: (user + system) / 1000 };
}

const bare: number[] = [];
const tasks: { startMs: number; cpuMs: number }[] = [];
// The first of each loads images and code.
await runBare(`bare-${randomUUID().slice(0, 8)}`);
await runTask(`task-${randomUUID().slice(0, 8)}`);
for (let n = 0; n < TASKS; n += 1) {
  bare.push(await runBare(`bare-${randomUUID().slice(0, 8)}`));
  tasks.push(await runTask(`task-${randomUUID().slice(0, 8)}`));
}
client.close();
server.close();
await pods.end();

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
const [bareMs, taskMs] = [median(bare), median(tasks.map(({ startMs }) => startMs))];
const cpuMs = median(tasks.map((task) => task.cpuMs));
console.log(
  `\n${resultTable(
    'From submission to the start of the command',
    ['what', 'median (ms)', 'smallest (ms)', 'largest (ms)'],
    [
      ['bare Job', bareMs.toFixed(0), Math.min(...bare).toFixed(0), Math.max(...bare).toFixed(0)],
      [
        'task of Dais',
        taskMs.toFixed(0),
        Math.min(...tasks.map(({ startMs }) => startMs)).toFixed(0),
        Math.max(...tasks.map(({ startMs }) => startMs)).toFixed(0),
      ],
    ],
  )}`,
);
const overhead = taskMs - bareMs;
console.log(
  `\noverhead ${overhead.toFixed(0)} ms: ${claims.judge('a task starts at most 1.5 s later than a bare Job', overhead <= MAX_OVERHEAD_MS, `${overhead.toFixed(0)} ms`)}`,
);
console.log(
  `CPU of Dais per task ${cpuMs.toFixed(1)} ms: ${claims.judge('at most 60 ms of CPU of Dais per task', cpuMs <= MAX_CPU_MS, `${cpuMs.toFixed(1)} ms`)}`,
);
claims.end();
