import { expect, test } from 'vitest';
import { bool, int32, repeated, string } from './message.ts';
import { bodyJson, queryJson, requireJsonType } from './request-json.ts';

test.each([
  ['{"a":1}', { a: 1 }],
  ['', {}],
  ['{"a":', {}],
  ['null', {}],
  [JSON.stringify(JSON.stringify({ a: 1 })), { a: 1 }],
  ['"no json"', {}],
  ['{"a": NaN}', {}],
])('the body %s is read as %j', (text, json) => {
  expect(bodyJson(Buffer.from(text))).toEqual(json);
});

test.each(['[]', '5', 'true', `${'{"a":'.repeat(40)}1${'}'.repeat(40)}`])('rejects the body %s', (text) => {
  expect(() => bodyJson(Buffer.from(text))).toThrow(/^Bad Request\./);
});

test('bytes that are not UTF-8 are rejected, not stored as U+FFFD', () => {
  const body = Buffer.concat([Buffer.from('{"key":"a'), Buffer.from([0xff]), Buffer.from('"}')]);
  expect(() => bodyJson(body)).toThrow('The request body is not valid UTF-8 at byte 9.');
});

test('a list is a repeated key, a Boolean is a word', () => {
  const message = { run_ids: repeated(string), key: string, n: int32, all: bool };
  expect(queryJson(message, 'run_ids=a&run_ids=b%20c&key=x&key=y&n=5&all=TRUE&other=1')).toEqual({
    run_ids: ['a', 'b c'],
    key: 'x',
    n: '5',
    all: true,
  });
  expect(() => queryJson(message, 'all=yes')).toThrow("Invalid boolean value: yes, must be 'true' or 'false'.");
});

test('the type of a body is JSON, with any parameters', () => {
  requireJsonType('application/json; charset=utf-8');
  expect(() => requireJsonType('text/plain')).toThrow("Bad Request. Content-Type must be one of ['application/json'].");
  expect(() => requireJsonType(undefined)).toThrow('Bad Request. Content-Type header is missing.');
});
