import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DaisError } from '#errors.ts';
import { filterCorpus } from '#filter/filter-corpus.testing.ts';
import {
  experimentFilter,
  loggedModelFilter,
  modelVersionFilter,
  registeredModelFilter,
  runFilter,
} from '#filter/filter-entities.ts';
import type { FilterEntity } from '#filter/filter-entity.ts';
import { parseFilter, parseOrder } from '#filter/filter-parser.ts';
import { formatFilter, type FilterClause } from '#filter/filter-tree.ts';

const entities = {
  run: runFilter,
  experiment: experimentFilter,
  model: registeredModelFilter,
  modelVersion: modelVersionFilter,
  loggedModel: loggedModelFilter,
} as const;

/** Intended differences of Dais, with the reason. */
const differences = new Map([
  // A dropped clause would silently not filter.
  ['metrics.m > 1 and', null],
  ['and metrics.m > 1', null],
  ['metrics.m > 1 and and metrics.n > 1', null],
  ['metrics.m > 1 metrics.n > 1', null],
  // Python would join both.
  ["run_id IN ('a' 'b')", null],
  ["run_id = ('a')", null],
  // A key is one token.
  ['metrics. m > 1', null],
  // A doubled quote is one quote, as in SQL: otherwise text with both kinds of quotes could not be searched.
  ["params.p = 'it''s'", [['parameter', 'p', '=', "it's"]]],
  ["tags.`a``b` = 'x'", [['tag', 'a`b', '=', 'x']]],
  // A backslash is a normal character, and the quote after it ends the text.
  [String.raw`params.p = 'a\'b'`, null],
  // Not numbers to the lexer of the other server, although the meaning is clear.
  ['metrics.m = 1E+3', [['metric', 'm', '=', 1000]]],
  ['metrics.m = +5', [['metric', 'm', '=', 5]]],
  // Names of metrics contain dashes, slashes and digits.
  ['metrics.a-b > 1', [['metric', 'a-b', '>', 1]]],
  ['metrics.a/b > 1', [['metric', 'a/b', '>', 1]]],
  ['metrics.5 > 1', [['metric', '5', '>', 1]]],
  // No key is a keyword.
  ["tags.from = 'x'", [['tag', 'from', '=', 'x']]],
  // More than one space between two words.
  ['params.p IS  NOT  NULL', [['parameter', 'p', 'IS NOT NULL']]],
  // One grammar for all records: filters of runs, experiments and versions are also valid for models.
  ["attributes.name = 'x'", [['attribute', 'name', '=', 'x']]],
  ["attribute.name = 'x'", [['attribute', 'name', '=', 'x']]],
  ['creation_timestamp > 5', [['attribute', 'creation_timestamp', '>', 5]]],
  ['last_update_time > 5', [['attribute', 'last_updated_timestamp', '>', 5]]],
  ['creation_time > 5', [['attribute', 'creation_timestamp', '>', 5]]],
  ["version_number = '5'", [['attribute', 'version_number', '=', 5]]],
  // Double quotes are also quotes for logged models.
  ['name = "x"', [['attribute', 'name', '=', 'x']]],
  // Rejected when the query runs.
  ["status LIKE 'R%'", null],
  // There is no such attribute.
  ["foo = 'x'", null],
  ["artifact_location = 'x'", null],
]);
/** The same text has another meaning for these. */
const asWritten = new Set(['experiment creation_time > 5', 'run name = "x"', "run status LIKE 'R%'"]);

const plain = (clauses: readonly FilterClause[]) =>
  clauses.map(({ family, key, operator, value }) => {
    const shown = value === Infinity ? 'Infinity' : value;
    return [family, key, operator, ...(shown === undefined ? [] : [shown])];
  });

const errorOf = (work: () => unknown): DaisError => {
  try {
    work();
  } catch (error) {
    if (error instanceof DaisError) return error;
    throw error;
  }
  throw new Error('not refused');
};

const names = ['run', 'experiment', 'model', 'modelVersion', 'loggedModel'] as const;

/** Null for a rejected filter. */
const outcome = (entity: FilterEntity, filter: string) => {
  try {
    return plain(parseFilter(entity, filter));
  } catch (error) {
    if (error instanceof DaisError && error.code === 'invalid_request') return null;
    throw error;
  }
};

describe.each(names)('filters of %s', (name) => {
  const rows = filterCorpus[name] ?? [];
  test.each(rows.map(([filter, clauses]) => ({ filter, clauses })))('$filter', ({ filter, clauses }) => {
    const differs = differences.has(filter) && !asWritten.has(`${name} ${filter}`);
    const expected = differs ? differences.get(filter) : clauses;
    expect(outcome(entities[name], filter)).toEqual(expected);
  });
});

