import { expect, test } from 'vitest';
import { scopeGroups, scopePatterns } from './scope-choices.ts';

const items = [
  { kind: 'Secret', action: 'secret:write', decision: 'conditional' as const },
  { kind: 'Secret', action: 'secret:read', decision: 'allow' as const },
  { kind: 'Secret', action: 'secret:delete', decision: 'deny' as const },
  { kind: 'Policy', action: 'policy:read', decision: 'allow' as const },
  { kind: 'Access', action: 'policy:read', decision: 'allow' as const },
];

test('offers only own permissions, once, in order', () => {
  expect(scopeGroups(items)).toEqual([
    { noun: 'policy', verbs: ['read'] },
    { noun: 'secret', verbs: ['read', 'write'] },
  ]);
});

test('all actions of a noun are one pattern; a single action stays itself', () => {
  const groups = scopeGroups(items);
  expect(scopePatterns(groups, new Set(['secret:read', 'secret:write', 'policy:read']))).toEqual([
    'policy:read',
    'secret:*',
  ]);
  expect(scopePatterns(groups, new Set(['secret:read', 'gone:read']))).toEqual(['secret:read']);
  expect(scopePatterns(groups, new Set())).toEqual([]);
});
