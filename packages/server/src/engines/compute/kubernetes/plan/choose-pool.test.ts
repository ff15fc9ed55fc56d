import { expect, test } from 'vitest';
import { acceptsPods, choosePool, placeInPool, type NodeFacts } from './choose-pool.ts';
import type { NodePool, TargetOptions } from './target-options.ts';

const GPU = 'nvidia.com/gpu';
const pools: Readonly<Record<string, NodePool>> = {
  a100: {
    nodeSelector: { gpu: 'a100' },
    tolerations: [{ key: GPU, operator: 'Exists', effect: 'NoSchedule' }],
    resources: [GPU],
    priorityClass: 'high',
  },
  spot: { nodeSelector: { capacity: 'spot' }, resources: [GPU], spot: true },
  large: { nodeSelector: { size: 'large' }, resources: ['example.com/fpga'] },
};
const target: TargetOptions = {
  installation: 'test',
  namespace: 'dais-default',
  agent: { image: 'agent', url: 'http://dais.example', transfer: 'proxied' },
  baseImage: 'base',
  userNamespaces: false,
  imageVolumes: false,
  nodeSelector: { zone: 'a' },
  tolerations: [{ key: 'team', value: 'ml' }],
  priorityClass: 'low',
  pools,
};

test.each([
  ['a named pool', { pool: 'large', resources: {} }, pools['large']],
  ['the pool of a requested device', { resources: { [GPU]: 1 } }, pools['a100']],
  ['no pool for other resources', { resources: { cpu: 4, [GPU]: 0 } }, undefined],
  ['no pool when the devices are in several', { resources: { [GPU]: 1, 'example.com/fpga': 1 } }, undefined],
  ['a spot pool by its name only', { pool: 'spot', resources: { [GPU]: 1 } }, pools['spot']],
])('%s', (_, request, expected) => {
  expect(choosePool(target, request)).toBe(expected);
});

test('an unknown pool is refused with the names that exist', () => {
  expect(() => choosePool(target, { pool: 'h100', resources: {} })).toThrow(
    'The target has no pool "h100". It has a100, spot, large.',
  );
  expect(() => choosePool({}, { pool: 'h100', resources: {} })).toThrow(
    'The target has no pool "h100". It has no pools.',
  );
});

test('a pool adds its selector and tolerations, and replaces the priority', () => {
  expect(placeInPool(target, pools['a100'])).toMatchObject({
    nodeSelector: { zone: 'a', gpu: 'a100' },
    tolerations: [
      { key: 'team', value: 'ml' },
      { key: GPU, operator: 'Exists' },
    ],
    priorityClass: 'high',
  });
  expect(placeInPool(target, pools['large']).priorityClass).toBe('low');
  expect(placeInPool(target, undefined)).toBe(target);
});

const node: NodeFacts = { isReady: true, isSchedulable: true, labels: { zone: 'a' }, taints: [] };
const taint = (key: string, effect = 'NoSchedule', value?: string) => ({
  ...node,
  taints: [{ key, effect, ...(value !== undefined && { value }) }],
});

test.each<[string, NodeFacts, boolean]>([
  ['a node with the labels', node, true],
  ['a node that is not ready', { ...node, isReady: false }, false],
  ['a cordoned node', { ...node, isSchedulable: false }, false],
  ['a node without the labels', { ...node, labels: {} }, false],
  ['a taint that is tolerated', taint('team', 'NoSchedule', 'ml'), true],
  ['a taint of another value', taint('team', 'NoSchedule', 'web'), false],
  ['a taint that is not tolerated', taint('dedicated'), false],
  ['a preference', taint('dedicated', 'PreferNoSchedule'), true],
])('accepts pods: %s', (_, facts, expected) => {
  expect(acceptsPods(facts, target)).toBe(expected);
});

test('a toleration without a key tolerates every taint', () => {
  const all = { ...target, tolerations: [{ operator: 'Exists' as const }] };
  expect(acceptsPods(taint('dedicated', 'NoExecute'), all)).toBe(true);
});
