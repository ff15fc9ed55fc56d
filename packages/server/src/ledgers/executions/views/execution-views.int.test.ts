/** Views of runs: the graph and its changes, one step, and the queue. */
import type {
  Execution,
  ExecutionEdge,
  ExecutionMark,
  ExecutionQueue,
  ExecutionStep,
  SubmitExecutionInput,
} from '@dais/api/executions';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { codeOf } from '#kernel/testing/test-kernel.ts';
import { startExecutionsWorld, type ExecutionsWorld, type Page } from '../testing/executions-world.ts';

let world: ExecutionsWorld;

beforeAll(async () => {
  world = await startExecutionsWorld();
});
afterAll(async () => {
  await world.stop();
});

type Steps = SubmitExecutionInput['steps'];
type Graph = Page<ExecutionMark> & { readonly place: string };

function sh(script: string, more: Partial<Steps[string]> = {}): Steps[string] {
  return { command: ['sh', '-c', script], isolation: 'none', ...more };
}

const graph = async (run: Pick<Execution, 'id'>, more: object = {}) =>
  await world.dais.call<Graph>('execution.graph', { id: run.id, ...more });

test('the queue shows the order of ready steps and why they wait', async () => {
  const [low, high] = [
    await world.submit({
      name: 'low',
      steps: { a: sh('true', { resources: { cpu: 1 } }), b: sh('true', { needs: ['a'] }) },
    }),
    await world.submit({ name: 'high', priority: 5, steps: { main: sh('true') } }),
  ];
  const queue = await world.dais.call<ExecutionQueue>('execution.queue', {});
  expect(queue).toMatchObject({
    use: { runningSteps: 0, queuedSteps: 2, resources: {} },
    limits: { runningSteps: 8, queuedSteps: 100_000, resources: {}, weight: 1 },
    others: { runningSteps: 0, queuedSteps: 0, resources: {} },
    nodes: [],
  });
  expect(queue.items.map(({ name, node, why, before }) => [name, node, why, before])).toEqual([
    ['high', 'main', 'concurrency', 0],
    ['low', 'a', 'concurrency', 1],
  ]);
  expect(queue.items[1]).toMatchObject({ run: low.id, priority: 0, resources: { cpu: 1 } });
  const first = await world.dais.call<ExecutionQueue>('execution.queue', { limit: 1 });
  const next = await world.dais.call<ExecutionQueue>('execution.queue', { limit: 1, cursor: first.nextCursor });
  expect([...first.items, ...next.items].map(({ name }) => name)).toEqual(['high', 'low']);
  expect(next.nextCursor).toBeUndefined();
  for (const { id } of [low, high]) await world.dais.call('execution.cancel', { id });
  expect((await world.dais.call<ExecutionQueue>('execution.queue', {})).items).toEqual([]);
});

test('the queue shows steps that wait for a retry or for the quota of their project', async () => {
  const worker = await world.worker({ limits: { runningSteps: 1, queuedSteps: 100 } });
  const flaky = await world.submit({ steps: { main: sh('exit 1', { retry: { count: 1, delaySeconds: 3600 } }) } });
  const waits = async () => (await world.dais.call<ExecutionQueue>('execution.queue', {})).items;
  await expect.poll(async () => (await waits()).map(({ why }) => why)).toEqual(['retry']);
  expect((await waits())[0]?.until).toBeGreaterThan(Date.now());
  await worker.stop();
  await world.dais.call('execution.cancel', { id: flaky.id });
  const steps = Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`s${n}`, sh('true')]));
  const many = await world.submit({ steps });
  // The ledger that answers here lets a project have eight.
  expect((await waits()).map(({ why }) => why)).toEqual([...Array(8).fill('concurrency'), 'quota', 'quota']);
  expect((await waits()).at(-1)?.resource).toBe('runningSteps');
  await world.dais.call('execution.cancel', { id: many.id });
});

test('the graph is read in pages, and later only changed nodes', async () => {
  const run = await world.submit({
    steps: {
      load: sh('printf 3 > n', { outputs: { n: { path: 'n', as: 'text' } } }),
      left: sh('true', { needs: ['load'] }),
      right: sh('true', { needs: ['load'] }),
      end: sh('true', { needs: ['left', 'right'] }),
    },
  });
  const before = await graph(run);
  expect(before.items.map(({ path, state, attempts }) => [path, state, attempts])).toEqual([
    ['end', 'pending', 0],
    ['left', 'pending', 0],
    ['load', 'ready', 0],
    ['right', 'pending', 0],
  ]);
  const edges = await world.dais.call<Page<ExecutionEdge>>('execution.edges', { id: run.id, limit: 3 });
  const rest = await world.dais.call<Page<ExecutionEdge>>('execution.edges', {
    id: run.id,
    limit: 3,
    cursor: edges.nextCursor,
  });
  expect([...edges.items, ...rest.items]).toEqual([
    { from: 'left', to: 'end' },
    { from: 'load', to: 'left' },
    { from: 'load', to: 'right' },
    { from: 'right', to: 'end' },
  ]);
  expect(rest.nextCursor).toBeUndefined();
  const page = await graph(run, { limit: 3 });
  const second = await graph(run, { limit: 3, cursor: page.nextCursor });
  expect([...page.items, ...second.items]).toEqual(before.items);
  await world.worker();
  await world.ended(run);
  // Repeated nodes have their current state.
  const news = await graph(run, { since: before.place });
  expect(news.items.map(({ path, state, attempts }) => [path, state, attempts])).toEqual(
    ['end', 'left', 'load', 'right'].map((path) => [path, 'succeeded', 1]),
  );
  expect((await graph(run, { since: '999999999999' })).items).toEqual([]);
  expect(await codeOf(graph(run, { cursor: 'bm9uZQ' }))).toBe('invalid_cursor');
});

test('a step shows its command as it was run, and its resources', async () => {
  await world.worker();
  const step = sh('echo "$DAIS_INPUT_N $DAIS_INPUT_D"', {
    inputs: { n: { value: 3 }, d: { step: 'make', output: 'd' } },
    variables: { MODE: 'fast' },
    resources: { cpu: 0.5 },
    timeoutSeconds: 60,
    retry: { count: 2 },
    outputs: { log: { path: 'log', optional: true } },
  });
  const make = sh('echo 1 > d', { outputs: { d: { path: 'd' } } });
  const run = await world.run({ steps: { make, main: step } });
  const read = await world.dais.call<ExecutionStep>('execution.step', { id: run.id, node: 'main' });
  expect(read).toMatchObject({ path: 'main', state: 'succeeded', inputs: { n: { parameter: 3 } } });
  expect(read.step).toEqual({
    command: ['sh', '-c', 'echo "$DAIS_INPUT_N $DAIS_INPUT_D"'],
    variables: { DAIS_INPUT_N: '3', DAIS_INPUT_D: 'inputs/d', MODE: 'fast' },
    secrets: {},
    environment: { type: 'system' },
    resources: { cpu: 0.5 },
    outputs: { log: 'log' },
    timeoutSeconds: 60,
    retries: 2,
    cache: false,
    isolation: 'none',
    network: false,
  });
  const root = await world.dais.call<ExecutionStep>('execution.step', { id: run.id, node: '' });
  expect([root.kind, root.step]).toEqual(['graph', undefined]);
  expect(await codeOf(world.dais.call('execution.step', { id: run.id, node: 'none' }))).toBe('not_found');
});
