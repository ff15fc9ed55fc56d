import { expect, test } from 'vitest';
import { comparisonOf, shadowSummarySql } from './shadow-sql.ts';

test('numbers, rows of numbers and strings are each compared by their type', () => {
  expect(
    ['float64', 'int64', 'decimal(38,0)', 'list<float64>', 'string', 'boolean', 'list<string>'].map(comparisonOf),
  ).toEqual(['number', 'number', 'number', 'list', 'word', 'word', 'word']);
});

test('the name of an output is quoted', () => {
  expect(shadowSummarySql('out_"y"', 'word')).toContain('cast(p."out_""y""" as varchar) as a');
});
