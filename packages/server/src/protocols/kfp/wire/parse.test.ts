import { describe, expect, test } from 'vitest';
import { parseFilter } from './filter.ts';
import { nextPage, readList } from './list-request.ts';
import { bool, enumeration, int32, int64, nested, string, struct, texts, time, outputOnly } from './message.ts';
import { bodyJson, parseMessage, queryJson } from './parse.ts';
import { parseTime, showTime } from './time.ts';

const message = {
  display_name: string,
  page_size: int32,
  max_concurrency: int64,
  no_catchup: bool,
  start_time: time,
  pipeline_spec: struct,
  tags: texts,
  mode: enumeration({ UNSPECIFIED: 0, ENABLE: 1 }),
  runtime_config: nested({ pipeline_root: string }),
  created_at: outputOnly,
};

describe('messages', () => {
  test.each([
    [{ display_name: 'a', displayName: undefined }, { display_name: 'a' }],
    [{ displayName: 'a' }, { display_name: 'a' }],
    [{ display_name: null }, {}],
    [
      { page_size: '12', max_concurrency: '9007199254740991' },
      { page_size: 12, max_concurrency: 9007199254740991 },
    ],
    [{ mode: 1 }, { mode: 'ENABLE' }],
    [{ start_time: '2026-01-31T08:00:00.5+02:00' }, { start_time: Date.UTC(2026, 0, 31, 6, 0, 0, 500) }],
    [{ runtimeConfig: { pipelineRoot: 'r' } }, { runtime_config: { pipeline_root: 'r' } }],
    [{ created_at: 'whatever' }, {}],
  ])('%j is %j', (sent, expected) => {
    expect(parseMessage(message, sent)).toEqual(expected);
  });

  test.each([
    [{ nope: 1 }, 'nope: unknown field'],
    [{ page_size: 2 ** 31 }, 'page_size'],
    [{ page_size: 1.5 }, 'page_size'],
    [{ max_concurrency: '9007199254740993' }, 'max_concurrency'],
    [{ no_catchup: 'true' }, 'a boolean'],
    [{ mode: 'OTHER' }, 'one of UNSPECIFIED, ENABLE'],
    [{ tags: { a: 1 } }, 'an object with string values'],
    [{ runtime_config: { root: 1 } }, 'runtime_config.root: unknown field'],
    [{ start_time: '2026-02-30T00:00:00Z' }, 'a time'],
  ])('%j is rejected', (sent, expected) => {
    expect(() => parseMessage(message, sent)).toThrow(expected);
  });

  test('all errors are reported together', () => {
    expect(() => parseMessage(message, { nope: 1, page_size: 'x' })).toThrow(/nope.*; page_size/);
  });
});

test('a query string has the fields of the message, and other parameters are ignored', () => {
  expect(queryJson(message, 'displayName=a+b&no_catchup=True&else=1')).toEqual({
    display_name: 'a b',
    no_catchup: true,
  });
  expect(() => queryJson(message, 'display_name=a&displayName=b')).toThrow('given 2 times');
});

test.each([
  ['{"a":"\\u0000"}', 'NUL'],
  ['{"\\ud800":1}', 'an unpaired surrogate'],
  [`${'{"a":'.repeat(200)}1${'}'.repeat(200)}`, 'nested deeper'],
  ['"text"', 'not a JSON object'],
])('the body %.30s is rejected', (text, expected) => {
  expect(() => bodyJson(Buffer.from(text))).toThrow(expected);
});

test('times are formatted as they are parsed', () => {
  for (const text of ['1970-01-01T00:00:00Z', '2026-02-28T23:59:59.123Z', '0001-01-01T00:00:00Z']) {
    expect(showTime(parseTime(text) ?? NaN)).toBe(text);
  }
});

test('a page token contains the order and the filter', () => {
  const filter = JSON.stringify({ predicates: [{ operation: 1, key: 'name', stringValue: 'a' }] });
  const { next_page_token: token = '' } = nextPage('cursor', { sort_by: 'name desc', filter });
  expect(readList({ page_token: token })).toEqual({
    predicates: parseFilter(filter),
    sortBy: { field: 'name', descending: true },
    limit: 20,
    cursor: 'cursor',
  });
  expect(nextPage('other', { page_token: token }).next_page_token).not.toBe(token);
  expect(nextPage(undefined, {})).toEqual({});
});