test('every listed difference exists', () => {
  const all = new Map(Object.values(filterCorpus).flatMap((rows) => rows.map((row) => [row[0], row[1]] as const)));
  for (const [filter, clauses] of differences) {
    expect([filter, all.has(filter)]).toEqual([filter, true]);
    const same = Object.values(filterCorpus).flatMap((rows) => rows.filter((row) => row[0] === filter));
    expect([filter, same.every((row) => JSON.stringify(row[1]) === JSON.stringify(clauses))]).toEqual([filter, false]);
  }
});

describe('messages match those that clients expect', () => {
  test.each([
    ["metrics.m > '0.5'", "Expected numeric value type for metric. Found '0.5'"],
    ['params.p = 1', "Expected a quoted string value for parameter (e.g. 'my-value'). Got value 1"],
    ["params.p = '1' OR params.p='2'", "Invalid clause(s) in filter string: 'OR'"],
    ['metrics.m IS NULL', "IS NULL / IS NOT NULL is only supported for tags and params, not for 'metric' 'm'"],
    [
      "foo.bar = 'x'",
      "Invalid entity type 'foo'. Valid values are ['metric', 'parameter', 'tag', 'attribute', 'dataset']",
    ],
    ["not params.p = '1'", "Invalid clause(s) in filter string: 'not'"],
    ["params.p = '1' and (params.q = '2')", "Invalid clause(s) in filter string: '(params.q = '2')'"],
    ['metrics.m >', "Invalid clause(s) in filter string: 'metrics.m >'"],
    ["status IN ('FINISHED')", "Only ['run_id'] attributes support comparison with a list of quoted string values."],
    ["start_time = '1'", "Expected numeric value type for numeric attribute: start_time. Found '1'"],
    [
      'run_id IN ()',
      'While parsing a list in the query, expected a non-empty list of string values, but got empty list',
    ],
    ['datasets.name = 1', 'Expected a quoted string value for dataset attributes. Got value 1'],
    ['status = 1', 'Expected a quoted string value for attributes. Got value 1'],
    ["params.p > '1'", "Invalid comparator '>' not one of '=', '!=', 'LIKE', 'ILIKE'"],
  ])('%s', (filter, message) => {
    expect(errorOf(() => parseFilter(runFilter, filter)).message).toBe(message);
  });

  test.each([
    [['metrics.m', 'metrics.m'], "`order_by` contains duplicate fields: ['metrics.m', 'metrics.m']"],
    [
      ['metrics.m', 'created', 'start_time'],
      "`order_by` contains duplicate fields: ['metrics.m', 'created', 'start_time']",
    ],
    [['metrics.m DESCENDING'], "Invalid ordering key in order_by clause 'metrics.m DESCENDING'."],
    [['metrics.m, metrics.n'], "Invalid order_by clause 'metrics.m, metrics.n'. Could not be parsed."],
    [[''], "Invalid order_by clause ''. Could not be parsed."],
    [['datasets.name'], "Invalid identifier type 'dataset'"],
  ])('order %j', (order, message) => {
    expect(errorOf(() => parseOrder(runFilter, order)).message).toBe(message);
  });
});

describe('an error has its position and the expected text', () => {
  test.each([
    ["status = 'x' OR a", { column: 14, length: 2, expected: 'AND' }],
    ['metrics.m >', { column: 1, length: 11, expected: 'a value' }],
    ["status = 'x'\nand  statsu = 'y'", { line: 2, column: 6, length: 6, nearest: 'status' }],
    ["metric.m > 1 and tgas.x = 'y'", { column: 18, length: 6, nearest: 'tags' }],
    ['metrics.m > 1 and', { column: 18, length: 0, expected: 'a comparison' }],
    ["params.a >= 'x'", { column: 10, length: 2, expected: 'one of =, !=, LIKE, ILIKE' }],
    ["status = 'never ends", { column: 1, length: 20, expected: 'a value' }],
    ["run_id IN ('a', 5)", { column: 17, length: 1 }],
  ])('%j', (filter, issue) => {
    expect(errorOf(() => parseFilter(runFilter, filter)).issues).toEqual([
      expect.objectContaining({ path: 'filter', ...issue }),
    ]);
  });

  test('an error of an order has its index in the list', () => {
    const { issues, message } = errorOf(() => parseOrder(runFilter, ['metrics.m', 'foo']));
    expect(message).toContain("Invalid attribute key 'foo' specified. Valid keys are ");
    expect(issues).toEqual([expect.objectContaining({ path: 'orderBy[1]', line: 1, column: 1, length: 3 })]);
  });
});

