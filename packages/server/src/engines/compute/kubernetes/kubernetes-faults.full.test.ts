/** What happens to tasks when pods, agents, the API server or Dais itself end: real pods on a real node. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { testClient } from '../../../../../../conformance/kubernetes/test-client.ts';
import type { ClusterClient } from '#lib/kubernetes/cluster-client.ts';
import { input, never, outputsOf, shell, textOf, untilWritten } from '../suite.ts';
import { openEngineOn, openPodEngine, type PodEngine } from './pod-engine.testing.ts';
import { LABELS } from './plan/names.ts';

const MIB = 2 ** 20;
const NAMESPACE = 'dais-default';
const OUTPUT = [{ name: 'out', path: 'out.txt' }];

let pods: PodEngine;
let client: ClusterClient;

beforeAll(async () => {
  pods = await openPodEngine();
  client = await testClient(pods.cluster.controlPlane.kubeconfig);
}, 600_000);
afterAll(async () => {
  client.close();
  await pods.end();
}, 600_000);

/** Writes the numbers to `count` into its log, one every 200 ms, and the last one into its output. */
function counting(count: number) {
  const script = `n=0; while [ $n -lt ${count} ]; do n=$((n+1)); echo "line $n"; sleep 0.2; done; echo $n > out.txt`;
  return { ...shell(script, { outputs: OUTPUT }), isolation: 'required' as const };
}

const lines = (count: number) => Array.from({ length: count }, (_, n) => `line ${n + 1}\n`).join('');

async function podNames(attempt: string): Promise<string[]> {
  const selector = { labelSelector: `${LABELS.attempt}=${attempt}` };
  const { items } = await client.list({ version: 'v1', resource: 'pods', namespace: NAMESPACE }, selector);
  return items.map(({ metadata }) => metadata.name);
}

test('a task continues while Dais restarts', async () => {
  const spec = counting(40);
  await pods.engine.compute.submit(spec);
  await untilWritten(pods.engine.compute, spec.attempt, 'line 3\n');
  await pods.engine.compute.close();
  const compute = await pods.engine.reopen();
  expect(await compute.wait(spec.attempt, never)).toMatchObject({ phase: 'ended', end: 'exit', code: 0 });
  expect(await textOf(compute, spec.attempt)).toBe(lines(40));
  expect(await outputsOf(compute, spec.attempt)).toEqual({ out: '40\n' });
});

test('a task continues while its agent is killed, and runs once', async () => {
  const { compute } = pods.engine;
  const spec = counting(60);
  await compute.submit(spec);
  for (const until of ['line 3\n', 'line 25\n']) {
    await untilWritten(compute, spec.attempt, until);
    const agents = pods.cluster.node.processes().filter(({ command }) => command.includes(`--attempt=${spec.attempt}`));
    expect(agents.length).toBeGreaterThan(0);
    for (const { pid } of agents) process.kill(pid, 'SIGKILL');
  }
  expect(await compute.wait(spec.attempt, never)).toMatchObject({ phase: 'ended', end: 'exit', code: 0 });
  expect(await textOf(compute, spec.attempt)).toBe(lines(60));
  expect(await outputsOf(compute, spec.attempt)).toEqual({ out: '60\n' });
});

test('a task continues while the API server is away', async () => {
  const { compute } = pods.engine;
  const { controlPlane } = pods.cluster;
  const spec = counting(30);
  await compute.submit(spec);
  await untilWritten(compute, spec.attempt, 'line 3\n');
  await controlPlane.killApiServer();
  await untilWritten(compute, spec.attempt, 'line 25\n');
  await controlPlane.startApiServer();
  expect(await compute.wait(spec.attempt, never)).toMatchObject({ phase: 'ended', end: 'exit', code: 0 });
  expect(await textOf(compute, spec.attempt)).toBe(lines(30));
});

test('a task that exceeds its memory limit is told so', async () => {
  const { compute } = pods.engine;
  const spec = shell('echo before; a=x; while :; do a=$a$a; done', { resources: { memory: 64 * MIB } });
  await compute.submit({ ...spec, isolation: 'required' });
  expect(await compute.wait(spec.attempt, never)).toMatchObject({ phase: 'ended', end: 'out-of-memory' });
  expect(await textOf(compute, spec.attempt)).toContain('before\n');
});

test('a task whose pod is deleted or evicted is lost, with the reason, and does not run again', async () => {
  const { compute } = pods.engine;
  for (const kind of ['delete', 'evict'] as const) {
    const spec = { ...shell('trap "echo stopped; exit 5" TERM; echo runs; while :; do sleep 0.1; done') };
    await compute.submit({ ...spec, isolation: 'required' });
    await untilWritten(compute, spec.attempt, 'runs\n');
    const [name = ''] = await podNames(spec.attempt);
    const pod = { version: 'v1', resource: 'pods', namespace: NAMESPACE, name };
    if (kind === 'delete') await client.delete(pod, { propagationPolicy: 'Background' });
    else {
      const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace: NAMESPACE } };
      await client.create({ ...pod, name, subresource: 'eviction' } as typeof pod, { ...eviction });
    }
    const state = await compute.wait(spec.attempt, never);
    expect(state).toMatchObject({ phase: 'lost' });
    expect(JSON.stringify(state)).toMatch(kind === 'delete' ? /deleted/ : /evict/i);
    // The shell may report that its child was terminated.
    expect(await textOf(compute, spec.attempt)).toMatch(/^runs\n(?:Terminated\n)?stopped\n$/);
    await expect.poll(async () => await podNames(spec.attempt)).toEqual([]);
  }
});

test('a task whose container is killed together with its agent is lost, and does not run again', async () => {
  const { compute } = pods.engine;
  const spec = shell('cat in.txt; echo runs; while :; do sleep 0.1; done', { inputs: [input('in.txt', 'content\n')] });
  await compute.submit({ ...spec, isolation: 'required' });
  await untilWritten(compute, spec.attempt, 'runs\n');
  for (const { pid, command } of pods.cluster.node.processes()) {
    if (command.includes(`--attempt=${spec.attempt}`) || command.startsWith('/dais/shim')) process.kill(pid, 'SIGKILL');
  }
  expect(await compute.wait(spec.attempt, never)).toMatchObject({ phase: 'lost' });
  expect(await textOf(compute, spec.attempt)).toBe('content\nruns\n');
});

test('an image that does not exist is named while the task waits', async () => {
  const other = await openEngineOn(pods.cluster, 'dais-other', 'localhost/no-such-image:1');
  try {
    const spec = shell('echo runs');
    await other.compute.submit({ ...spec, isolation: 'required' });
    await expect
      .poll(() => other.compute.note(spec.attempt), { interval: 200 })
      .toMatch(/waits for the image of the task: .*localhost\/no-such-image:1/);
    await other.compute.cancel(spec.attempt);
    expect(await other.compute.wait(spec.attempt, never)).toMatchObject({ end: 'canceled' });
  } finally {
    await other.end();
  }
});
