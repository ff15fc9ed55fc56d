import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestDatabase, type TestDatabase } from '#engines/database/testing.ts';
import { kernelSlice } from '#kernel/slice.ts';
import { startTestKernel, type TestKernel } from '#kernel/testing/test-kernel.ts';
import { freshProject } from '#kernel/testing/test-project.ts';
import { workshopSlice } from '#kernel/testing/machine-controller.ts';
import { findTenant } from '#kernel/tenants.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';
import { uuidv7 } from '#lib/ids.ts';
import { claimSteps } from '../admission/claims.ts';
import { RecentShares } from '../admission/recent-shares.ts';
import { endAttempt, holdAttempt, takeOverAttempts, type AttemptClaim } from '../worker/attempts.ts';
import { executionsSlice } from '../executions-slice.ts';
import { isEnd } from '../machine/end-states.ts';
import type { Graph } from '../machine/plan.ts';
import type { NodeState } from '../machine/run-store.ts';
import { cancelRun, RunMachines } from './run-machine.ts';
import { submitRun } from './submit.ts';
import { anyPlan, behavior, modelOf, outputsOf, type Behavior } from '../testing/plan-model.ts';
import { runTimers } from './timers.ts';

let db: TestDatabase;
let dais: TestKernel;
let projectId: string;

beforeAll(async () => {
  db = await startTestDatabase([kernelSlice, executionsSlice, workshopSlice]);
  dais = await startTestKernel(db, { start: 'api' });
  projectId = (await dais.write(async ({ sql }) => await findTenant(sql, (await freshProject(dais)).name)))!.id;
});
afterAll(async () => {
  await dais.stop();
  await db.stop();
});

/** Simulates a crash before the commit of a transaction. */
class Crash extends Error {}

interface Row {
  readonly id: string;
  readonly path: string;
  readonly state: NodeState;
  readonly outputs: object;
}

