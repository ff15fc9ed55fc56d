import { expect, test } from 'vitest';
import { projectNamespace } from './project-namespace.ts';

test('the namespace is the prefix and the name of the project', () => {
  expect(projectNamespace('dais-', 'flights')).toBe('dais-flights');
  expect(projectNamespace('dais-', 'x'.repeat(57))).toBe(`dais-${'x'.repeat(57)}`);
});

test('long names end with a hash, and stay different', () => {
  const [one, other] = ['a', 'b'].map((end) => projectNamespace('dais-', `${'x'.repeat(62)}${end}`));
  expect([one?.length, other?.length]).toEqual([63, 63]);
  expect(one).not.toBe(other);
  expect(one).toMatch(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])$/);
});

test('no project can have the shortened name of another one', () => {
  const shortened = projectNamespace('dais-', 'x'.repeat(63));
  const imitation = shortened.slice('dais-'.length);
  expect(projectNamespace('dais-', imitation)).not.toBe(shortened);
  // Of a prefix of the same length, the names differ too.
  expect(projectNamespace('team-', 'x'.repeat(63))).not.toBe(shortened);
});