test('a filter with too many comparisons is rejected', () => {
  const clauses = (n: number) => Array.from({ length: n }, () => 'metrics.m > 1').join(' and ');
  expect(parseFilter(runFilter, clauses(50))).toHaveLength(50);
  expect(errorOf(() => parseFilter(runFilter, clauses(51))).message).toBe('The filter has more than 50 comparisons.');
});

test('a pattern that is too long is rejected, a value of that length is not', () => {
  const long = 'x'.repeat(1001);
  expect(errorOf(() => parseFilter(runFilter, `params.p LIKE '${long}'`)).message).toBe(
    'The pattern is longer than 1000 characters.',
  );
  expect(parseFilter(runFilter, `params.p = '${long}'`)).toHaveLength(1);
  expect(parseFilter(runFilter, `params.p ILIKE '${long.slice(1)}'`)).toHaveLength(1);
});

test('orders', () => {
  const order = ['metrics.m DESC', 'params.p', 'tags."a.b c" desc', 'attributes.end_time asc', '`Created`'];
  expect(parseOrder(runFilter, order).map(({ family, key, ascending }) => [family, key, ascending])).toEqual([
    ['metric', 'm', false],
    ['parameter', 'p', true],
    ['tag', 'a.b c', false],
    ['attribute', 'end_time', true],
    ['attribute', 'start_time', true],
  ]);
});

const anyClause = (entity: FilterEntity): fc.Arbitrary<Omit<FilterClause, 'span'>> =>
  fc.constantFrom(...entity.families).chain((family) => {
    const keys = family.keys ?? [{ name: undefined, value: family.value! }];
    return fc.constantFrom(...keys).chain(({ name, value }) =>
      fc.constantFrom(...value.operators).chain((operator) => {
        const text = fc.string({ unit: 'grapheme', maxLength: 12 });
        const whole = 'whole' in value && value.whole === true;
        const number = whole ? fc.maxSafeInteger() : fc.double({ noNaN: true });
        const one = value.type === 'number' ? number : text;
        const values = operator.endsWith('IN') ? fc.array(text, { minLength: 1, maxLength: 4 }) : one;
        const named = name === undefined ? fc.string({ unit: 'grapheme', maxLength: 12 }) : fc.constant(name);
        return fc.record({
          family: fc.constant(family.name),
          key: named,
          operator: fc.constant(operator),
          ...(!operator.startsWith('IS') && { value: values }),
        });
      }),
    );
  });

test.each(Object.entries(entities))('written filters are parsed back: %s', (_name, entity) => {
  fc.assert(
    fc.property(fc.array(anyClause(entity), { maxLength: 6 }), (clauses) => {
      const read = parseFilter(entity, formatFilter(entity, clauses));
      expect(read).toEqual(clauses.map((clause) => ({ ...clause, span: expect.anything() })));
    }),
  );
});

/** Position of the error, or the start if the text has none. */
const issueOf = (text: string) => {
  try {
    parseFilter(runFilter, text);
  } catch (error) {
    if (!(error instanceof DaisError)) throw error;
    return { line: 0, column: Infinity, ...error.issues?.[0] };
  }
  return { line: 1, column: 1 };
};

test('any text is parsed or rejected with a position inside it', () => {
  const words = [
    'metrics',
    'params.p',
    '.',
    '`',
    "'",
    '"',
    '(',
    ')',
    ',',
    ' ',
    '=',
    '>',
    "'x'",
    '1',
    '-',
    ';',
    '\n',
    '\\',
  ];
  const word = fc.constantFrom(...words, 'AND', 'IS', 'NOT', 'NULL', 'IN', 'LIKE', 'é', '💥');
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(word).map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(text, (filter) => {
      const issue = issueOf(filter);
      const line = filter.split('\n')[issue.line - 1] ?? '';
      expect(line.length).toBeGreaterThanOrEqual(issue.column - 1);
    }),
  );
});

test('parse time is linear in the length of the text', () => {
  const hostile = [
    "'a''".repeat(16_000),
    '`'.repeat(65_000),
    '1'.repeat(65_000),
    'a.'.repeat(32_000),
    '('.repeat(65_000),
  ];
  const before = process.cpuUsage();
  expect(hostile.map((filter) => outcome(runFilter, filter))).toEqual(hostile.map(() => null));
  const { user } = process.cpuUsage(before);
  // 5 times 64 KB take some 10 ms; quadratic time would be seconds.
  expect(user).toBeLessThan(1_500_000);
});
