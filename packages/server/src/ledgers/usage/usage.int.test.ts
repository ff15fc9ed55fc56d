/** Usage of real attempts at steps, and reports over it. */
import type { ExecutionAttempt, SubmitExecutionInput } from '@dais/api/executions';
import type { UsageRecord, UsageSum } from '@dais/api/usage';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { codeOf, seededRandom } from '#kernel/testing/test-kernel.ts';
import { freshName } from '#kernel/testing/test-project.ts';
import { transact } from '#kernel/transaction.ts';
import { findTenant } from '#kernel/tenants.ts';
import { startExecutionsWorld, type ExecutionsWorld } from '#ledgers/executions/testing/executions-world.ts';
import { readRecentSteps, recordUsage, type NewUsage } from './index.ts';
import { recordStoredBytes, usageRetention } from './usage-jobs.ts';

let world: ExecutionsWorld;
beforeAll(async () => {
  world = await startExecutionsWorld();
});
afterAll(async () => await world.stop());

const sh = (script: string, more: object = {}): SubmitExecutionInput['steps'][string] => ({
  command: ['sh', '-c', script],
  isolation: 'none',
  ...more,
});

interface RecordPage {
  readonly items: readonly UsageRecord[];
  readonly nextCursor?: string;
}
interface SumPage {
  readonly items: readonly UsageSum[];
  readonly total: UsageSum;
  readonly nextCursor?: string;
}

async function newProject(labels: Readonly<Record<string, string>> = {}): Promise<string> {
  const name = freshName();
  const manifest = { apiVersion: 'dais.dev/v1', kind: 'Project', metadata: { name, labels }, spec: {} };
  await world.dais.call('project.create', { manifest });
  return name;
}

const inProject = (project: string) => ({ projects: [project] });
const list = async (project: string, input: object = {}) =>
  await world.dais.call<RecordPage>('usage.list', input, inProject(project));
const sums = async (project: string, input: object = {}) =>
  await world.dais.call<SumPage>('usage.sum', input, inProject(project));

/** Records usage as a ledger does, in a transaction of the project. */
async function record(project: string, ...usage: readonly Omit<NewUsage, 'projectId'>[]): Promise<void> {
  const tenant = await world.dais.write(async ({ sql }) => await findTenant(sql, project));
  const projectId = tenant!.id;
  await transact(world.db.database, { mode: 'write', projectId }, async (tx) => {
    await Promise.resolve();
    for (const one of usage) recordUsage(tx, { ...one, projectId });
  });
}

const at = (hour: number) => new Date(Date.UTC(2026, 0, 1, hour));
const JANUARY = { from: '2026-01-01T00:00:00Z', until: '2026-01-31T00:00:00Z' };

test('each attempt is recorded once, with the interval that counts against quotas', async () => {
  const project = await newProject({ team: 'risk' });
  const worker = await world.worker();
  const { id } = await world.dais.call<{ id: string }>(
    'execution.submit',
    {
      name: 'two tries',
      steps: {
        fails: sh('exit 3', { retry: { count: 1 } }),
        works: sh('sleep 0.3', { resources: { cpu: 0.5 } }),
      },
    },
    inProject(project),
  );
  const get = async () => await world.dais.call<{ endedAt?: string }>('execution.get', { id }, inProject(project));
  await expect.poll(async () => (await get()).endedAt !== undefined, { timeout: 60_000, interval: 30 }).toBe(true);
  await worker.stop();
  const { items: attempts } = await world.dais.call<{ items: ExecutionAttempt[] }>(
    'execution.attempts',
    { id },
    inProject(project),
  );
  const { items } = await list(project);
  expect(items.map(({ source }) => source).toSorted()).toEqual(attempts.map((one) => one.id).toSorted());
  expect(attempts).toHaveLength(3);
  const stored = await world.db.asAdmin(
    `select id::text, extract(epoch from date_trunc('milliseconds', ended_at) - date_trunc('milliseconds', claimed_at))::float8 as held
     from executions.attempt where run = '${id}'`,
  );
  for (const { source, quantity, ...one } of items) {
    expect(quantity).toBe(stored.find((row) => row['id'] === source)?.['held']);
    expect(one).toMatchObject({
      type: 'step',
      unit: 'second',
      project,
      team: 'risk',
      person: 'owner',
      resource: 'Job/two tries',
      lineage: `step:${source}`,
      node: 'this machine',
    });
  }
  const slow = items.find(({ requests }) => requests['cpu'] === 0.5);
  expect(slow?.quantity).toBeGreaterThan(0.3);
  expect(slow?.cpuSeconds).toBeGreaterThan(0);
  const { total } = await sums(project);
  expect(total.attempts).toBe(3);
  expect(total.stepSeconds).toBeCloseTo(
    items.reduce((sum, { quantity }) => sum + quantity, 0),
    5,
  );
});

