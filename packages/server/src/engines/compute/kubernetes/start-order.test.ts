import { expect, test } from 'vitest';
import type { KeptNode } from './cluster-nodes.ts';
import type { KeptJob } from './cluster-view.ts';
import { StartOrder } from './start-order.ts';

const node = { name: 'n', isReady: true, isSchedulable: true, allocatable: { cpu: 2 } } as unknown as KeptNode;

function job(attempt: string, suspend: boolean): KeptJob {
  return {
    attempt,
    order: attempt,
    resourceVersion: '1',
    finalizers: [],
    requests: { cpu: 1 },
    metadata: { name: attempt, annotations: {} },
    spec: { suspend },
  };
}

/** Creates Jobs like submissions. Returns which of them are created suspended. */
async function createAll(order: StartOrder, jobs: KeptJob[], attempts: readonly string[]): Promise<boolean[]> {
  const suspended: boolean[] = [];
  const started = Promise.withResolvers<void>();
  const creations = attempts.map(async (attempt) => {
    await order.create(job(attempt, true), async (suspend) => {
      suspended.push(suspend);
      await started.promise;
      jobs.push(job(attempt, suspend));
    });
  });
  started.resolve();
  await Promise.all(creations);
  return suspended;
}

test('a task starts with its creation while resources are free; one more waits in the cluster', async () => {
  const jobs: KeptJob[] = [];
  const order = new StartOrder({}, () => ({ jobs, nodes: [node] }));
  // The first two fit, and the third one is what an autoscaler sees.
  expect(await createAll(order, jobs, ['1', '2', '3', '4'])).toEqual([false, false, false, true]);
});

test('concurrent creations count, and a task does not overtake one that waits', async () => {
  const jobs = [job('0', true)];
  const order = new StartOrder({}, () => ({ jobs, nodes: [node] }));
  expect(await createAll(order, jobs, ['1'])).toEqual([true]);
  expect(order.starts({ jobs, nodes: [node] })).toEqual(new Set(['0', '1']));
});

test('only Jobs that exist are started', async () => {
  const jobs: KeptJob[] = [];
  const order = new StartOrder({}, () => ({ jobs: [job('0', true)], nodes: [node] }));
  await order.create(job('1', true), async (suspend) => {
    expect(suspend).toBe(true);
    expect(order.starts({ jobs, nodes: [node] })).toEqual(new Set());
    await Promise.resolve();
  });
});

test('with a queue of the cluster every Job is created suspended', async () => {
  const jobs: KeptJob[] = [];
  const order = new StartOrder({ kueueQueue: 'q' }, () => ({ jobs, nodes: [node] }));
  expect(await createAll(order, jobs, ['1'])).toEqual([true]);
});
