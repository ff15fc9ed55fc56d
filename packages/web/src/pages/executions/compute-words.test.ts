import type { ComputeLimits, ExecutionWait } from '@dais/api/executions';
import { expect, test } from 'vitest';
import { amountText, remedyText, usageRows } from './compute-words.ts';

const LIMITS: ComputeLimits = {
  resources: { cpu: 8, 'nvidia.com/gpu': 1 },
  runningSteps: 40,
  queuedSteps: 5000,
  weight: 1,
};

test('amounts have units', () => {
  expect([
    amountText('cpu', 1),
    amountText('cpu', 2.5),
    amountText('memory', 16e9),
    amountText('nvidia.com/gpu', 2),
  ]).toEqual(['1 core', '2.5 cores', '16 GB', '2']);
});

test('usage lists steps, then resources that are used or limited', () => {
  const use = { runningSteps: 3, queuedSteps: 1200, resources: { cpu: 6, memory: 4e9 } };
  expect(usageRows(use, LIMITS).map(({ name, usedText, limitText }) => [name, usedText, limitText])).toEqual([
    ['Running steps', '3', '40'],
    ['Queued steps', '1,200', '5,000'],
    ['CPU', '6 cores', '8 cores'],
    ['Memory', '4 GB', 'no quota'],
    ['nvidia.com/gpu', '0', '1'],
  ]);
});

test('a pending step shows what it waits for', () => {
  const wait = (why: ExecutionWait['why'], more: Partial<ExecutionWait> = {}): ExecutionWait => ({
    run: 'r',
    name: 'n',
    node: 'main',
    priority: 0,
    since: 0,
    before: 0,
    why,
    resources: { cpu: 12 },
    ...more,
  });
  expect(remedyText(wait('quota', { resource: 'cpu', before: 2 }), LIMITS)).toBe(
    'CPU: the quota of 8 cores is used up. Running steps must finish first. 2 steps of the project are ahead.',
  );
  expect(remedyText(wait('quota', { resource: 'runningSteps' }), LIMITS)).toBe(
    'Running steps: the quota of 40 is used up. Running steps must finish first. This step is next.',
  );
  expect(remedyText(wait('over-quota', { resource: 'cpu' }), LIMITS)).toBe(
    'CPU: the step requests 12 cores, the quota is 8 cores. Raise the quota or cancel the job.',
  );
  expect(remedyText(wait('capacity', { resource: 'cpu' }), LIMITS)).toBe(
    'CPU: a machine needs 12 cores free. This step is next.',
  );
  expect(remedyText(wait('concurrency'), LIMITS)).toBe('All workers are busy. This step is next.');
  expect(remedyText(wait('concurrency', { target: 'gpu' }), LIMITS)).toBe(
    'Target gpu runs as many steps as it may. This step is next.',
  );
  expect(remedyText(wait('starting', { target: 'gpu' }), LIMITS)).toBe('Target gpu starts the step.');
  const note = 'waits for a node with 1 nvidia.com/gpu: 3 of 3 nodes have too few free';
  expect(remedyText(wait('starting', { target: 'gpu', note }), LIMITS)).toBe(
    'Waits for a node with 1 nvidia.com/gpu: 3 of 3 nodes have too few free.',
  );
});
