import { expect, test } from 'vitest';
import { accessGroups, grantsOf, type AccessItem } from './access-grid.ts';

const item = (kind: string, action: string, ...grants: readonly string[]): AccessItem => ({
  kind,
  action,
  decision: grants.length > 0 ? 'allow' : 'deny',
  reasons: [...grants.map((id) => ({ id, effect: 'permit' as const })), { id: 'freeze', effect: 'forbid' as const }],
});

test('kinds of the project, kinds of the organization, and other nouns', () => {
  const groups = accessGroups([
    item('Audit', 'audit:read'),
    item('User', 'user:read'),
    item('Secret', 'secret:use'),
    item('Secret', 'secret:read'),
    item('Policy', 'policy:read'),
  ]);
  expect(groups.map(({ scope, rows }) => [scope, rows.map(({ kind }) => kind)])).toEqual([
    ['project', ['Secret', 'Policy']],
    ['org', ['User']],
    ['other', ['Audit']],
  ]);
  expect(groups[0]?.rows[0]).toMatchObject({
    read: { action: 'secret:read' },
    write: undefined,
    delete: undefined,
    further: [{ action: 'secret:use' }],
  });
});

test('each source of a permission is listed once', () => {
  expect(
    grantsOf([item('Secret', 'secret:read', 'a', 'b'), item('User', 'user:read'), item('Key', 'key:read', 'b')]),
  ).toEqual(['a', 'b']);
});
