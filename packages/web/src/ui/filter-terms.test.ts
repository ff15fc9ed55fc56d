import { expect, test } from 'vitest';
import { completions, wrongTerm } from './filter-terms.ts';

test.each(['', 'team=vision', 'team=vision, stage!=dev,!owner', 'a==b'])('%j is a selector', (text) => {
  expect(wrongTerm(text)).toBeUndefined();
});

test.each([
  ['team=vision, =x', 13, 2],
  ['!a=b', 0, 4],
  ['ok,two words ,also', 3, 9],
])('the invalid word in %j is found', (text, start, length) => {
  expect(wrongTerm(text)).toMatchObject({
    start,
    length,
    message: expect.stringContaining('is not a term: key=value'),
  });
});

test('completions are whole selectors', () => {
  const labels = [{ team: 'vision' }, { team: 'ads', tier: '1' }];
  expect(completions('stage=dev, t', labels)).toEqual([
    'stage=dev, team',
    'stage=dev, team=ads',
    'stage=dev, team=vision',
    'stage=dev, tier',
    'stage=dev, tier=1',
  ]);
});