test('a canceled run that is deleted while its step runs leaves the record of its attempt', async () => {
  const project = await newProject();
  const worker = await world.worker();
  const { id } = await world.dais.call<{ id: string }>(
    'execution.submit',
    { steps: { main: sh('sleep 60') } },
    inProject(project),
  );
  const started = async () =>
    (await world.dais.call<{ items: ExecutionAttempt[] }>('execution.attempts', { id }, inProject(project))).items
      .length;
  await expect.poll(started, { timeout: 60_000, interval: 30 }).toBe(1);
  await world.dais.call('execution.cancel', { id }, inProject(project));
  // It may end before the deletion: there is one record either way.
  await world.dais.call('execution.delete', { id }, inProject(project));
  await worker.stop();
  expect((await list(project)).items).toMatchObject([{ type: 'step', person: 'owner' }]);
});

test('the record of a lost attempt ends at the last contact with the process that ran it', async () => {
  const project = await newProject();
  const gone = await world.worker({ place: () => 'another machine', leaseMs: 600 });
  const { id } = await world.dais.call<{ id: string }>(
    'execution.submit',
    { steps: { main: sh('sleep 300') } },
    inProject(project),
  );
  const attempts = async () =>
    (await world.dais.call<{ items: ExecutionAttempt[] }>('execution.attempts', { id }, inProject(project))).items;
  await expect.poll(async () => (await attempts()).map(({ state }) => state), { timeout: 60_000 }).toEqual(['started']);
  await gone.stop();
  const ofLease = `select lease_until from executions.attempt where run = '${id}'`;
  const [lease] = (await world.db.asAdmin(ofLease)) as { lease_until: Date }[];
  const here = await world.worker({ leaseMs: 600 });
  await expect.poll(async () => (await attempts())[0]?.ending, { timeout: 60_000, interval: 30 }).toBe('lost');
  const [first] = await attempts();
  await world.dais.call('execution.cancel', { id }, inProject(project));
  await here.stop();
  const lost = (await list(project)).items.find(({ source }) => source === first?.id);
  expect(lost?.endedAt).toBe(new Date(lease!.lease_until.getTime() - 600).toISOString());
});

test('a second record of the same attempt is not written, and no record can be changed', async () => {
  const project = await newProject();
  const one = { type: 'step', source: 'a', startedAt: at(1), endedAt: at(2) } as const;
  await record(project, one, { ...one, endedAt: at(5) });
  await record(project, { ...one, endedAt: at(9) });
  const { items } = await list(project, JANUARY);
  expect(items).toMatchObject([{ quantity: 3600 }]);
  const change = world.dais.write(
    async ({ sql }) => await sql.query('update usage.record set quantity = 0 where id = $1', [items[0]?.id]),
  );
  await expect(change).rejects.toThrow(/permission denied/);
});

test('reports filter records and show the part of an interval inside the period', async () => {
  const project = await newProject();
  await record(
    project,
    {
      type: 'step',
      source: 'a',
      startedAt: at(22),
      endedAt: at(26),
      actor: { type: 'user', id: 'ada' },
      resource: 'Pipeline/train',
      requests: { cpu: 2, memory: 1e9, 'nvidia.com/gpu': 1 },
      cpuSeconds: 400,
    },
    { type: 'step', source: 'b', startedAt: at(30), endedAt: at(30), actor: { type: 'service', id: 'ci' } },
    { type: 'query', source: 'c', startedAt: at(1), endedAt: new Date(at(1).getTime() + 500), resource: 'Dataset/x' },
  );
  const { items, total } = await sums(project, { ...JANUARY, by: 'person' });
  expect(items.map(({ key, stepSeconds, queries }) => [key, stepSeconds, queries])).toEqual([
    ['ada', 4 * 3600, 0],
    ['service:ci', 0, 0],
    [null, 0, 1],
  ]);
  expect(total).toMatchObject({
    key: null,
    attempts: 2,
    stepSeconds: 14_400,
    cpuSeconds: 400,
    requestedCpuSeconds: 28_800,
    deviceSeconds: 14_400,
    queries: 1,
    querySeconds: 0.5,
  });
  // Half of the interval is on the first of January, and it is counted where it ends.
  const day = await sums(project, { from: JANUARY.from, until: '2026-01-02T00:00:00Z', type: 'step' });
  expect(day.total).toMatchObject({ stepSeconds: 7200, cpuSeconds: 200, attempts: 0 });
  const days = await world.dais.call<{ days: string[]; series: object[] }>(
    'usage.series',
    { from: JANUARY.from, until: '2026-01-03T12:00:00Z', by: 'resource', measure: 'deviceSeconds' },
    inProject(project),
  );
  expect(days.days).toEqual(['2026-01-01T00:00:00.000Z', '2026-01-02T00:00:00.000Z', '2026-01-03T00:00:00.000Z']);
  expect(days.series).toEqual([{ key: 'Pipeline/train', values: [7200, 7200, 0] }]);
  for (const [filter, n] of [
    [{ person: 'ada' }, 1],
    [{ resource: 'Dataset/x' }, 1],
    [{ type: 'step' }, 2],
    [{ team: 'none' }, 0],
    [{ until: '2026-01-01T23:00:00Z' }, 2],
  ] as const) {
    expect((await list(project, { ...JANUARY, ...filter })).items).toHaveLength(n);
  }
});

