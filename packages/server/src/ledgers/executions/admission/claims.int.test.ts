/** Compares started steps with a simple model: fair between projects, and within quotas and the machine. */
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestDatabase, type TestDatabase } from '#engines/database/testing.ts';
import { kernelSlice } from '#kernel/slice.ts';
import { workshopSlice } from '#kernel/testing/machine-controller.ts';
import { startTestKernel, type TestKernel } from '#kernel/testing/test-kernel.ts';
import { freshProject } from '#kernel/testing/test-project.ts';
import { findTenant } from '#kernel/tenants.ts';
import { transact } from '#kernel/transaction.ts';
import { uuidv7 } from '#lib/ids.ts';
import { claimSteps, type AdmissionRules } from './claims.ts';
import { writeComputeQuota } from './quota-rows.ts';
import { RecentShares } from './recent-shares.ts';
import { endAttempt, type AttemptClaim } from '../worker/attempts.ts';
import { executionsSlice } from '../executions-slice.ts';
import { RunMachines } from '../runs/run-machine.ts';
import { submitRun } from '../runs/submit.ts';
import { STEP } from '../testing/plan-model.ts';

let db: TestDatabase;
let dais: TestKernel;
const projects: string[] = [];

beforeAll(async () => {
  db = await startTestDatabase([kernelSlice, executionsSlice, workshopSlice]);
  dais = await startTestKernel(db, { start: 'api' });
  for (let n = 0; n < 3; n++) {
    const { name } = await freshProject(dais);
    projects.push((await dais.write(async ({ sql }) => await findTenant(sql, name)))!.id);
  }
});
afterAll(async () => {
  await dais.stop();
  await db.stop();
});

const GPU = 'nvidia.com/gpu';
const CAPACITY = { cpu: 4, [GPU]: 2 };
const CONCURRENCY = 6;
type Requests = Readonly<Record<string, number>>;

interface Waiting {
  readonly project: string;
  readonly priority: number;
  /** When it became ready. No two are equal. */
  readonly at: number;
  readonly requests: Requests;
}

interface Quota {
  readonly resources: Requests;
  readonly runningSteps?: number;
  readonly weight: number;
}

interface Claiming {
  readonly is: 'claim';
  /** Processes that claim at the same time, with their requested numbers. */
  readonly limits: readonly number[];
}

type Action = Claiming | { readonly is: 'end'; readonly which: number };

type Started = Pick<Waiting, 'project' | 'requests'>;

/** A step of a project with a quota of CPU has one core when it requests none. */
function counted({ requests }: Started, quota: Quota): Requests {
  const limit = quota.resources['cpu'];
  return limit === undefined || requests['cpu'] !== undefined ? requests : { ...requests, cpu: Math.min(1, limit) };
}

/** Runs the examples one after the other, each on empty tables. */
function startedBy(
  waiting: readonly Waiting[],
  running: readonly Started[],
  want: number,
  quotas: ReadonlyMap<string, Quota>,
): Waiting[] {
  const quotaOf = (project: string) => quotas.get(project)!;
  const chosen: Waiting[] = [];
  const now: Started[] = running.map((one) => ({ ...one, requests: counted(one, quotaOf(one.project)) }));
  const sum = (name: string, of: readonly Started[]) =>
    of.reduce((all, { requests }) => all + (requests[name] ?? 0), 0);
  const own = (project: string) => now.filter((one) => one.project === project);
  const share = (project: string) => {
    const parts = Object.entries(CAPACITY).map(([name, has]) => sum(name, own(project)) / has);
    return Math.max(own(project).length / CONCURRENCY, ...parts) / quotaOf(project).weight;
  };
  const withheld = new Set<string>();
  const done = new Set<Waiting>();
  while (chosen.length < want) {
    const firsts = [...quotas.keys()].flatMap((project) => {
      const { resources, runningSteps = 4 } = quotaOf(project);
      const kept = new Set<string>();
      const queue = waiting
        .filter((one) => one.project === project)
        .toSorted((a, b) => b.priority - a.priority || a.at - b.at);
      for (const step of queue) {
        const needs = Object.entries(counted(step, quotaOf(project)));
        if (done.has(step) && chosen.includes(step)) continue;
        if (needs.some(([name, n]) => n > (resources[name] ?? Infinity))) continue;
        if (own(project).length >= runningSteps) return [];
        const lacks = needs.filter(([name, n]) => sum(name, own(project)) + n > (resources[name] ?? Infinity));
        const waits = lacks.length > 0 || needs.some(([name]) => kept.has(name) && resources[name] !== undefined);
        for (const [name] of lacks) kept.add(name);
        if (!waits && !done.has(step)) return [{ step, share: share(project) }];
      }
      return [];
    });
    const [first] = firsts.toSorted(
      (a, b) => a.share - b.share || b.step.priority - a.step.priority || a.step.at - b.step.at,
    );
    if (first === undefined) break;
    const { step } = first;
    const requests = counted(step, quotaOf(step.project));
    done.add(step);
    const needs = Object.entries(requests);
    const hopeless = needs.some(([name, n]) => n > (CAPACITY[name as 'cpu'] ?? 0));
    const lacks = needs.filter(([name, n]) => sum(name, now) + n > (CAPACITY[name as 'cpu'] ?? 0));
    if (!hopeless && (lacks.length > 0 || needs.some(([name]) => withheld.has(name)))) {
      for (const [name] of lacks) withheld.add(name);
      continue;
    }
    chosen.push(step);
    now.push({ project: step.project, requests });
  }
  return chosen;
}

