/** Compute quotas of projects: enforced when runs are submitted and when steps start, and visible with permission. */
import { randomUUID } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import type { ComputeQuota } from '@dais/api';
import type { Execution, ExecutionQueue, ProjectCompute, SubmitExecutionInput } from '@dais/api/executions';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freshName } from '#kernel/testing/test-project.ts';
import { findTenant } from '#kernel/tenants.ts';
import { uuidv7 } from '#lib/ids.ts';
import type { Graph } from '../machine/plan.ts';
import { REQUESTS_IN_PLAN } from '../migrations/0004-compute-quotas.ts';
import { RunMachines } from '../runs/run-machine.ts';
import { submitRun } from '../runs/submit.ts';
import { STEP } from '../testing/plan-model.ts';
import { startExecutionsWorld, type ExecutionsWorld, type Page } from '../testing/executions-world.ts';

let world: ExecutionsWorld;

beforeAll(async () => {
  world = await startExecutionsWorld({ capacity: async () => await Promise.resolve({ cpu: 1.6, memory: 2 ** 33 }) });
});
afterAll(async () => {
  await world.stop();
});

const PATIENCE = { timeout: 60_000, interval: 30 };
type Steps = SubmitExecutionInput['steps'];
type Resources = NonNullable<Steps[string]['resources']>;

function sh(script: string, resources: Resources = {}): Steps[string] {
  return { command: ['sh', '-c', script], isolation: 'none', resources };
}

async function setQuota(name: string, compute: ComputeQuota | undefined, action: 'create' | 'update'): Promise<void> {
  const spec = compute === undefined ? {} : { quotas: { compute } };
  const manifest = { apiVersion: 'dais.dev/v1', kind: 'Project', metadata: { name }, spec };
  await world.dais.call(`project.${action}`, { manifest, ...(action === 'update' && { name }) });
}

async function projectWith(compute: ComputeQuota | undefined): Promise<string> {
  const name = freshName();
  await setQuota(name, compute, 'create');
  return name;
}

const submit = async (project: string, steps: Steps) =>
  await world.dais.call<Execution>('execution.submit', { steps }, { projects: [project] });
const queueOf = async (project: string) =>
  await world.dais.call<ExecutionQueue>('execution.queue', {}, { projects: [project] });
const cancel = async (project: string, { id }: Execution) =>
  await world.dais.call('execution.cancel', { id }, { projects: [project] });
const many = (count: number, step: Steps[string]): Steps =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`s${n}`, step]));

async function refusalOf(work: Promise<unknown>): Promise<readonly [code: string, message: string]> {
  try {
    await work;
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    return [code, message];
  }
  throw new Error('it was not refused');
}

