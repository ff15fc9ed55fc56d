import type { Resource } from '@dais/api';
import { expect, test } from 'vitest';
import { reasonLocation } from './reason-location.ts';

const policy = (kind: string, name: string, id: string, project?: string) =>
  ({ kind, metadata: { name, project }, status: { policies: [{ id, effect: 'forbid' }] } }) as unknown as Resource;

const policies = [
  policy('OrganizationPolicy', 'production', 'by-operations'),
  policy('Policy', 'frost', 'frozen', 'a'),
];

test.each([
  ['RoleBinding/a/editors', { type: 'binding', kind: 'RoleBinding', project: 'a', name: 'editors' }],
  [
    'OrganizationRoleBinding/all',
    { type: 'binding', kind: 'OrganizationRoleBinding', project: undefined, name: 'all' },
  ],
  ['by-operations', { type: 'policy', kind: 'OrganizationPolicy', project: undefined, name: 'production' }],
  ['a/frozen', { type: 'policy', kind: 'Policy', project: 'a', name: 'frost' }],
  ['frozen', { type: 'unknown' }],
  ['b/frozen', { type: 'unknown' }],
])('%s', (id, location) => {
  expect(reasonLocation(id, policies)).toEqual(location);
});

test('reasons that are not resources have texts', () => {
  expect(reasonLocation('signed-in', [])).toEqual({ type: 'words', text: 'Every signed-in user may do this.' });
});
