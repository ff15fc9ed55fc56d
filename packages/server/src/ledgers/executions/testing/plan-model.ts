/**
 * For tests: random plans, and a model of their results. Without rows or an order of events, the model computes recursively
 * how every node of a plan ends, from the behavior of its steps.
 */
import * as fc from 'fast-check';
import { needsOf, type Binding, type Graph, type Step, type Task, type Value, type Values } from '../machine/plan.ts';
import { collect, isTrue, itemsOf, resolveInputs, ValueError, type Ended } from '../machine/values.ts';

export const STEP: Step = {
  command: ['true'],
  variables: {},
  secrets: {},
  environment: { type: 'system' },
  resources: {},
  isolation: 'none',
  network: false,
  cache: false,
  places: {},
  outputs: { out: { parameter: 'text', path: 'out' } },
};

/** Behavior of a step by its path and attempt, equal in all implementations. */
export interface Behavior {
  /** Attempts that fail before one succeeds; undefined: all of them. */
  failures(path: string): number | undefined;
  /** Attempts that are lost, before all others. */
  losses(path: string): number;
}

export function outputsOf(path: string): Values {
  return { out: { parameter: hash(path, 0) % 3 } };
}

function hash(text: string, seed: number): number {
  let state = seed >>> 0;
  for (const letter of text) state = Math.imul(state ^ letter.charCodeAt(0), 0x01000193) >>> 0;
  return (state ^ (state >>> 15)) >>> 0;
}

export function behavior(seed: number, badness: number): Behavior {
  return {
    failures: (path) => {
      const dice = hash(path, seed) % 100;
      if (dice >= badness) return 0;
      return dice % 3 === 0 ? undefined : dice % 3;
    },
    losses: (path) => (hash(path, seed + 1) % 100 < badness / 4 ? hash(path, seed + 2) % 5 : 0),
  };
}

/** Final states of the run, and of every node by path. */
export function modelOf(plan: Graph, does: Behavior, mostLosses: number): Map<string, Ended> {
  const ends = new Map<string, Ended>();
  const end = (path: string, ended: Ended): Ended => {
    ends.set(path, ended);
    return ended;
  };
  const below = (path: string, name: string | number) => (path === '' ? `${name}` : `${path}/${name}`);

  const step = (path: string, task: Task): Ended => {
    const [fails, lost] = [does.failures(path), does.losses(path)];
    const good = lost <= mostLosses && fails !== undefined && fails <= (task.retry?.count ?? 0);
    return end(path, { state: good ? 'succeeded' : 'failed', outputs: good ? outputsOf(path) : {} });
  };
  const body = (path: string, task: Task, inputs: Values): Ended =>
    'step' in task.body ? step(path, task) : graph(path, task.body.graph, inputs);
  const loop = (path: string, task: Task, inputs: Values): Ended => {
    const { items, as } = task.each!;
    const { [items]: list, ...others } = inputs;
    const all = itemsOf(list, items).map((item, index) => body(below(path, index), task, { ...others, [as]: item }));
    const names = Object.keys('step' in task.body ? task.body.step.outputs : task.body.graph.outputs);
    const outputs = names.map((name): [string, Value] => [
      name,
      collect(
        all.map((one) => one.outputs),
        name,
      )!,
    ]);
    const bad = all.some(({ state }) => state === 'failed');
    return end(path, { state: bad ? 'failed' : 'succeeded', outputs: Object.fromEntries(outputs) });
  };
  const one = (path: string, task: Task, given: Values, siblings: ReadonlyMap<string, Ended>): Ended => {
    const before = needsOf(task).map((name) => siblings.get(name)!.state);
    const nothing = { outputs: {} };
    if (task.after === 'succeeded') {
      if (before.some((state) => state === 'failed' || state === 'blocked'))
        return end(path, { state: 'blocked', ...nothing });
      if (before.includes('skipped')) return end(path, { state: 'skipped', ...nothing });
    }
    try {
      const inputs = resolveInputs(task, given, siblings);
      if (task.when !== undefined && !isTrue(task.when, inputs)) return end(path, { state: 'skipped', ...nothing });
      return task.each === undefined ? body(path, task, inputs) : loop(path, task, inputs);
    } catch (error) {
      if (!(error instanceof ValueError)) throw error;
      return end(path, { state: 'failed', ...nothing });
    }
  };
  const graph = (path: string, of: Graph, inputs: Values): Ended => {
    const ended = new Map<string, Ended>();
    const visit = (name: string): void => {
      if (ended.has(name)) return;
      const task = of.tasks[name]!;
      for (const need of needsOf(task)) visit(need);
      ended.set(name, one(below(path, name), task, inputs, ended));
    };
    for (const name of Object.keys(of.tasks)) visit(name);
    const outputs: [string, Value][] = [];
    for (const [name, sources] of Object.entries(of.outputs)) {
      const found = sources.find(({ task, output }) => {
        const source = ended.get(task);
        return source?.state === 'succeeded' && source.outputs[output] !== undefined;
      });
      const value = found === undefined ? undefined : ended.get(found.task)!.outputs[found.output];
      if (value !== undefined) outputs.push([name, value]);
    }
    const bad = [...ended.values()].some(({ state }) => state === 'failed' || state === 'blocked');
    return end(path, { state: bad ? 'failed' : 'succeeded', outputs: Object.fromEntries(outputs) });
  };
  graph('', plan, {});
  return ends;
}

