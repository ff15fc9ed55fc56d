/** Steps that log to a tracked run, with their lineage. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Execution, ExecutionNode, SubmitExecutionInput } from '@dais/api/executions';
import type { LineageGraph } from '@dais/api/lineage';
import type { Run } from '@dais/api/tracking';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { controlOf, isAlive, startDaisProcess, type DaisProcess } from '#testing/dais-process.ts';

let folder: string;
let dais: DaisProcess;
let url: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-tracked-steps-'));
  dais = startDaisProcess({ data: join(folder, 'data') });
  url = await dais.ready;
});
afterAll(async () => {
  dais.process.kill('SIGTERM');
  await dais.ended;
  await rm(folder, { recursive: true, force: true });
});

async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  const init = { method, headers: { 'content-type': 'application/json' } };
  const answer = await fetch(`${url}${path}`, body === undefined ? init : { ...init, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(await answer.text());
  return (await answer.json()) as T;
}

/** Calls the MLflow API from within the step, as an MLflow client does. */
const ASK = `
const { DAIS_TOKEN, MLFLOW_TRACKING_URI, MLFLOW_RUN_ID } = process.env;
const ask = async (path, body) => {
  const headers = { 'content-type': 'application/json', authorization: 'Bearer ' + DAIS_TOKEN };
  const answer = await fetch(MLFLOW_TRACKING_URI + '/api/2.0/mlflow/' + path, { method: 'POST', headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(await answer.text());
  return await answer.json();
};
const metric = (value) => ask('runs/log-metric', { run_id: MLFLOW_RUN_ID, key: 'loss', value, timestamp: 1, step: 0 });
`;
const script = (text: string) => ['node', '-e', `${ASK}\n(async () => { ${text} })()`];

type Step = SubmitExecutionInput['steps'][string];

async function submit(step: Step, more: Partial<SubmitExecutionInput> = {}): Promise<Execution> {
  const main = { isolation: 'none' as const, tracking: { experiment: 'delays' }, ...step };
  return await call<Execution>('POST', '/api/v1/executions', { name: 'fit', ...more, steps: { main } });
}

async function nodeOf({ id }: Pick<Execution, 'id'>): Promise<ExecutionNode | undefined> {
  const { items } = await call<{ items: ExecutionNode[] }>('GET', `/api/v1/executions/${id}/nodes`);
  return items.find(({ path }) => path === 'main');
}

async function ended({ id }: Pick<Execution, 'id'>): Promise<Execution> {
  const get = async () => await call<Execution>('GET', `/api/v1/executions/${id}`).catch(() => undefined);
  await expect.poll(async () => (await get())?.endedAt !== undefined, { timeout: 60_000 }).toBe(true);
  return (await get())!;
}

/** The run that a step logged into. */
async function trackedBy(run: Pick<Execution, 'id'>): Promise<Run> {
  const { tracking } = (await nodeOf(run)) ?? {};
  if (tracking === undefined) throw new Error('it has no run of an experiment');
  return await call<Run>('GET', `/api/v1/tracking/runs/${tracking.run}`);
}

test('a step logs to a tracked run that starts and ends with it and records its source', async () => {
  const made = await submit(
    { command: script('await metric(0.5)'), inputs: { rate: { value: 0.1 } } },
    { code: { commit: 'a'.repeat(40), repository: 'https://example.com/flights.git', dirty: false, files: [] } },
  );
  expect(await ended(made)).toMatchObject({ state: 'succeeded' });
  const run = await trackedBy(made);
  expect(run).toMatchObject({
    name: 'fit',
    user: 'owner',
    status: 'FINISHED',
    params: { rate: '0.1' },
    metrics: [{ key: 'loss', value: 0.5 }],
    tags: {
      'mlflow.user': 'owner',
      'mlflow.source.type': 'PROJECT',
      'mlflow.source.name': 'node',
      'mlflow.source.git.commit': 'a'.repeat(40),
      'mlflow.source.git.repoURL': 'https://example.com/flights.git',
      'mlflow.project.entryPoint': 'main',
      'dais.execution': made.id,
    },
  });
  expect(run.endedAt).toBeGreaterThanOrEqual(run.startedAt);
});

