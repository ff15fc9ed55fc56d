import { expect, test } from 'vitest';
import { atMost, bool, double, enumeration, int32, int64, nested, repeated, required, string } from './message.ts';
import { parseMessage } from './parse.ts';

const message = {
  name: required(string),
  count: int32,
  at: int64,
  value: double,
  flag: bool,
  status: enumeration(['RUNNING', 'SCHEDULED', 'FINISHED']),
  ids: repeated(string),
  items: repeated(nested({ key: required(string), value: double })),
  run_id: string,
  run_uuid: string,
};
const SEE = ' See the API docs for more information about request parameters.';

const report = (json: Record<string, unknown>) => {
  try {
    parseMessage(message, json);
  } catch (error) {
    return (error as Error).message;
  }
  return '';
};

test('a required enum with an unknown name is missing', () => {
  const kind = { kind: required(enumeration(['A', 'B'])) };
  expect(parseMessage(kind, { kind: 'B' })).toEqual({ kind: 'B' });
  expect(() => parseMessage(kind, { kind: 'C' })).toThrow("Missing value for required parameter 'kind'.");
});

test('unknown fields are ignored; null counts as absent', () => {
  expect(parseMessage(message, { name: 'a', unknown: 1, count: null, status: 'NONE', ids: null })).toEqual({
    name: 'a',
  });
});

test.each([
  [{ count: 5 }, { count: 5 }],
  [{ count: '5' }, { count: 5 }],
  [{ count: 5.0 }, { count: 5 }],
  [{ count: '1e+05' }, { count: 100_000 }],
  [{ at: '1.7955e+12' }, { at: 1_795_500_000_000 }],
  [{ flag: 'TRUE' }, { flag: true }],
  [{ flag: 'FALSE' }, { flag: false }],
  [{ at: '-9007199254740991' }, { at: -9_007_199_254_740_991 }],
  [{ value: true }, { value: 1 }],
  [{ value: '1e3' }, { value: 1000 }],
  [{ value: 'NaN' }, { value: Number.NaN }],
  [{ value: '-Infinity' }, { value: -Infinity }],
  [{ value: 'Infinity' }, { value: Infinity }],
  [{ value: -0 }, { value: -0 }],
  [{ status: 3 }, { status: 'FINISHED' }],
  [{ status: '2' }, { status: 'SCHEDULED' }],
  [{ status: 99 }, {}],
  [{ runId: 'r' }, { run_id: 'r' }],
  [{ run_uuid: 'r' }, { run_id: 'r', run_uuid: 'r' }],
  [{ ids: [] }, { ids: [] }],
])('%j is read as %j', (json, read) => {
  expect(parseMessage(message, { name: 'a', ...json })).toEqual({ name: 'a', ...read });
});

test.each([
  [{}, `Missing value for required parameter 'name'.${SEE}`],
  [{ name: '' }, `Missing value for required parameter 'name'.${SEE}`],
  [{ name: null }, `Missing value for required parameter 'name'.${SEE}`],
  [{ name: 5 }, `Invalid value 5 for parameter 'name' supplied:  Hint: Value was of type 'int'.${SEE}`],
  [
    { name: { b: 1, a: 'é' } },
    `Invalid value {"a":"\\u00e9","b":1} for parameter 'name' supplied:  Hint: Value was of type 'dict'.${SEE}`,
  ],
  [
    { name: 'a', value: 'abc' },
    `Invalid value "abc" for parameter 'value' supplied:  Hint: Value was of type 'str'.${SEE}`,
  ],
  [
    { name: 'a', count: 1.5 },
    `Invalid value 1.5 for parameter 'count' supplied:  Hint: Value was of type 'float'.${SEE}`,
  ],
  [
    { name: 'a', count: true },
    `Invalid value true for parameter 'count' supplied:  Hint: Value was of type 'bool'.${SEE}`,
  ],
  [
    { name: 'a', count: ' 1' },
    `Invalid value " 1" for parameter 'count' supplied:  Hint: Value was of type 'str'.${SEE}`,
  ],
  [
    { name: 'a', count: '1.5e+00' },
    `Invalid value "1.5e+00" for parameter 'count' supplied:  Hint: Value was of type 'str'.${SEE}`,
  ],
  [
    { name: 'a', flag: 'true' },
    `Invalid value "true" for parameter 'flag' supplied:  Hint: Value was of type 'str'.${SEE}`,
  ],
  [{ name: 'a', ids: 'b' }, `Invalid value "b" for parameter 'ids' supplied:  Hint: Value was of type 'str'.${SEE}`],
  [
    { name: 'a', ids: ['b', 5] },
    `Invalid value 5 for parameter 'ids[1]' supplied:  Hint: Value was of type 'int'.${SEE}`,
  ],
  [{ name: 'a', items: [{ key: 'k' }, {}] }, `Missing value for required parameter 'items[1].key'.${SEE}`],
  [
    { name: 'a', items: [{ key: 'k', value: [] }] },
    `Invalid value [] for parameter 'items[0].value' supplied:  Hint: Value was of type 'list'.${SEE}`,
  ],
  [{ name: 'a', run_id: 'x', runId: 'y' }, "Request specifies both 'run_id' and 'runId'; provide only one of them."],
])('rejects %j with a message of MLflow', (json, text) => {
  expect(report(json)).toBe(text);
});

test('rejects integers beyond the exact range of JSON, as numbers and as text', () => {
  for (const at of [9_007_199_254_740_992, '9223372036854775807']) {
    expect(report({ name: 'a', at })).toContain('Integers are limited to 9007199254740991');
  }
});

test('a number beyond the limit of its field counts as a wrong value', () => {
  expect(() => parseMessage({ max_results: atMost(int32, 50_000) }, { max_results: 50_001 })).toThrow(
    `Invalid value 50001 for parameter 'max_results' supplied:  Hint: Value was of type 'int'.${SEE}`,
  );
});
