import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MemoryStore } from '../testing/memory-store.ts';
import { anyPlan, behavior, modelOf, outputsOf, STEP, type Behavior } from '../testing/plan-model.ts';
import { isEnd } from './end-states.ts';
import { Machine, type StepEnd } from './machine.ts';
import { planIssues } from './plan-check.ts';
import type { Graph, Task } from './plan.ts';

const LOSSES = 3;

/** Lets everything happen that can, in an order that `pick` chooses. Gives how often each step was tried. */
async function runAll(
  plan: Graph,
  store: MemoryStore,
  does: Behavior,
  pick: (n: number) => number,
  cancelAfter = Infinity,
) {
  const machine = new Machine(plan, store);
  await machine.begin({});
  const tries = new Map<string, number>();
  for (let happened = 0; ; happened++) {
    if (happened > 20_000) throw new Error('it does not come to an end');
    if (happened === cancelAfter && store.ended === undefined) {
      store.canceling = true;
      await machine.cancel();
    }
    const ready = store.in('ready');
    const running = store.in('running').filter(({ kind }) => kind === 'step');
    const choices = [
      ...ready.map((node) => async () => {
        if (store.canceling) throw new Error(`${node.path} is ready in a canceled run`);
        await store.change([{ id: node.id, from: 'ready', to: 'running' }]);
      }),
      ...running.map((node) => async () => {
        const tried = tries.get(node.path) ?? 0;
        tries.set(node.path, tried + 1);
        await machine.stepEnded({ ...node }, endOf(does, node.path, tried));
      }),
      ...store.timers.map((timer, index) => async () => {
        store.timers.splice(index, 1);
        const node = { ...(await store.node(timer.node)) };
        await (timer.kind === 'retry' ? machine.retryDue(node) : machine.expandDue(node));
      }),
    ];
    if (choices.length === 0) return tries;
    await choices[pick(choices.length)]!();
  }
}

function endOf(does: Behavior, path: string, tried: number): StepEnd {
  const lost = does.losses(path);
  if (tried < lost) return { is: 'lost', error: 'lost' };
  const failures = does.failures(path);
  const good = failures !== undefined && tried - lost >= failures;
  return good ? { is: 'succeeded', outputs: outputsOf(path) } : { is: 'failed', error: 'no' };
}

const seeds = fc.record({ seed: fc.nat(), badness: fc.constantFrom(0, 20, 50), order: fc.infiniteStream(fc.nat()) });

function picker(order: Iterator<number>): (n: number) => number {
  return (n) => (order.next().value as number) % n;
}

const task = (more: Partial<Task> = {}): Task => ({
  needs: [],
  after: 'succeeded',
  inputs: {},
  body: { step: STEP },
  ...more,
});

describe('a run', () => {
  test('of any plan ends as the model predicts, in any order of events', async () => {
    await fc.assert(
      fc.asyncProperty(anyPlan(), seeds, async (plan, { seed, badness, order }) => {
        expect(planIssues(plan, new Set())).toEqual([]);
        const does = behavior(seed, badness);
        const store = new MemoryStore();
        await runAll(plan, store, does, picker(order));
        const model = modelOf(plan, does, LOSSES);
        const found = new Map([...store.nodes.values()].map(({ path, state, outputs }) => [path, { state, outputs }]));
        expect(found).toEqual(new Map([...model].map(([path, { state, outputs }]) => [path, { state, outputs }])));
        expect(store.ended?.state).toBe(model.get('')?.state);
        expect([...store.ends.values()].every((times) => times === 1)).toBe(true);
      }),
    );
  });

  test('ends when it is canceled at any time, and no step starts after that', async () => {
    await fc.assert(
      fc.asyncProperty(anyPlan(), seeds, fc.nat(30), async (plan, { seed, badness, order }, after) => {
        const store = new MemoryStore();
        await runAll(plan, store, behavior(seed, badness), picker(order), after);
        expect([...store.nodes.values()].filter(({ state }) => !isEnd(state))).toEqual([]);
        expect(store.ended).toBeDefined();
        const states = new Set([...store.nodes.values()].map(({ state }) => state));
        expect(states.has('canceled') && !store.canceling).toBe(false);
        expect(states.has('canceled') ? store.ended?.state : 'canceled').toBe('canceled');
        expect([...store.ends.values()].every((times) => times === 1)).toBe(true);
      }),
    );
  });
});

test('a loop creates its iterations in batches of a thousand', async () => {
  const store = new MemoryStore();
  const list = { value: Array.from({ length: 2500 }, (_, n) => n) };
  const plan: Graph = {
    tasks: { a: task({ inputs: { list }, each: { items: 'list', as: 'item', parallel: 0 } }) },
    outputs: {},
  };
  const machine = new Machine(plan, store);
  await machine.begin({});
  expect(store.in('ready')).toHaveLength(1000);
  const loop = [...store.nodes.values()].find(({ kind }) => kind === 'loop')!;
  for (const ready of [2000, 2500]) {
    expect(store.timers.splice(0)).toEqual([{ node: loop.id, kind: 'expand' }]);
    await machine.expandDue({ ...loop });
    expect(store.in('ready')).toHaveLength(ready);
  }
  expect(store.timers).toEqual([]);
});

test('with a limit, an iteration starts when another one ends', async () => {
  const store = new MemoryStore();
  const plan: Graph = {
    tasks: {
      a: task({ inputs: { list: { value: [1, 2, 3, 4, 5] } }, each: { items: 'list', as: 'item', parallel: 2 } }),
    },
    outputs: {},
  };
  let most = 0;
  await runAll(plan, store, behavior(1, 0), (n) => {
    most = Math.max(most, store.in('ready', 'running').filter(({ kind }) => kind === 'step').length);
    return n - 1;
  });
  expect([most, store.ended?.state]).toEqual([2, 'succeeded']);
});

test('all errors of a plan are reported together, with the names of a cycle', () => {
  const plan: Graph = {
    tasks: {
      a: task({ needs: ['b', 'nobody'] }),
      b: task({ inputs: { x: { task: 'a', output: 'none' }, y: { input: 'z' } } }),
      'c/d': task({ each: { items: 'list', as: 'item', parallel: 0 }, when: { input: 'gone' } }),
    },
    outputs: { o: [{ task: 'c', output: 'out' }] },
  };
  expect(planIssues(plan, new Set()).map(({ path, message }) => `${path}: ${message}`)).toEqual([
    'tasks.a.needs: task nobody does not exist',
    'tasks.b.inputs.x: task a has no output none',
    'tasks.b.inputs.y: input z does not exist',
    'tasks.c/d: a name may contain only letters, digits, `.`, `_` and `-`',
    'tasks.c/d.each: input list of the loop does not exist',
    'tasks.c/d.when: input gone does not exist',
    'outputs.o: task c has no output out',
    'tasks.a: tasks depend on each other in a cycle: a → b → a',
  ]);
});