/** Lines that steps write when they start and when they end. */
async function withJournal(work: (path: string, lines: () => Promise<string[]>) => Promise<void>): Promise<void> {
  const path = `/dev/shm/dais-journal-${randomUUID()}`;
  const lines = async () => (await readFile(path, 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');
  try {
    await work(path, lines);
  } finally {
    await rm(path, { force: true });
    await rm(`${path}-go`, { force: true });
  }
}

test('a run with a step that requests more than the whole quota is rejected before anything is written', async () => {
  const project = await projectWith({ resources: { cpu: 2, memory: 2 ** 30, 'nvidia.com/gpu': 0 } });
  const refused = async (resources: Resources) => await refusalOf(submit(project, { fit: sh('true', resources) }));
  expect(await refused({ cpu: 4 })).toEqual([
    'quota_exceeded',
    `Step "fit" requests 4 of cpu, but the quota of project "${project}" is 2. Request less in \`resources\` of the step, or raise \`spec.quotas.compute.resources\` in the project.`,
  ]);
  expect((await refused({ memory: 2 ** 31 }))[1]).toContain('requests 2 GiB of memory, but the quota');
  expect((await refused({ 'nvidia.com/gpu': 1 }))[1]).toContain('requests 1 of nvidia.com/gpu');
  const runs = await world.dais.call<Page<Execution>>('execution.list', {}, { projects: [project] });
  expect(runs.items).toEqual([]);
});

test('a run is rejected while the queue of its project is full', async () => {
  const project = await projectWith({ queuedSteps: 3 });
  const first = await submit(project, many(3, sh('true')));
  expect(await refusalOf(submit(project, { main: sh('true') }))).toEqual([
    'quota_exceeded',
    `Project "${project}" has 3 queued steps, and the limit is 3. Wait until some steps start, cancel pipeline runs or jobs, or raise \`spec.quotas.compute.queuedSteps\` in the project.`,
  ]);
  await cancel(project, first);
  await cancel(project, await submit(project, { main: sh('true') }));
});

test('steps start within the quota, and more of them as soon as it is raised', async () => {
  const project = await projectWith({ resources: { cpu: 0.8 } });
  const worker = await world.worker();
  await withJournal(async (journal, lines) => {
    const script = `echo x >> ${journal}; while ! test -e ${journal}-go; do sleep 0.05; done`;
    const run = await submit(project, many(5, sh(script, { cpu: 0.4 })));
    await expect.poll(async () => (await lines()).length, PATIENCE).toBe(2);
    const queue = await queueOf(project);
    expect(queue).toMatchObject({
      use: { runningSteps: 2, queuedSteps: 3, resources: { cpu: 0.8 } },
      limits: { resources: { cpu: 0.8 }, weight: 1 },
      nodes: [{ name: 'this machine', resources: { cpu: 1.6 }, used: { cpu: 0.8 }, concurrency: 8, runningSteps: 2 }],
    });
    const waits = queue.items.filter(({ why }) => why !== 'starting');
    expect(waits.map(({ why, resource }) => `${why} ${resource}`)).toEqual(Array(3).fill('quota cpu'));
    await setQuota(project, { resources: { cpu: 1.2 } }, 'update');
    await expect.poll(async () => (await lines()).length, PATIENCE).toBe(3);
    await setQuota(project, undefined, 'update');
    // The machine runs four of them.
    await expect.poll(async () => (await lines()).length, PATIENCE).toBe(4);
    const last = (await queueOf(project)).items.find(({ why }) => why !== 'starting');
    expect([last?.why, last?.resource]).toEqual(['capacity', 'cpu']);
    await writeFile(`${journal}-go`, '');
    const ended = async () =>
      (await world.dais.call<Execution>('execution.get', { id: run.id }, { projects: [project] })).state;
    await expect.poll(ended, PATIENCE).toBe('succeeded');
  });
  await worker.stop();
});

test('two processes together stay within the quota of a project', async () => {
  const project = await projectWith({ resources: { cpu: 1 }, runningSteps: 3 });
  const workers = [
    await world.worker(),
    await world.worker({ place: () => 'another machine', nodeName: 'another machine' }),
  ];
  await withJournal(async (journal, lines) => {
    const script = `echo + >> ${journal}; sleep 0.05; echo - >> ${journal}`;
    const run = await submit(project, { ...many(12, sh(script, { cpu: 0.4 })), light: sh(script) });
    const ended = async () =>
      (await world.dais.call<Execution>('execution.get', { id: run.id }, { projects: [project] })).state;
    await expect.poll(ended, PATIENCE).toBe('succeeded');
    let [now, most] = [0, 0];
    for (const line of await lines()) {
      now += line === '+' ? 1 : -1;
      most = Math.max(most, now);
    }
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(2);
  });
  await Promise.all(workers.map(async (worker) => await worker.stop()));
});

test('a step that exceeds a lowered quota reports that, and does not block other steps', async () => {
  const project = await projectWith({ resources: { cpu: 4 } });
  const large = await submit(project, { main: sh('true', { cpu: 4 }) });
  await setQuota(project, { resources: { cpu: 1 } }, 'update');
  const [wait] = (await queueOf(project)).items;
  expect([wait?.why, wait?.resource, wait?.resources]).toEqual(['over-quota', 'cpu', { cpu: 4 }]);
  const small = await submit(project, { main: sh('true', { cpu: 1 }) });
  const worker = await world.worker();
  const stateOf = async ({ id }: Execution) =>
    (await world.dais.call<Execution>('execution.get', { id }, { projects: [project] })).state;
  await expect.poll(async () => await stateOf(small), PATIENCE).toBe('succeeded');
  expect(await stateOf(large)).toBe('pending');
  await worker.stop();
  await cancel(project, large);
});

test('a step without requests is limited to its counted resources', async () => {
  const project = await projectWith({ resources: { memory: 2 ** 26 } });
  const worker = await world.worker();
  const run = await submit(project, { main: sh('head -c 300000000 /dev/zero | tail > /dev/null') });
  const state = async () => await world.dais.call<Execution>('execution.get', { id: run.id }, { projects: [project] });
  await expect.poll(async () => (await state()).state, PATIENCE).toBe('failed');
  expect((await state()).error).toContain('exceeded its memory limit: request more with `resources.memory`');
  await worker.stop();
});

test('the list of projects shows the usage of each, in pages', async () => {
  const project = await projectWith({ resources: { cpu: 2 }, weight: 2 });
  const run = await submit(project, many(2, sh('true', { cpu: 1 })));
  const all: ProjectCompute[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await world.dais.call<Page<ProjectCompute>>('compute.list', { limit: 2, ...(cursor && { cursor }) });
    all.push(...page.items);
    if (page.nextCursor === undefined) break;
    cursor = page.nextCursor;
  }
  expect(all.map((one) => one.project)).toEqual([...new Set(all.map((one) => one.project))].toSorted());
  expect(all.find((one) => one.project === project)).toMatchObject({
    use: { runningSteps: 0, queuedSteps: 2, resources: {} },
    limits: { resources: { cpu: 2 }, weight: 2, runningSteps: 8, queuedSteps: 100_000 },
    share: 0,
  });
  await cancel(project, run);
});

test('runs submitted before quotas existed have the requests of their plans', async () => {
  const step = (cpu: number) => ({ step: { ...STEP, resources: { cpu } } });
  const task = { needs: [], after: 'succeeded', inputs: {} } as const;
  const items = { items: { value: [1, 2] } };
  const inner = { tasks: { fit: { ...task, body: step(0.2) } }, outputs: {} };
  const plan: Graph = {
    tasks: {
      load: { ...task, body: step(0.1) },
      train: { ...task, body: { graph: inner } },
      each: { ...task, inputs: items, each: { items: 'items', as: 'item', parallel: 0 }, body: step(0.3) },
    },
    outputs: {},
  };
  const id = uuidv7();
  const limits = { runningSteps: 8, queuedSteps: 100 };
  await world.dais.write(async (tx) => {
    await tx.enter((await findTenant(tx.sql, 'default'))!.id);
    await submitRun(tx, { machines: new RunMachines(), limits }, { id, name: 'old', plan, inputs: {}, priority: 0 });
  });
  const rows = await world.db.asAdmin(
    `select n.path, n.requests, ${REQUESTS_IN_PLAN} as planned from executions.node n
     join executions.run r on r.id = n.run where r.id = '${id}' and n.kind = 'step' order by n.path`,
  );
  expect(rows.map(({ path, planned }) => [path, planned])).toEqual([
    ['each/0', { cpu: 0.3 }],
    ['each/1', { cpu: 0.3 }],
    ['load', { cpu: 0.1 }],
    ['train/fit', { cpu: 0.2 }],
  ]);
  for (const { requests, planned } of rows) expect(requests).toEqual(planned);
  await world.dais.call('execution.cancel', { id });
});
