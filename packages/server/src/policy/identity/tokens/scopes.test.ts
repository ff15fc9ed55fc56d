import { expect, test } from 'vitest';
import { checkScopes, matchesScope } from './scopes.ts';

const actions = ['secret:read', 'secret:write', 'project:read'];
const decision = (scopes: readonly string[], within?: readonly string[]) => {
  try {
    checkScopes(scopes, actions, within);
    return 'good';
  } catch (error) {
    return (error as { issues: readonly { path: string; nearest?: string }[] }).issues.map(
      ({ path, nearest = '' }) => `${path} ${nearest}`,
    );
  }
};

test.each([
  ['secret:read', 'secret:read', true],
  ['secret:*', 'secret:read', true],
  ['*:read', 'secret:read', true],
  ['secret:read', 'secret:write', false],
  ['*:read', 'secret:write', false],
  ['secret:*', 'project:read', false],
])('%s and %s', (pattern, action, expected) => {
  expect(matchesScope(pattern, action)).toBe(expected);
});

test('patterns must match an action', () => {
  expect(decision(['secret:read', 'project:*', '*:read'])).toBe('good');
  expect(decision(['secret:raed', '*', '*:*', 'secret', 'secret:read:x', 'model:read'])).toEqual([
    'scopes[0] secret:read',
    'scopes[1] ',
    'scopes[2] ',
    'scopes[3] ',
    'scopes[4] ',
    expect.stringContaining('scopes[5]'),
  ]);
});

test('a token grants at most its own scopes', () => {
  expect(decision(['secret:read'], ['secret:*'])).toBe('good');
  expect(decision(['secret:*'], ['secret:read'])).toEqual(['scopes[0] ']);
  expect(decision(['*:read'], ['secret:*'])).toEqual(['scopes[0] ']);
});
