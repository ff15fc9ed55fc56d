import { expect, test } from 'vitest';
import { TypeGuesses } from './csv-guess.ts';

test.each([
  [['true', 'FALSE'], 'boolean'],
  [['1', '-2', '+3', '0'], 'int64'],
  [['9223372036854775807', '-9223372036854775808'], 'int64'],
  [['9223372036854775808'], 'float64'],
  [['1', '2.5'], 'float64'],
  [['1e5', '.5', 'NaN', '-inf'], 'float64'],
  [['007'], 'string'],
  [['1_000'], 'string'],
  [['0x10'], 'string'],
  [['2026-11-26'], 'date'],
  [['2026-11-26', '2026-11-26 10:00'], 'timestamp'],
  [['2026-11-26T10:00:00.123456+01:00', '2026-11-26 10:00:00Z'], 'timestamp'],
  [['1', '2026-11-26'], 'string'],
  [['true', '1'], 'string'],
  [[null, '5', null], 'int64'],
  [[null], 'string'],
])('%j: %s', (values, type) => {
  const guesses = new TypeGuesses(1);
  for (const value of values) guesses.see([value]);
  expect(guesses.types()).toEqual([type]);
});