const limits = { runningSteps: 4, queuedSteps: 100_000 };

/** Creates ready steps, each in its own run, and returns their nodes. */
async function makeReady(steps: readonly Waiting[]): Promise<ReadonlyMap<string, Waiting>> {
  const machines = new RunMachines();
  const nodes = new Map<string, Waiting>();
  for (const step of steps) {
    const id = uuidv7();
    const body = { step: { ...STEP, resources: step.requests } };
    const task = { needs: [], after: 'succeeded', inputs: {}, body } as const;
    await transact(db.database, { mode: 'write', projectId: step.project }, async (tx) => {
      const plan = { tasks: { only: task }, outputs: {} };
      await submitRun(tx, { machines, limits }, { id, name: 'run', plan, inputs: {}, priority: step.priority });
    });
    const [row] = await db.asAdmin(
      `update executions.node set ready_at = timestamptz 'epoch' + ${step.at} * interval '1 second'
       where run = '${id}' and kind = 'step' returning id`,
    );
    nodes.set(String(row?.['id']), step);
  }
  return nodes;
}

async function setQuotas(quotas: ReadonlyMap<string, Quota>): Promise<void> {
  for (const [projectId, quota] of quotas) {
    await transact(db.database, { mode: 'write', projectId }, async (tx) => {
      await Promise.resolve();
      writeComputeQuota(tx, projectId, quota);
    });
  }
}

async function claim(process: number, limit: number): Promise<AttemptClaim[]> {
  const holder = { place: 'this machine', holder: `process ${process}`, leaseMs: 60_000 };
  const step = { cpu: 1, memory: 1, disk: 1 };
  const recent = new RecentShares();
  const rules: AdmissionRules = { limits, step, capacity: CAPACITY, concurrency: CONCURRENCY, recent };
  return await transact(db.database, { mode: 'write', projectId: 'all' }, async ({ sql }) =>
    claimSteps(sql, holder, rules, { limit, remote: 0, now: 0 }),
  );
}

const amounts = fc.record(
  { cpu: fc.constantFrom(0.5, 1, 3), [GPU]: fc.integer({ min: 1, max: 3 }) },
  { requiredKeys: [] },
);
const world = fc.record({
  steps: fc.array(fc.record({ project: fc.nat(2), priority: fc.integer({ min: -1, max: 1 }), requests: amounts }), {
    maxLength: 14,
  }),
  quotas: fc.array(
    fc.record(
      {
        resources: fc.record({ cpu: fc.constantFrom(0.5, 2, 4), [GPU]: fc.nat(2) }, { requiredKeys: [] }),
        runningSteps: fc.nat(3),
        weight: fc.constantFrom(1, 1, 2),
      },
      { requiredKeys: ['resources', 'weight'] },
    ),
    { minLength: 3, maxLength: 3 },
  ),
  order: fc.infiniteStream(fc.nat()),
  actions: fc.array(
    fc.oneof(
      fc.record({
        is: fc.constant('claim' as const),
        limits: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 3 }),
      }),
      fc.record({ is: fc.constant('end' as const), which: fc.nat() }),
    ),
    { minLength: 1, maxLength: 8 },
  ),
});
/** Each example has tens of transactions. */
const GIVEN = fc.readConfigureGlobal()?.numRuns ?? 100;
const runs = { numRuns: GIVEN > 100 ? Math.ceil(GIVEN / 4) : 10 };