const NAMES = ['a', 'b', 'c', 'd', 'e'] as const;

/** Graphs of up to five tasks. A task depends only on earlier ones, so that there is no cycle. */
export function anyPlan(depth = 2): fc.Arbitrary<Graph> {
  const parallel = fc.constantFrom(0, 1, 2);
  const retry = fc.record({
    count: fc.nat(2),
    delayMs: fc.constantFrom(0, 1),
    factor: fc.constant(2),
    maxDelayMs: fc.constant(10),
  });
  const shape = fc.record({
    needs: fc.array(fc.nat(3), { maxLength: 2 }),
    reads: fc.option(fc.nat(3)),
    optional: fc.boolean(),
    after: fc.constantFrom('succeeded' as const, 'succeeded' as const, 'completed' as const),
    when: fc.option(fc.nat(2)),
    status: fc.boolean(),
    each: fc.option(fc.record({ size: fc.nat(4), parallel, fromOutput: fc.boolean() }), { freq: 3 }),
    retry: fc.option(retry),
    below: depth === 0 ? fc.constant(null) : fc.option(anyPlan(depth - 1), { freq: 3 }),
  });
  return fc.array(shape, { maxLength: NAMES.length }).map((shapes): Graph => {
    const tasks = shapes.map((one, index): [string, Task] => {
      const earlier = (n: number) => NAMES[n % index]!;
      const needs = index === 0 ? [] : one.needs.map(earlier);
      const inputs: Record<string, Binding> = {};
      if (index > 0 && one.reads !== null) {
        inputs['in'] = { task: earlier(one.reads), output: 'out', ...(one.optional && { optional: true }) };
        if (one.status) inputs['status'] = { statusOf: earlier(one.reads) };
      }
      const items = Array.from({ length: one.each?.size ?? 0 }, (_, n) => n);
      if (one.each !== null) inputs['list'] = one.each.fromOutput && inputs['in'] ? inputs['in'] : { value: items };
      const left = { input: 'in' };
      const when =
        one.when === null || inputs['in'] === undefined
          ? undefined
          : { compare: '==' as const, left, right: { value: one.when } };
      return [
        NAMES[index]!,
        {
          needs,
          after: one.after,
          inputs,
          ...(when !== undefined && { when }),
          ...(one.each !== null && { each: { items: 'list', as: 'item', parallel: one.each.parallel } }),
          ...(one.retry !== null && { retry: one.retry }),
          body: one.below === null ? { step: STEP } : { graph: one.below },
        },
      ];
    });
    const last = tasks.map(([task]) => ({ task, output: 'out' })).toReversed();
    return { tasks: Object.fromEntries(tasks), outputs: { out: last } };
  });
}
