/** Steps of a Dais in separate processes, as pods of a cluster with a real node. */
import { mkdtempSync, rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AGENT_IMAGE, writeAgentImage } from '../../../conformance/kubernetes/agent-image.ts';
import { startNodeCluster, type NodeCluster } from '../../../conformance/kubernetes/node-cluster.ts';
import { PYTHON_IMAGE, SHELL_IMAGE, writePythonImage } from '../../../conformance/kubernetes/node-images.ts';
import { HOST_ADDRESS } from '../../../conformance/kubernetes/node-namespaces.ts';
import { testClient } from '../../../conformance/kubernetes/test-client.ts';
import { administratorToken } from './testing/administrator.ts';
import { freePort, startDaisProcess, type DaisProcess } from './testing/dais-process.ts';
import { environmentFlags } from './testing/environment-flags.ts';
import { executionClient, type ExecutionClient } from './testing/execution-client.ts';

let cluster: NodeCluster;
let folder: string;
let dais: DaisProcess;
let url: string;
let token: string;
/** Version of the Python in `PYTHON_IMAGE`. */
let python: string;
let runs: ExecutionClient;
let flags: Record<string, unknown>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-target-'));
  cluster = await startNodeCluster();
  const images = mkdtempSync(join(tmpdir(), 'dais-agent-'));
  await writeAgentImage(join(images, 'agent.tar'));
  await cluster.runtime.importImage(join(images, 'agent.tar'));
  python = await writePythonImage(join(images, 'python.tar'));
  await cluster.runtime.importImage(join(images, 'python.tar'));
  rmSync(images, { recursive: true });
  flags = {
    data: join(folder, 'data'),
    'keys.folder': join(folder, 'keys'),
    'authentication.mode': 'accounts',
    host: HOST_ADDRESS,
    insecureHttp: true,
    port: await freePort(),
    'executions.agentImage': AGENT_IMAGE,
    ...(await environmentFlags()),
  };
  dais = startDaisProcess(flags);
  url = await dais.ready;
  token = await administratorToken(url, join(folder, 'data', 'owner-token'));
  runs = executionClient(() => url, token);
}, 300_000);
afterAll(async () => {
  dais?.process.kill('SIGTERM');
  await dais?.ended;
  await cluster?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function call<T>(method: string, path: string, body?: object): Promise<T> {
  const response = await fetch(`${url}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const answer = (await response.json()) as T;
  if (!response.ok) throw new Error(JSON.stringify(answer));
  return answer;
}

async function apply(...documents: readonly object[]): Promise<void> {
  const sources = documents.map((document, index) => ({ file: `${index}.json`, text: JSON.stringify(document) }));
  await call('POST', '/apply', { sources });
}

function resource(kind: string, name: string, spec: object) {
  return { apiVersion: 'dais.dev/v1', kind, metadata: { name }, spec };
}

function target(spec: object = {}) {
  const kubeconfig = { secret: 'cluster' };
  return resource('Target', 'lab', { type: 'kubernetes', cluster: { kubeconfig }, image: SHELL_IMAGE, ...spec });
}

interface Probe {
  readonly ready: boolean;
  readonly version?: string;
  readonly problems: readonly string[];
  readonly nodes: number;
}

const probe = async (pods: boolean) => await call<Probe>('POST', '/targets/lab/probe', { pods });

test('a target is tested with a pod, and reports what is wrong with its kubeconfig', { timeout: 180_000 }, async () => {
  await apply(resource('Secret', 'cluster', { data: { kubeconfig: 'clusters: []' } }), target());
  expect(await probe(true)).toMatchObject({
    ready: false,
    problems: [expect.stringContaining('The cluster of the target "lab" cannot be used')],
  });
  await apply(resource('Secret', 'cluster', { data: { kubeconfig: cluster.controlPlane.kubeconfig } }));
  expect(await probe(true)).toMatchObject({
    ready: true,
    version: expect.stringMatching(/^1\.\d+/),
    nodes: 1,
    problems: [],
  });
  const status = async () => (await call<{ status: { used?: boolean } }>('GET', '/targets/lab')).status.used;
  await expect.poll(status, { timeout: 30_000, interval: 100 }).toBe(true);
});

test('a run with steps in pods: inputs, outputs, an image of its own, a failure', { timeout: 180_000 }, async () => {
  const on = { target: 'lab' } as const;
  const { id } = await runs.submit({
    make: { ...on, command: ['sh', '-c', 'echo 20 > n'], outputs: { n: { path: 'n', as: 'json' } } },
    double: {
      ...on,
      command: ['sh', '-c', 'echo $((DAIS_INPUT_N * 2)); test -n "$DAIS_TOKEN"'],
      inputs: { n: { step: 'make', output: 'n' } },
      environment: { type: 'image', image: SHELL_IMAGE },
    },
    fail: { ...on, command: ['sh', '-c', 'echo broken >&2; exit 3'] },
  });
  const run = await runs.ended(id);
  expect(run.state).toBe('failed');
  const nodes = await runs.nodes(id);
  expect([...nodes].map(([path, { state }]) => `${path} ${state}`).toSorted()).toEqual([
    'double succeeded',
    'fail failed',
    'make succeeded',
  ]);
  const [double] = await runs.attempts(id, 'double');
  expect(double).toMatchObject({ target: 'lab', ending: 'exit', code: 0 });
  expect(String(await runs.log(id, double?.id ?? ''))).toBe('40\n');
  const [fail] = await runs.attempts(id, 'fail');
  expect(fail).toMatchObject({ ending: 'exit', code: 3 });
  // Nothing of the run is left in the cluster.
  await expect.poll(async () => (await jobs()).length, { timeout: 30_000, interval: 200 }).toBe(0);
});

async function jobs(): Promise<readonly unknown[]> {
  const client = await testClient(cluster.controlPlane.kubeconfig);
  try {
    return (await client.list({ group: 'batch', version: 'v1', resource: 'jobs' })).items;
  } finally {
    client.close();
  }
}

test(
  'steps with Python packages, in an image with the same Python and without packages',
  { timeout: 300_000 },
  async () => {
    await apply(target({ image: PYTHON_IMAGE }));
    const script = `import numpy, sys; print(numpy.arange(4).sum(), sys.version_info[:2], sys.prefix.startswith('/opt/dais/env/'))`;
    const environment = { type: 'python' as const, version: python, requirements: ['numpy==2.3.1'] };
    const step = { target: 'lab', command: ['python', '-c', script] as [string, ...string[]], environment };
    const { id } = await runs.submit({ one: step, other: step });
    const run = await runs.ended(id);
    const nodes = await runs.nodes(id);
    expect([run.state, ...[...nodes.values()].map(({ error }) => error)]).toEqual(['succeeded', undefined, undefined]);
    const [one] = await runs.attempts(id, 'one');
    expect(String(await runs.log(id, one?.id ?? ''))).toBe(`6 (${python.replace('.', ', ')}) True\n`);
    await apply(target());
  },
);

test('steps in pods survive the end of Dais', { timeout: 180_000 }, async () => {
  const { id } = await runs.submit({
    main: {
      target: 'lab',
      command: ['sh', '-c', 'echo once; sleep 8; echo done > result'],
      outputs: { result: { path: 'result' } },
    },
  });
  await expect
    .poll(async () => (await runs.attempts(id, 'main'))[0]?.state, { timeout: 60_000, interval: 100 })
    .toBe('started');
  dais.process.kill('SIGKILL');
  await dais.ended;
  dais = startDaisProcess(flags);
  url = await dais.ready;
  expect((await runs.ended(id)).state).toBe('succeeded');
  const [only, ...more] = await runs.attempts(id, 'main');
  expect(more).toEqual([]);
  expect(String(await runs.log(id, only?.id ?? ''))).toBe('once\n');
});

test('a request that the cluster cannot satisfy is refused with what it has', { timeout: 120_000 }, async () => {
  const { id } = await runs.submit({ main: { target: 'lab', command: ['true'], resources: { cpu: 1000 } } });
  const run = await runs.ended(id);
  expect(run.error).toContain('resources.cpu');
});
