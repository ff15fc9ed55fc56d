import { expect, test } from 'vitest';
import { serverProblems } from './server-problems.ts';

const text = 'spec:\n  cedar: |\n    forbid(principal, action, resorce);\n';

test('a problem marks its word, with the expected and the nearest value', () => {
  const [problem] = serverProblems(text, {
    issues: [
      { path: 'spec.cedar', message: 'is unknown', line: 3, column: 31, expected: 'a word', nearest: 'resource' },
    ],
  });
  expect(problem).toMatchObject({
    place: '3:31',
    message: 'spec.cedar: is unknown; expected a word; did you mean resource?',
  });
  expect(text.slice(problem?.from, problem?.to)).toBe('resorce);');
});

test('positions outside the text map to the nearest one', () => {
  const locations = serverProblems(text, {
    issues: [{ message: 'a' }, { message: 'b', line: 99, column: 9 }, { message: 'c', line: 1, column: 80 }],
  });
  expect(locations.map(({ from, to }) => [from, to])).toEqual([
    [0, 5],
    [text.length, text.length],
    [5, 6],
  ]);
});
