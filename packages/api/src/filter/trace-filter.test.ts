import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DaisError } from '#errors.ts';
import { parseFilter, parseOrder } from '#filter/filter-parser.ts';
import { formatFilter, type FilterClause } from '#filter/filter-tree.ts';
import { traceFilterCorpus } from '#filter/trace-filter-corpus.testing.ts';
import { traceFilter } from '#filter/trace-filter.ts';

/** Intended differences of Dais, with the reason. */
const differences = new Map<string, unknown>([
  // With a family before them, they are the same as without it.
  ["attributes.name IN ('a', 'b')", [['attribute', 'name', 'IN', ['a', 'b']]]],
  ["attributes.run_id IN ('r1', 'r2')", [['attribute', 'run_id', 'IN', ['r1', 'r2']]]],
  ["text ILIKE '%x%'", [['attribute', 'text', 'ILIKE', '%x%']]],
  // A numeric assessment matches in either notation.
  ["feedback.score > '0.5'", [['feedback', 'score', '>', '0.5']]],
  ['feedback.score = 5', [['feedback', 'score', '=', '5']]],
  // The other server takes it for the name of the trace.
  ["issue.name = 'i'", null],
  // A dropped clause would silently not filter.
  ["status = 'OK' status = 'ERROR'", null],
  // A doubled quote is one quote, as in SQL.
  ["status = 'it''s'", [['attribute', 'status', '=', "it's"]]],
  ['timestamp > 1e3', [['attribute', 'timestamp_ms', '>', 1000]]],
  // Traces can be sorted by it, so it is also a filter.
  ["experiment_id = '1'", [['attribute', 'experiment_id', '=', '1']]],
]);

const plain = (clauses: readonly FilterClause[]) =>
  clauses.map(({ family, key, operator, value }) => [family, key, operator, ...(value === undefined ? [] : [value])]);

/** Null for a rejected filter. */
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

test('every listed difference exists', () => {
  for (const [filter, clauses] of differences) {
    const [, theirs] = traceFilterCorpus.find(([one]) => one === filter) ?? [];
    expect([filter, theirs === undefined]).toEqual([filter, false]);
    expect([filter, JSON.stringify(theirs)]).not.toEqual([filter, JSON.stringify(clauses)]);
  }
});

test('a written filter is parsed back unchanged', () => {
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
