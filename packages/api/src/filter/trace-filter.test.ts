import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DaisError } from '#errors.ts';
import { parseFilter, parseOrder } from '#filter/filter-parser.ts';
import { formatFilter, type FilterClause } from '#filter/filter-tree.ts';
import { traceFilterCorpus } from '#filter/trace-filter-corpus.testing.ts';
import { traceFilter } from '#filter/trace-filter.ts';

/** Where Dais means to differ, and why. */
const differences = new Map<string, unknown>([
  // With a word before them, they are what they are without it.
  ["attributes.name IN ('a', 'b')", [['attribute', 'name', 'IN', ['a', 'b']]]],
  ["attributes.run_id IN ('r1', 'r2')", [['attribute', 'run_id', 'IN', ['r1', 'r2']]]],
  ["text ILIKE '%x%'", [['attribute', 'text', 'ILIKE', '%x%']]],
  // A judgment that is a number is meant, whichever way it is written.
  ["feedback.score > '0.5'", [['feedback', 'score', '>', '0.5']]],
  ['feedback.score = 5', [['feedback', 'score', '=', '5']]],
  // Taken there for the name of the trace.
  ["issue.name = 'i'", null],
  // A clause that was forgotten would silently not filter.
  ["status = 'OK' status = 'ERROR'", null],
  // A doubled quote is one quote, as in SQL.
  ["status = 'it''s'", [['attribute', 'status', '=', "it's"]]],
  ['timestamp > 1e3', [['attribute', 'timestamp_ms', '>', 1000]]],
  // Traces can be ordered by it, and so found.
  ["experiment_id = '1'", [['attribute', 'experiment_id', '=', '1']]],
]);

const plain = (clauses: readonly FilterClause[]) =>
  clauses.map(({ family, key, operator, value }) => [family, key, operator, ...(value === undefined ? [] : [value])]);

/** Null when it is refused. */
const outcome = (filter: string) => {
  try {
    return plain(parseFilter(traceFilter, filter));
  } catch (error) {
    if (error instanceof DaisError && error.code === 'invalid_request') return null;
    throw error;
  }
};
const asWritten = (value: unknown) =>
  JSON.parse(JSON.stringify(value, (_, one: unknown) => (typeof one === 'number' ? String(one) : one))) as unknown;

test.each(traceFilterCorpus.map(([filter, clauses]) => ({ filter, clauses })))('$filter', ({ filter, clauses }) => {
  const expected = differences.has(filter) ? differences.get(filter) : clauses;
  expect(asWritten(outcome(filter))).toEqual(asWritten(expected));
});

test('every difference is one', () => {
  for (const [filter, clauses] of differences) {
    const [, theirs] = traceFilterCorpus.find(([one]) => one === filter) ?? [];
    expect([filter, theirs === undefined]).toEqual([filter, false]);
    expect([filter, JSON.stringify(theirs)]).not.toEqual([filter, JSON.stringify(clauses)]);
  }
});

test('a filter is written so that it reads the same', () => {
  const key = fc.string({ minLength: 1, unit: 'grapheme' });
  const value = fc.string({ unit: 'grapheme' });
  const clause = fc.oneof(
    fc.record({
      family: fc.constantFrom('tag', 'request_metadata', 'span attribute'),
      key,
      operator: fc.constantFrom('=', '!=', 'LIKE', 'RLIKE'),
      value,
    }),
    fc.record({
      family: fc.constantFrom('feedback', 'expectation'),
      key,
      operator: fc.constantFrom('=', 'ILIKE'),
      value,
    }),
    fc.record({
      family: fc.constant('span'),
      key: fc.constantFrom('name', 'type', 'status'),
      operator: fc.constantFrom('IN', 'NOT IN'),
      value: fc.array(value, { minLength: 1, maxLength: 3 }),
    }),
    fc.record({
      family: fc.constant('attribute'),
      key: fc.constant('timestamp_ms'),
      operator: fc.constantFrom('<', '>='),
      value: fc.integer(),
    }),
  );
  fc.assert(
    fc.property(fc.array(clause, { maxLength: 5 }), (clauses) => {
      const text = formatFilter(traceFilter, clauses);
      expect(plain(parseFilter(traceFilter, text))).toEqual(plain(clauses as FilterClause[]));
    }),
  );
});

test('orders', () => {
  expect(parseOrder(traceFilter, ['timestamp DESC', 'tags.`a b`', 'metadata.k ASC'])).toEqual([
    { family: 'attribute', key: 'timestamp_ms', ascending: false },
    { family: 'tag', key: 'a b', ascending: true },
    { family: 'request_metadata', key: 'k', ascending: true },
  ]);
  for (const text of ['span.name', 'feedback.score', 'none']) {
    expect(() => parseOrder(traceFilter, [text])).toThrow(DaisError);
  }
});
