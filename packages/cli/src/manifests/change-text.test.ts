import type { Change } from '@dais/api';
import { expect, test } from 'vitest';
import { changesText, summaryLine } from '#manifests/change-text.ts';
import { plainStyle } from '#output/style.ts';

const changes: readonly Change[] = [
  { kind: 'Project', name: 'flights', action: 'create', fields: [{ path: 'spec.description', after: 'x' }] },
  {
    kind: 'Secret',
    name: 'chat',
    project: 'flights',
    action: 'update',
    fields: [
      { path: 'spec.description', before: 'old', after: `new ${'and longer '.repeat(20)}` },
      { path: 'metadata.labels.team', after: 'vision' },
      { path: 'spec.quotas', before: { resources: 3 } },
    ],
  },
  { kind: 'Secret', name: 'gone\u001b[1m', project: 'flights', action: 'delete', fields: [] },
  { kind: 'Secret', name: 'same', project: 'flights', action: 'unchanged', fields: [] },
];

test('the result of apply', async () => {
  await expect(changesText(changes, 'did', plainStyle)).toMatchFileSnapshot('__golden__/changes-did.txt');
});

test('the plan of apply', async () => {
  await expect(changesText(changes, 'would', plainStyle)).toMatchFileSnapshot('__golden__/changes-would.txt');
});

test('without changes', () => {
  expect(summaryLine([], 'did')).toBe('No documents in the manifests.');
  expect(summaryLine(changes.slice(3), 'would')).toBe('No changes.');
  expect(summaryLine(changes.slice(3), 'did')).toBe('1 unchanged.');
});
