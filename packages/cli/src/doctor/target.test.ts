import { expect, test } from 'vitest';
import { targetFindings } from '#doctor/target.ts';

const nothing = {
  ready: false,
  nodes: 0,
  resources: {},
  largestTask: {},
  features: [],
  warnings: [],
  problems: [],
  probedAt: '2026-12-03T10:00:00.000Z',
};

test('a target that is ready', () => {
  const found = { version: '1.36.3', nodes: 1, resources: { cpu: 8 }, largestTask: { cpu: 7 } };
  const probe = { ...nothing, ...found, ready: true };
  expect(targetFindings('gpu', probe).map(({ name, state, detail }) => [name, state, detail])).toEqual([
    ['cluster', 'ok', 'responds; version 1.36.3'],
    ['nodes', 'ok', '1 node with 8 cpu'],
    ['largest step', 'ok', '7 cpu'],
    ['target gpu', 'ok', 'steps can run there'],
  ]);
});

test.each([
  [
    'The cluster runs Kubernetes 1.30.2. Dais needs 1.33 or newer: upgrade the cluster.',
    'The cluster runs Kubernetes 1.30.2',
    'Dais needs 1.33 or newer: upgrade the cluster.',
  ],
  ['The field `a. B` is missing. Add it.', 'The field `a. B` is missing', 'Add it.'],
  ['It ended with code 3.', 'It ended with code 3', undefined],
])('%s', (text, detail, remedy) => {
  const probe = { ...nothing, problems: [text], warnings: [text] };
  const expected = { name: 'target gpu', detail, ...(remedy !== undefined && { remedy }) };
  expect(targetFindings('gpu', probe)).toEqual([
    { ...expected, state: 'warning' },
    { ...expected, state: 'problem' },
  ]);
});
