import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { admitSteps, RUNNING_STEPS, type Machines, type ProjectQueue, type QueuedStep } from './admission.ts';
import { countedRequests, type Amounts } from './requests.ts';

const GPU = 'nvidia.com/gpu';
const MACHINE: Machines = {
  capacity: { cpu: 8, [GPU]: 2 },
  used: {},
  others: [],
  total: { cpu: 8, [GPU]: 2 },
  concurrency: 16,
};

function queueOf(id: string, requests: readonly Amounts[], more: Partial<ProjectQueue> & { quota?: Amounts } = {}) {
  const { quota = {}, ...rest } = more;
  const queue = requests.map((one, at): QueuedStep => ({
    id: `${id}${at}`,
    priority: 0,
    readyAt: at,
    requests: countedRequests(one, quota, { cpu: 1, memory: 2 ** 30, disk: 2 ** 30 }),
  }));
  const limits = { resources: quota, runningSteps: 100, queuedSteps: 100, weight: 1 };
  return { id, limits, running: 0, used: {}, recent: 0, queue, isCut: false, ...rest } satisfies ProjectQueue;
}

const idsOf = (projects: readonly ProjectQueue[], machines = MACHINE, limit = 16) =>
  admitSteps(projects, machines, limit).steps.map(({ id }) => id);
const times = (n: number, requests: Amounts) => Array.from({ length: n }, () => requests);

test('projects get equal shares of their dominant resources', () => {
  const started = idsOf([queueOf('a', times(20, { cpu: 1 })), queueOf('b', times(20, { cpu: 2 }))]);
  // 4 × 1 core and 2 × 2 cores: half of the machine each.
  expect(started.filter((id) => id.startsWith('a'))).toHaveLength(4);
  expect(started.filter((id) => id.startsWith('b'))).toHaveLength(2);
});

test('a weight of three gives three times as much', () => {
  const heavy = queueOf('a', times(20, { cpu: 1 }));
  const started = idsOf([{ ...heavy, limits: { ...heavy.limits, weight: 3 } }, queueOf('b', times(20, { cpu: 1 }))]);
  expect(started.filter((id) => id.startsWith('a'))).toHaveLength(6);
  expect(started.filter((id) => id.startsWith('b'))).toHaveLength(2);
});

test('a quota limits its project and no other', () => {
  const limited = queueOf('a', times(4, { cpu: 1 }), { quota: { cpu: 2 } });
  const { steps, shortages } = admitSteps([limited, queueOf('b', times(4, {}))], MACHINE, 16);
  expect(steps.map(({ id }) => id).toSorted()).toEqual(['a0', 'a1', 'b0', 'b1', 'b2', 'b3']);
  expect(shortages.get('a2')).toEqual({ why: 'quota', resource: 'cpu' });
});

test('a step without requests counts with the default if the project has a quota for the resource', () => {
  expect(idsOf([queueOf('a', times(4, {}), { quota: { cpu: 2 } })])).toEqual(['a0', 'a1']);
  expect(idsOf([queueOf('a', times(4, {}), { quota: { memory: 2 ** 29 } })])).toEqual(['a0']);
  expect(idsOf([queueOf('a', times(2, {}), { quota: { [GPU]: 0 } })])).toEqual(['a0', 'a1']);
  expect(idsOf([queueOf('a', times(2, {}), { quota: { cpu: 0 } })])).toEqual([]);
});

test('a large step does not starve: later steps wait for the same resource, and for no other', () => {
  const large = queueOf('a', [{ cpu: 8 }, { cpu: 1 }, { [GPU]: 1 }]);
  const busy = { ...MACHINE, used: { cpu: 1 } };
  expect(idsOf([large, queueOf('b', [{ cpu: 1 }])], busy)).toEqual(['a2']);
  const within = queueOf('a', [{ cpu: 2 }, { cpu: 1 }, {}], { quota: { cpu: 2 }, used: { cpu: 1 }, running: 1 });
  expect(idsOf([within])).toEqual([]);
});

test('a step beyond the whole quota waits alone', () => {
  const { steps, shortages } = admitSteps([queueOf('a', [{ cpu: 4 }, { cpu: 1 }], { quota: { cpu: 2 } })], MACHINE, 16);
  expect(steps.map(({ id }) => id)).toEqual(['a1']);
  expect(shortages.get('a0')).toEqual({ why: 'over-quota', resource: 'cpu' });
});

test('a step that no machine can run starts, so that the engine refuses it; a step that another machine can run waits', () => {
  expect(idsOf([queueOf('a', [{ 'amd.com/gpu': 1 }, { cpu: 100 }])])).toEqual(['a0', 'a1']);
  const others = [{ cpu: 4, 'amd.com/gpu': 1 }];
  expect(idsOf([queueOf('a', [{ 'amd.com/gpu': 1 }, { cpu: 1 }])], { ...MACHINE, others })).toEqual(['a1']);
});

const amounts = fc.record(
  { cpu: fc.constantFrom(0.1, 0.5, 1, 3, 9), [GPU]: fc.integer({ min: 1, max: 3 }) },
  { requiredKeys: [] },
);
const project = fc.record({
  requests: fc.array(amounts, { maxLength: 12 }),
  quota: fc.record({ cpu: fc.constantFrom(0.5, 2, 5), [GPU]: fc.nat(2) }, { requiredKeys: [] }),
  used: fc.record({ cpu: fc.constantFrom(0.1, 1) }, { requiredKeys: [] }),
  running: fc.nat(3),
  most: fc.nat(6),
});

test('for any queue, started steps are within all quotas and limits, and no step that fits is left', () => {
  fc.assert(
    fc.property(fc.array(project, { maxLength: 4 }), fc.integer({ min: 1, max: 12 }), (worlds, limit) => {
      const projects = worlds.map(({ requests, quota, used, running, most }, n) => {
        const one = queueOf(`p${n}-`, requests, { quota, used, running });
        return { ...one, limits: { ...one.limits, runningSteps: most } };
      });
      const { steps, shortages } = admitSteps(projects, MACHINE, limit);
      expect(steps.length).toBeLessThanOrEqual(limit);
      const sums = (of: readonly QueuedStep[], name: string) =>
        of.reduce((sum, { requests }) => sum + (requests[name] ?? 0), 0);
      const possible = steps.filter(({ requests }) => (requests['cpu'] ?? 0) <= 8 && (requests[GPU] ?? 0) <= 2);
      for (const [name, has] of Object.entries(MACHINE.capacity)) {
        expect(sums(possible, name)).toBeLessThanOrEqual(has + 1e-6);
      }
      for (const { queue, used, running, limits } of projects) {
        const own = steps.filter((step) => queue.includes(step));
        expect(own.length).toBeLessThanOrEqual(Math.max(0, limits.runningSteps - running));
        const held: Amounts = used;
        for (const [name, quota] of Object.entries(limits.resources)) {
          if (sums(own, name) === 0) continue;
          expect(sums(own, name) + (held[name] ?? 0)).toBeLessThanOrEqual(quota + 1e-6);
        }
        if (steps.length === limit) continue;
        for (const step of queue) expect(own.includes(step) || shortages.has(step.id)).toBe(true);
      }
    }),
  );
});

test('a full project reports that its limit of running steps is reached', () => {
  const full = queueOf('a', [{}], { running: 100 });
  expect(admitSteps([full], MACHINE, 1).shortages.get('a0')).toEqual({ why: 'quota', resource: RUNNING_STEPS });
});