/** Runs everything that there is, crashing now and then, with two processes that take each other's work over. */
async function runAll(plan: Graph, does: Behavior, dice: () => number, cancelAfter: number) {
  const machines = new RunMachines();
  const id = uuidv7();
  const write = async (work: (tx: Transaction) => Promise<unknown>) => {
    const crash = dice() % 5 === 0;
    await transact(db.database, { mode: 'write', projectId }, async (tx) => {
      await work(tx);
      if (crash) throw new Crash();
    }).catch((error: unknown) => {
      if (!(error instanceof Crash)) throw error;
    });
    return !crash;
  };
  const limits = { runningSteps: 4, queuedSteps: 100_000 };
  const submit = async (tx: Transaction) =>
    await submitRun(tx, { machines, limits }, { id, name: 'run', plan, inputs: {}, priority: 0 });
  while (!(await write(submit))) continue;
  const step = { cpu: 1, memory: 1, disk: 1 };
  const rules = { limits, step, capacity: {}, concurrency: 8, recent: new RecentShares() };
  const processes = [0, 1].map((n) => ({ place: `place ${n}`, holder: `process ${n}`, leaseMs: -1000 }));
  const held: AttemptClaim[] = [];
  const tries = new Map<string, number>();
  const act = async (path: string, node: string, run: Awaited<ReturnType<RunMachines['open']>>) => {
    const tried = tries.get(path) ?? 0;
    const [lost, failures] = [does.losses(path), does.failures(path)];
    const good = failures !== undefined && tried - lost >= failures;
    const facts = await run!.store.node(node);
    await run!.machine.stepEnded(
      facts,
      tried < lost
        ? { is: 'lost', error: 'lost' }
        : good
          ? { is: 'succeeded', outputs: outputsOf(path) }
          : { is: 'failed', error: 'no' },
    );
  };
  let committed = 0;
  for (let turn = 0; ; turn++) {
    if (turn > 5000) throw new Error('it does not come to an end');
    if (turn === cancelAfter) {
      const cancel = async (tx: Transaction) => await cancelRun((await machines.open(tx, id))!, tx);
      while (!(await write(cancel))) continue;
    }
    // Waits are a matter of the clock, not of this test.
    await db.asAdmin(`update executions.timer set due_at = now() where run = '${id}'`);
    await runTimers(db.database, machines);
    const claimer = processes[dice() % 2]!;
    await transact(db.database, { mode: 'write', projectId: 'all' }, async ({ sql }) => {
      const over = dice() % 4 === 0 ? await takeOverAttempts(sql, claimer, { limit: 3, whole: false }) : [];
      const request = { limit: 1 + (dice() % 3), remote: 0, now: turn };
      held.push(...over, ...(await claimSteps(sql, claimer, rules, request)));
    });
    if (held.length === 0) break;
    const [claim] = held.splice(dice() % held.length, 1);
    let path = '';
    let counted = false;
    const done = await write(async (tx) => {
      const run = await machines.open(tx, id);
      counted = (await holdAttempt(tx.sql, claim!)) !== undefined;
      if (!counted) return;
      ({ path } = await run!.store.node(claim!.node));
      endAttempt(tx.sql, claim!.id, { ending: 'exit' });
      await act(path, claim!.node, run);
    });
    // After a crash, the next lease owner repeats the work; uncommitted changes are rolled back.
    if (!done) held.push(claim!);
    else if (counted) {
      tries.set(path, (tries.get(path) ?? 0) + 1);
      committed += 1;
    }
  }
  const nodes = await transact(
    db.database,
    { mode: 'read', projectId },
    async ({ sql }) =>
      await sql.query<Row>('select id, path, state, outputs from executions.node where run = $1', [id]),
  );
  const [run] = await db.asAdmin(`select state from executions.run where id = '${id}'`);
  const ends = await db.asAdmin(
    `select node from executions.transition where run = '${id}'
       and state in ('succeeded', 'failed', 'skipped', 'blocked', 'canceled') group by node having count(*) <> 1`,
  );
  const left = await db.asAdmin(
    `select 1 from executions.timer where run = '${id}' union all
     select 1 from executions.attempt where run = '${id}' and state <> 'ended'`,
  );
  return { nodes, state: run?.['state'], ends, left, committed, tries };
}

const seeds = fc.record({ seed: fc.nat(), badness: fc.constantFrom(0, 20, 50), dice: fc.infiniteStream(fc.nat()) });
/** Each example has hundreds of transactions. */
const runs = { numRuns: Math.ceil((fc.readConfigureGlobal()?.numRuns ?? 100) / 10) };

test('a run in the database ends as its plan predicts, in spite of crashes and takeovers', async () => {
  await fc.assert(
    fc.asyncProperty(anyPlan(1), seeds, async (plan, { seed, badness, dice }) => {
      const does = behavior(seed, badness);
      const next = () => dice.next().value;
      const { nodes, state, ends, left, committed, tries } = await runAll(plan, does, next, -1);
      const model = modelOf(plan, does, 3);
      expect(new Map(nodes.map((node) => [node.path, [node.state, node.outputs]]))).toEqual(
        new Map([...model].map(([path, ended]) => [path, [ended.state, ended.outputs]])),
      );
      expect({ state, ends, left }).toEqual({ state: model.get('')?.state, ends: [], left: [] });
      expect(committed).toBe([...tries.values()].reduce((sum, n) => sum + n, 0));
    }),
    runs,
  );
});

test('a canceled run in the database ends, and leaves no waiting node', async () => {
  await fc.assert(
    fc.asyncProperty(anyPlan(1), seeds, fc.nat(6), async (plan, { seed, badness, dice }, after) => {
      const next = () => dice.next().value;
      const { nodes, state, ends, left } = await runAll(plan, behavior(seed, badness), next, after);
      expect(nodes.filter((node) => !isEnd(node.state))).toEqual([]);
      expect(['succeeded', 'failed', 'canceled']).toContain(state);
      expect({ ends, left }).toEqual({ ends: [], left: [] });
    }),
    runs,
  );
});
