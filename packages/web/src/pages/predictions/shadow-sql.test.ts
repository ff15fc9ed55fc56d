import { expect, test } from 'vitest';
import { comparisonOf, shadowSummarySql } from './shadow-sql.ts';

test('numbers, rows of numbers and words are compared each in their way', () => {
  expect(
    ['float64', 'int64', 'decimal(38,0)', 'list<float64>', 'string', 'boolean', 'list<string>'].map(comparisonOf),
  ).toEqual(['number', 'number', 'number', 'list', 'word', 'word', 'word']);
});

test('the name of an output stays a name', () => {
  expect(shadowSummarySql('out_"y"', 'word')).toContain('cast(p."out_""y""" as varchar) as a');
});
