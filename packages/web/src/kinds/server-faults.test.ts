import { expect, test } from 'vitest';
import { serverFaults } from './server-faults.ts';

const text = 'spec:\n  cedar: |\n    forbid(principal, action, resorce);\n';

test('a fault stands under its word, with what was expected and what is near', () => {
  const [fault] = serverFaults(text, {
    issues: [
      { path: 'spec.cedar', message: 'is unknown', line: 3, column: 31, expected: 'a word', nearest: 'resource' },
    ],
  });
  expect(fault).toMatchObject({
    place: '3:31',
    message: 'spec.cedar: is unknown; expected a word; did you mean resource?',
  });
  expect(text.slice(fault?.from, fault?.to)).toBe('resorce);');
});

test('places that the text does not have are its nearest', () => {
  const places = serverFaults(text, {
    issues: [{ message: 'a' }, { message: 'b', line: 99, column: 9 }, { message: 'c', line: 1, column: 80 }],
  });
  expect(places.map(({ from, to }) => [from, to])).toEqual([
    [0, 5],
    [text.length, text.length],
    [5, 6],
  ]);
});