test('a series has the largest groups and the sum of the others', async () => {
  const project = await newProject();
  const hours = { a: 5, b: 3, c: 2, d: 1 };
  await record(
    project,
    ...Object.entries(hours).map(([name, n]) => ({
      type: 'step' as const,
      source: name,
      startedAt: at(1),
      endedAt: at(1 + n),
      resource: `Job/${name}`,
    })),
  );
  const { series } = await world.dais.call<{ series: object[] }>(
    'usage.series',
    { from: JANUARY.from, until: '2026-01-02T00:00:00Z', top: 2 },
    inProject(project),
  );
  expect(series).toEqual([
    { key: 'Job/a', values: [18_000] },
    { key: 'Job/b', values: [10_800] },
    { key: null, others: true, values: [10_800] },
  ]);
});

test('property: days, groups and pages of random records add up to the records', async () => {
  const project = await newProject();
  const random = seededRandom(3);
  const usage = Array.from({ length: 60 }, (_, n) => {
    const start = at(Math.floor(random() * 24 * 20)).getTime();
    const length = Math.floor(random() * 3 * 86_400_000);
    return {
      type: 'step' as const,
      source: String(n),
      startedAt: new Date(start),
      endedAt: new Date(start + length),
      ...(n % 4 !== 0 && { actor: { type: 'user' as const, id: `u${n % 7}` } }),
    };
  });
  await record(project, ...usage);
  const exact = usage.reduce((sum, one) => sum + (one.endedAt.getTime() - one.startedAt.getTime()) / 1000, 0);
  const found: UsageRecord[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await list(project, { ...JANUARY, limit: 7, ...(cursor !== undefined && { cursor }) });
    found.push(...page.items);
    cursor = page.nextCursor;
    if (cursor === undefined) break;
  }
  expect(found.map(({ source }) => source).toSorted()).toEqual(usage.map(({ source }) => source).toSorted());
  expect(found.map(({ endedAt }) => endedAt)).toEqual(
    found
      .map(({ endedAt }) => endedAt)
      .toSorted()
      .toReversed(),
  );
  const groups: UsageSum[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await sums(project, { ...JANUARY, by: 'person', limit: 2, ...(cursor !== undefined && { cursor }) });
    groups.push(...page.items);
    expect(page.total.stepSeconds).toBeCloseTo(exact, 3);
    cursor = page.nextCursor;
    if (cursor === undefined) break;
  }
  expect(groups.map(({ key }) => key)).toEqual(['u0', 'u1', 'u2', 'u3', 'u4', 'u5', 'u6', null]);
  expect(groups.reduce((sum, { stepSeconds }) => sum + stepSeconds, 0)).toBeCloseTo(exact, 3);
  const { series } = await world.dais.call<{ series: { values: number[] }[] }>(
    'usage.series',
    { ...JANUARY, by: 'person', top: 3 },
    inProject(project),
  );
  expect(series).toHaveLength(4);
  expect(series.flatMap(({ values }) => values).reduce((sum, one) => sum + one, 0)).toBeCloseTo(exact, 2);
});