test('attempts of one step log to one run, which ends with the step', async () => {
  const failing = await submit({ command: script('await metric(1); process.exit(3)'), retry: { count: 1 } });
  expect(await ended(failing)).toMatchObject({ state: 'failed' });
  expect(await trackedBy(failing)).toMatchObject({ status: 'FAILED', metrics: [{ key: 'loss', value: 1 }] });
  expect((await nodeOf(failing))?.attempts).toBe(2);
});

test('the tracked run of a step that is canceled before a retry is killed', async () => {
  const waiting = await submit({ command: ['false'], retry: { count: 1, delaySeconds: 3600 } });
  await expect.poll(async () => (await nodeOf(waiting))?.state).toBe('delayed');
  expect(await trackedBy(waiting)).toMatchObject({ status: 'RUNNING' });
  await call('POST', `/api/v1/executions/${waiting.id}/cancel`);
  expect(await ended(waiting)).toMatchObject({ state: 'canceled' });
  expect(await trackedBy(waiting)).toMatchObject({ status: 'KILLED' });
});

test('a step continues to log after its server was killed', async () => {
  const made = await submit({
    command: script(`
      await metric(1);
      const fs = require('node:fs');
      while (!fs.existsSync(${JSON.stringify(join(folder, 'again'))})) await new Promise((r) => setTimeout(r, 50));
      await ask('runs/log-metric', { run_id: MLFLOW_RUN_ID, key: 'after', value: 2, timestamp: 2, step: 0 });`),
  });
  await expect.poll(async () => (await trackedBy(made).catch(() => undefined))?.metrics.length).toBe(1);
  const control = controlOf(dais.process.pid!)!;
  process.kill(control, 'SIGKILL');
  await expect.poll(() => isAlive(control)).toBe(false);
  await expect.poll(async () => await nodeOf(made).catch(() => undefined), { timeout: 60_000 }).toBeDefined();
  await writeFile(join(folder, 'again'), '');
  expect(await ended(made)).toMatchObject({ state: 'succeeded' });
  const { status, metrics } = await trackedBy(made);
  expect([status, metrics.map(({ key }) => key).toSorted()]).toEqual(['FINISHED', ['after', 'loss']]);
});

test('the lineage of a model version includes the step that created it, its code and its inputs', async () => {
  const form = await fetch(`${url}/api/v1/executions/uploads`, { method: 'PUT', body: 'print("hi")' });
  const { upload } = (await form.json()) as { upload: string };
  const files = [{ path: 'train.py', upload }];
  const prepare: Step = {
    command: ['sh', '-c', 'echo 1 > rows'],
    outputs: { rows: { path: 'rows' } },
    isolation: 'none',
  };
  const train: Step = {
    command: script(`
      const { run } = await ask('runs/create', { experiment_id: '0' });
      await ask('registered-models/create', { name: 'delays' });
      await ask('model-versions/create', { name: 'delays', source: run.info.artifact_uri + '/model', run_id: run.info.run_id });`),
    inputs: { rows: { step: 'prepare', output: 'rows' } },
    isolation: 'none',
  };
  const made = await call<Execution>('POST', '/api/v1/executions', {
    name: 'nightly',
    steps: { prepare, train },
    code: { commit: 'b'.repeat(40), files },
  });
  expect(await ended(made)).toMatchObject({ state: 'succeeded' });
  const query = new URLSearchParams({ node: 'model-version:delays/1', direction: 'upstream', depth: '8' });
  const { nodes } = await call<LineageGraph>('GET', `/api/v1/lineage?${query.toString()}`);
  const named = nodes.map(({ type, name }) => `${type} ${name ?? ''}`);
  expect(named).toEqual(
    expect.arrayContaining([
      'step nightly / train',
      'files nightly / prepare / rows',
      'step nightly / prepare',
      'files code of nightly',
      `commit ${'b'.repeat(40)}`,
    ]),
  );
  expect(nodes.find(({ name }) => name === 'nightly / train')?.data).toMatchObject({
    execution: made.id,
    state: 'exit',
  });
});
