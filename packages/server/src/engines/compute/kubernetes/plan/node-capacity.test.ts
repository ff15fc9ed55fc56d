import { expect, test } from 'vitest';
import {
  checkTogether,
  isUsable,
  largestTask,
  largestTaskOfPools,
  nodesOf,
  taskCapacity,
  type NodeCapacity,
} from './node-capacity.ts';
import { placeInPool } from './choose-pool.ts';
import { PLAIN_TARGET } from './pod-plan-cases.testing.ts';
import type { TargetOptions } from './target-options.ts';

const GIB = 2 ** 30;
const GPU = 'nvidia.com/gpu';
const TAINT = { key: GPU, effect: 'NoSchedule' };

const target: TargetOptions = {
  ...PLAIN_TARGET,
  pools: {
    gpu: { nodeSelector: { pool: 'gpu' }, tolerations: [{ key: GPU, operator: 'Exists' }], resources: [GPU] },
    tpu: { nodeSelector: { pool: 'tpu' }, resources: ['google.com/tpu'] },
  },
};
const gpu = target.pools?.['gpu'];

function node(allocatable: NodeCapacity['allocatable'], facts: Partial<NodeCapacity> = {}): NodeCapacity {
  return { isReady: true, isSchedulable: true, labels: {}, taints: [], allocatable, ...facts };
}

const wide = node({ cpu: 64.05, memory: 8 * GIB, pods: 110, 'hugepages-2Mi': 0 });
const deep = node({ cpu: 4.05, memory: 512 * GIB });
const device = node({ cpu: 8.05, memory: 32 * GIB, [GPU]: 4 }, { labels: { pool: 'gpu' }, taints: [TAINT] });

test('the largest task is what the nodes without foreign taints have, without the agent', () => {
  expect(largestTask([wide, deep, device], target)).toEqual({
    cpu: 64,
    memory: 512 * GIB - 96 * 2 ** 20,
  });
  expect(largestTaskOfPools([wide, device], target)[GPU]).toBe(4);
  expect([isUsable(device, target), isUsable(device, { ...target, pools: {} })]).toEqual([true, false]);
});

test('a pool has what its nodes have, and the devices that an autoscaler can add', () => {
  const place = { target: placeInPool(target, gpu), pool: gpu };
  expect(taskCapacity([wide, device], place)).toEqual({ cpu: 8, memory: 32 * GIB - 96 * 2 ** 20, [GPU]: 4 });
  expect(taskCapacity([wide], place)).toEqual({ cpu: Infinity, memory: Infinity, disk: Infinity, [GPU]: Infinity });
  expect(nodesOf(place)).toBe('nodes of pool "gpu"');
  expect(nodesOf({ target, pool: undefined })).toBe('nodes of the target');
});

test('one node must have everything together, where no autoscaler adds nodes', () => {
  const limited = { ...target, pendingTimeoutMs: 60_000 };
  const place = { target: limited, pool: undefined };
  const both = { cpu: 32, memory: 256 * GIB };
  expect(() => checkTogether([wide, deep], place, both)).toThrow(
    `None of the nodes of the target has 32 cpu and ${256 * GIB} memory together. Request less, or add a larger node.`,
  );
  expect(() => checkTogether([wide, deep], { target, pool: undefined }, both)).not.toThrow();
  expect(() => checkTogether([], place, both)).not.toThrow();
  expect(() => checkTogether([wide, deep], place, { cpu: 32, memory: GIB, disk: 0 })).not.toThrow();
  const tpu = limited.pools?.['tpu'];
  const placed = { target: placeInPool(limited, tpu), pool: tpu };
  const empty = node({ cpu: 8, memory: 32 * GIB }, { labels: { pool: 'tpu' } });
  expect(() => checkTogether([empty], placed, { cpu: 1, 'google.com/tpu': 1 })).not.toThrow();
});
