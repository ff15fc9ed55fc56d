import { parseFilter, runFilter } from '@dais/api/filter';
import { expect, test } from 'vitest';
import { completeQuery } from './query-completion.ts';

const known = {
  keys: { metric: ['loss', 'val loss', 'accuracy'], parameter: ['depth'], tag: [] },
  values: (family: string, key: string) => (family === 'parameter' && key === 'depth' ? ['3', "it's"] : []),
};
const labels = (before: string) => completeQuery(runFilter, before, known).choices.map(({ label }) => label);

test.each([
  ['acc', ['metrics.accuracy']],
  ['metrics.l', ['metrics.loss']],
  ['metrics.`val', ['metrics.`val loss`']],
  ['metrics.loss ', ['=', '!=', '<', '<=', '>', '>=']],
  ['metrics.loss <', ['<=']],
  ['status L', ['LIKE', 'ILIKE']],
  ['params.depth = ', ["'3'", "'it''s'"]],
  ["params.depth = 'i", ["'it''s'"]],
  ["params.depth = '3' ", ['AND']],
  ['metrics.loss < 1 AND run_n', ['run_name']],
  ['params.depth IS NOT NULL ', ['AND']],
  ['nothing.x ', []],
])('after %j', (before, expected) => {
  expect(labels(before)).toEqual(expected);
});

test('repeated completion results in a valid filter', () => {
  let text = '';
  for (const expected of ['params.depth', '=', "'it''s'", 'AND', 'metrics.`val loss`', '<']) {
    const { from, choices } = completeQuery(runFilter, text, known);
    text = text.slice(0, from) + (choices.find(({ label }) => label === expected)?.insert ?? '?');
  }
  expect(parseFilter(runFilter, `${text}0.5`)).toHaveLength(2);
});
