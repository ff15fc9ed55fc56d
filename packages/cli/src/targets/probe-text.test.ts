import { expect, test } from 'vitest';
import { plainStyle } from '#output/style.ts';
import { probeText } from '#targets/probe-text.ts';

const probedAt = '2026-12-03T10:00:00.000Z';

test('a target that is ready', () => {
  const probe = {
    ready: true,
    version: '1.36.3',
    nodes: 3,
    resources: { cpu: 24, memory: 96 * 2 ** 30, 'nvidia.com/gpu': 2 },
    largestTask: { cpu: 7.5, memory: 30 * 2 ** 30 },
    features: ['kueue'],
    warnings: ['Network policies are not enforced. Install a network plug-in.'],
    problems: [],
    probedAt,
  };
  expect(probeText('gpu', probe, plainStyle)).toBe(`  version        1.36.3
  nodes          3
  resources      24 cpu, 96.0 GiB memory, 2 nvidia.com/gpu
  largest step   7.5 cpu, 30.0 GiB memory
  features       kueue
warning: Network policies are not enforced. Install a network plug-in.
Target gpu is ready.
`);
});

test('a cluster that does not respond has no facts, and its text cannot control the screen', () => {
  const problems = ['The cluster does not respond\u001b[2J. Check the URL.'];
  const nothing = { nodes: 0, resources: {}, largestTask: {}, features: [], warnings: [] };
  expect(probeText('gpu', { ready: false, ...nothing, problems, probedAt }, plainStyle)).toBe(
    'problem: The cluster does not respond\\u001b[2J. Check the URL.\nTarget gpu is not ready: 1 problem.\n',
  );
});
