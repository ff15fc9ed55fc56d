import { expect, test } from 'vitest';
import { projectNamespace } from './project-namespace.ts';

test('the namespace is the prefix and the name of the project', () => {
  expect(projectNamespace('dais-', 'flights')).toBe('dais-flights');
});

test('long names end with a hash, and stay different', () => {
  const [one, other] = ['a', 'b'].map((end) => projectNamespace('dais-', `${'x'.repeat(62)}${end}`));
  expect([one?.length, other?.length]).toEqual([63, 63]);
  expect(one).not.toBe(other);
  expect(one).toMatch(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])$/);
});
