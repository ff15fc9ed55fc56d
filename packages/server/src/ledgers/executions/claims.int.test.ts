/** Which steps are claimed, held to a plain model: by priority, fairly over projects, and never more than a project may. */
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
import { claimSteps, endAttempt, type AttemptClaim } from './attempts.ts';
import { executionsSlice } from './executions-slice.ts';
import { RunMachines } from './run-machine.ts';
import { submitRun } from './submit.ts';
import { STEP } from './testing/plan-model.ts';

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

interface Waiting {
  readonly project: string;
  readonly priority: number;
  /** When it became ready. No two are equal. */
  readonly at: number;
}

interface Claiming {
  readonly is: 'claim';
  /** Processes that claim at the same moment, and how many each wants. */
  readonly wants: readonly number[];
}

type Action = Claiming | { readonly is: 'end'; readonly which: number };

/** One after the other: the highest priority, of the project that has least, the one that waited longest. */
function claimed(waiting: readonly Waiting[], has: ReadonlyMap<string, number>, want: number, most: number): Waiting[] {
  const left = [...waiting];
  const running = new Map(has);
  const chosen: Waiting[] = [];
  const count = ({ project }: Waiting) => running.get(project) ?? 0;
  while (chosen.length < want) {
    const [best] = left
      .filter((one) => count(one) < most)
      .toSorted((a, b) => b.priority - a.priority || count(a) - count(b) || a.at - b.at);
    if (best === undefined) break;
    // What comes before it in its own project is of no lower priority, and waited longer.
    chosen.push(best);
    left.splice(left.indexOf(best), 1);
    running.set(best.project, count(best) + 1);
  }
  return chosen;
}

/** Makes these steps be ready, each in a run of its own, and tells which node is which. */
async function makeReady(steps: readonly Waiting[]): Promise<ReadonlyMap<string, Waiting>> {
  const machines = new RunMachines();
  const nodes = new Map<string, Waiting>();
  for (const step of steps) {
    const id = uuidv7();
    const task = { needs: [], after: 'succeeded', inputs: {}, body: { step: STEP } } as const;
    await transact(db.database, { mode: 'write', projectId: step.project }, async (tx) => {
      const plan = { tasks: { only: task }, outputs: {} };
      await submitRun(tx, machines, { id, name: 'run', plan, inputs: {}, priority: step.priority });
    });
    const [row] = await db.asAdmin(
      `update executions.node set ready_at = timestamptz 'epoch' + ${step.at} * interval '1 second'
       where run = '${id}' and kind = 'step' returning id`,
    );
    nodes.set(String(row?.['id']), step);
  }
  return nodes;
}

async function claim(process: number, limit: number, perProject: number): Promise<AttemptClaim[]> {
  const holder = { place: `place ${process}`, holder: `process ${process}`, leaseMs: 60_000 };
  return await transact(db.database, { mode: 'write', projectId: 'all' }, async ({ sql }) =>
    claimSteps(sql, holder, { limit, perProject }),
  );
}

const world = fc.record({
  steps: fc.array(fc.record({ project: fc.nat(2), priority: fc.integer({ min: -1, max: 1 }) }), { maxLength: 14 }),
  order: fc.infiniteStream(fc.nat()),
  perProject: fc.integer({ min: 1, max: 4 }),
  actions: fc.array(
    fc.oneof(
      fc.record({
        is: fc.constant('claim' as const),
        wants: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 3 }),
      }),
      fc.record({ is: fc.constant('end' as const), which: fc.nat() }),
    ),
    { minLength: 1, maxLength: 8 },
  ),
});
/** Each is tens of transactions. */
const runs = { numRuns: Math.ceil((fc.readConfigureGlobal()?.numRuns ?? 100) / 4) };

test('what is claimed, also by several at the same moment, is what the model says', async () => {
  await fc.assert(
    fc.asyncProperty(world, async ({ steps, order, perProject, actions }) => {
      await db.asAdmin('truncate executions.run cascade');
      const shuffled = steps.map((step, n) => ({ ...step, dice: order.next().value, n }));
      const ages = new Map(shuffled.toSorted((a, b) => a.dice - b.dice || a.n - b.n).map(({ n }, at) => [n, at]));
      const ready = await makeReady(
        steps.map(({ project, priority }, n) => ({ project: projects[project]!, priority, at: ages.get(n)! })),
      );
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
        const has = new Map(projects.map((id) => [id, held.filter(({ projectId }) => projectId === id).length]));
        const all = action.wants.reduce((sum, n) => sum + n, 0);
        const wanted = claimed([...waiting.values()], has, all, perProject);
        const got = await Promise.all(action.wants.map(async (limit, process) => claim(process, limit, perProject)));
        for (const [process, claims] of got.entries()) {
          expect(claims.length).toBeLessThanOrEqual(action.wants[process] ?? 0);
        }
        const nodes = got.flat().map(({ node }) => node);
        expect(new Set(nodes.map((node) => waiting.get(node)))).toEqual(new Set(wanted));
        expect(nodes).toHaveLength(wanted.length);
        for (const node of nodes) waiting.delete(node);
        held.push(...got.flat());
      }
    }),
    runs,
  );
});