test('records of a project are read in it, of all projects by the organization, and of a person by that person', async () => {
  const [one, two] = [await newProject(), await newProject()];
  const usage = { type: 'query', source: 'x', startedAt: at(1), endedAt: at(2) } as const;
  await record(one, { ...usage, actor: { type: 'user', id: 'owner' } });
  await record(two, { ...usage, actor: { type: 'user', id: 'somebody' } });
  expect((await list(one, JANUARY)).items.map(({ project }) => project)).toEqual([one]);
  const all = await world.dais.call<SumPage>('organizationUsage.sum', { ...JANUARY, by: 'project', type: 'query' });
  expect(all.items.map(({ key }) => key)).toEqual(expect.arrayContaining([one, two]));
  const own = await world.dais.call<RecordPage>('ownUsage.list', { ...JANUARY, type: 'query' });
  expect(own.items.map(({ project }) => project)).toEqual([one]);
  // A token that is bound to another project does not see it.
  const principal = { type: 'user', id: 'owner', project: two } as const;
  const bound = await world.dais.call<RecordPage>('ownUsage.list', { ...JANUARY, type: 'query' }, { principal });
  expect(bound.items).toEqual([]);
  // The records of a deleted project stay, under its name.
  await world.dais.call('project.delete', { name: two });
  const kept = await world.dais.call<RecordPage>('organizationUsage.list', { ...JANUARY, project: two });
  expect(kept.items).toMatchObject([{ person: 'somebody' }]);
});

test('a wrong period or cursor is refused', async () => {
  const project = await newProject();
  const day = '2026-01-01T00:00:00Z';
  expect(await codeOf(list(project, { from: day, until: day }))).toBe('invalid_request');
  expect(await codeOf(list(project, { from: '1990-01-01T00:00:00Z' }))).toBe('invalid_request');
  expect(await codeOf(list(project, { cursor: 'x' }))).toBe('invalid_cursor');
  expect(await codeOf(sums(project, { cursor: 'x' }))).toBe('invalid_cursor');
});

test('recent steps are sums of durations with a half-life', async () => {
  const project = await newProject();
  const tenant = await world.dais.write(async ({ sql }) => await findTenant(sql, project));
  const now = Date.now();
  const ago = (minutes: number) => new Date(now - minutes * 60_000);
  const requests = { cpu: 2 };
  await record(
    project,
    { type: 'step', source: 'a', startedAt: ago(10), endedAt: ago(0), requests },
    { type: 'step', source: 'b', startedAt: ago(20), endedAt: ago(10), requests },
    { type: 'step', source: 'old', startedAt: ago(200), endedAt: ago(100), requests },
  );
  const found = await world.dais.write(async ({ sql }) => await readRecentSteps(sql, 600_000));
  const own = found.filter(({ projectId }) => projectId === tenant!.id);
  expect(own.map((one) => one.requests)).toEqual([requests]);
  // Integral of the decay: half of H / ln 2 for the first ten minutes, a quarter for those before.
  expect(own[0]!.decayedMs / ((600_000 / Math.LN2) * 0.75)).toBeCloseTo(1, 1);
});

test('records have the label of the project at their time', async () => {
  const project = await newProject();
  const one = { type: 'query', startedAt: at(1), endedAt: at(2) } as const;
  await record(project, { ...one, source: 'before' });
  const manifest = {
    apiVersion: 'dais.dev/v1',
    kind: 'Project',
    metadata: { name: project, labels: { team: 'risk' } },
    spec: {},
  };
  await world.dais.call('project.update', { name: project, manifest });
  await record(project, { ...one, source: 'after', endedAt: at(3) });
  const { items } = await list(project, JANUARY);
  expect(items.map(({ source, team }) => [source, team])).toEqual([
    ['after', 'risk'],
    ['before', undefined],
  ]);
});

test('stored bytes are recorded once a day', async () => {
  const project = await newProject({ team: 'risk' });
  const tenant = await world.dais.write(async ({ sql }) => await findTenant(sql, project));
  let bytes = 5000;
  const measured = { storedBytes: async (id: string) => await Promise.resolve(id === tenant!.id ? bytes : 0) };
  const io = { read: world.dais.write.bind(world.dais), write: world.dais.write.bind(world.dais) };
  expect(await recordStoredBytes(measured, io)).toEqual({ recorded: 1 });
  bytes = 7000;
  expect(await recordStoredBytes(measured, io)).toEqual({ recorded: 0 });
  const until = new Date(Date.now() + 2 * 86_400_000).toISOString();
  expect((await list(project, { until })).items).toMatchObject([
    { type: 'storage', quantity: 5000, unit: 'byte-day', resource: `Project/${project}`, team: 'risk' },
  ]);
});

test('retention deletes records that ended before it', async () => {
  const project = await newProject();
  const now = Date.now();
  const ended = (days: number) => new Date(now - days * 86_400_000);
  const one = { type: 'query', startedAt: ended(30) } as const;
  await record(project, { ...one, source: 'old', endedAt: ended(11) }, { ...one, source: 'new', endedAt: ended(9) });
  const io = {
    signal: new AbortController().signal,
    progress: () => {},
    read: world.dais.write.bind(world.dais),
    write: world.dais.write.bind(world.dais),
  };
  await usageRetention(10).run({} as never, io);
  expect((await list(project)).items.map(({ source }) => source)).toEqual(['new']);
});