test('the steps that start match the model, also when several processes claim concurrently', async () => {
  await fc.assert(
    fc.asyncProperty(world, async ({ steps, quotas, order, actions }) => {
      await db.asAdmin('truncate executions.run cascade');
      await db.asAdmin('truncate executions.quota');
      const shuffled = steps.map((step, n) => ({ ...step, dice: order.next().value, n }));
      const ages = new Map(shuffled.toSorted((a, b) => a.dice - b.dice || a.n - b.n).map(({ n }, at) => [n, at]));
      const ready = await makeReady(
        steps.map(({ project, ...step }, n) => ({ ...step, project: projects[project]!, at: ages.get(n)! })),
      );
      const quotaOf = new Map(projects.map((id, n) => [id, quotas[n] as Quota]));
      await setQuotas(quotaOf);
      const waiting = new Map(ready);
      const held: AttemptClaim[] = [];
      for (const action of actions as readonly Action[]) {
        if (action.is === 'end') {
          const [ended] = held.splice(action.which % Math.max(1, held.length), 1);
          if (ended === undefined) continue;
          await transact(db.database, { mode: 'write', projectId: ended.projectId }, async ({ sql }) =>
            endAttempt(sql, ended.id, { ending: 'exit' }),
          );
          continue;
        }
        const all = action.limits.reduce((sum, n) => sum + n, 0);
        const running = held.map(({ projectId: project, requests }) => ({ project, requests }));
        const expected = startedBy([...waiting.values()], running, all, quotaOf);
        const got = await Promise.all(action.limits.map(async (limit, process) => claim(process, limit)));
        for (const [process, claims] of got.entries()) {
          expect(claims.length).toBeLessThanOrEqual(action.limits[process] ?? 0);
        }
        const claims = got.flat();
        expect(new Set(claims.map(({ node }) => waiting.get(node)))).toEqual(new Set(expected));
        expect(claims).toHaveLength(expected.length);
        for (const { node, projectId, requests } of claims) {
          expect(requests).toEqual(counted(waiting.get(node)!, quotaOf.get(projectId)!));
          waiting.delete(node);
        }
        held.push(...claims);
      }
    }),
    runs,
  );
});

test('a project with small requests does not wait for the queue of another project with higher priority', async () => {
  await db.asAdmin('truncate executions.run cascade');
  await db.asAdmin('truncate executions.quota');
  const [busy, small] = [projects[0]!, projects[1]!];
  const many = Array.from({ length: 30 }, (_, at) => ({ project: busy, priority: 1000, at, requests: { [GPU]: 1 } }));
  const nodes = await makeReady([...many, { project: small, priority: 0, at: 99, requests: { [GPU]: 1 } }]);
  const claims = await claim(0, 16);
  // The machine has two GPUs.
  expect(claims.map(({ projectId }) => projectId).toSorted()).toEqual([busy, small].toSorted());
  expect(nodes.get(claims.find(({ projectId }) => projectId === small)!.node)?.at).toBe(99);
});

test('steps far back in the queue start when earlier steps wait for another resource', async () => {
  await db.asAdmin('truncate executions.run cascade');
  await db.asAdmin('truncate executions.quota');
  const project = projects[0]!;
  await setQuotas(new Map([[project, { resources: { [GPU]: 1 }, weight: 1 }]]));
  const gpus = Array.from({ length: 20 }, (_, at) => ({ project, priority: 0, at, requests: { [GPU]: 1 } }));
  const nodes = await makeReady([...gpus, { project, priority: 0, at: 50, requests: {} }]);
  const claims = await claim(0, 4);
  expect(claims.map(({ node }) => nodes.get(node)?.at)).toEqual([0, 50]);
});
