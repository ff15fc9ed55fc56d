import type { Resource } from '@dais/api';
import { expect, test } from 'vitest';
import { labelsText, maxTasks, newestProbe, targetResources, tolerationText, type Probe } from './target-words.ts';

function target(spec: Record<string, unknown>, status: Record<string, unknown> = {}): Resource {
  return { spec, status } as unknown as Resource;
}

test('the newest result counts', () => {
  const cluster = { type: 'kubernetes' };
  const tested: Probe = {
    ready: true,
    nodes: 1,
    features: [],
    problems: [],
    warnings: [],
    resources: {},
    largestTask: {},
    probedAt: '2026-11-30T17:05:00Z',
  };
  expect(newestProbe(target(cluster, { used: false }), undefined)).toBeUndefined();
  expect(newestProbe(target(cluster, { used: false }), tested)).toBe(tested);
  const older = target(cluster, { used: false, problems: ['It is away.'], probedAt: '2026-11-30T17:00:00Z' });
  expect(newestProbe(older, tested)).toBe(tested);
  expect(newestProbe(older, undefined)).toMatchObject({ ready: false, problems: ['It is away.'] });
  const newer = target(cluster, { used: true, probedAt: '2026-11-30T17:10:00Z' });
  expect(newestProbe(newer, tested)).toMatchObject({ ready: true, probedAt: '2026-11-30T17:10:00Z' });
});

test('resources have their use and the largest request of a step', () => {
  const status = { resources: { memory: 64e9, cpu: 16, 'nvidia.com/gpu': 2 }, largestTask: { cpu: 7, memory: 30e9 } };
  expect(targetResources(status, { used: { cpu: 4 } })).toEqual([
    { name: 'cpu', used: 4, total: 16, largest: 7 },
    { name: 'memory', used: 0, total: 64e9, largest: 30e9 },
    { name: 'nvidia.com/gpu', used: 0, total: 2, largest: undefined },
  ]);
  expect(targetResources({}, undefined)).toEqual([]);
});

test('fields of a target', () => {
  expect([
    maxTasks(target({ type: 'process' })),
    maxTasks(target({ type: 'kubernetes' })),
    maxTasks(target({ type: 'kubernetes', maxTasks: 5 })),
  ]).toEqual([undefined, 200, 5]);
  expect(labelsText({ pool: 'a100', zone: 'b' })).toBe('pool=a100, zone=b');
  expect([
    tolerationText({ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }),
    tolerationText({ key: 'team', value: 'ml' }),
    tolerationText({ operator: 'Exists' }),
  ]).toEqual(['nvidia.com/gpu:NoSchedule', 'team=ml', 'every taint']);
});
