import { expect, test } from 'vitest';
import {
  experimentNumber,
  requireArtifactLocation,
  requireKey,
  requireLength,
  requireUniqueParams,
  runName,
  safePath,
} from './limits.ts';

test.each(['a', 'a/b', 'a b', 'a:b', 'ä_1.2-3', '日本', '..a'.slice(2), 'a..b'])('%s is a key', (key) => {
  expect(() => requireKey(key, 'name')).not.toThrow();
});

test.each([
  [
    'a/../b',
    `Invalid value "a/../b" for parameter 'name' supplied: Names may be treated as files in certain cases, and must not resolve to other names when treated as such. This name would resolve to 'b'`,
  ],
  [
    'a@b',
    `Invalid value "a@b" for parameter 'name' supplied: Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/).`,
  ],
  ['/a', `This name would resolve to '/a'`],
  ['a/', `This name would resolve to 'a'`],
  ['a//b', `This name would resolve to 'a/b'`],
  ['.', `This name would resolve to '.'`],
  ['../a', `This name would resolve to '../a'`],
])('%s is no key', (key, text) => {
  expect(() => requireKey(key, 'name')).toThrow(text);
});

test.each(['', 'abc', '\u{1F600}\u{1F600}\u{1F600}', undefined])('%j has at most 3 characters', (value) => {
  expect(() => requireLength('name', 3, value)).not.toThrow();
});

test('a text with one character too many is rejected', () => {
  expect(() => requireLength('name', 3, 'abcd')).toThrow("'name' exceeds the maximum length of 3 characters");
});

test.each([
  ['7', '7'],
  ['007', '7'],
  ['0', '0'],
])('the experiment %s has the number %s', (given, number) => {
  expect(experimentNumber(given)).toBe(number);
});

test.each(['abc', '-1', '1.5', '', '1'.repeat(19)])('there is no experiment %j', (given) => {
  expect(() => experimentNumber(given)).toThrow(
    `Invalid experiment ID '${given}'. Experiment ID must be a valid integer.`,
  );
});

test.each(['', '-a', 'a b', 'a'.repeat(257)])('no run has the id %j', (id) => {
  expect(() => runName(id)).toThrow(`Invalid value ${JSON.stringify(id)} for parameter 'run_id' supplied.`);
});

test.each([
  ['s3://bucket/a#b', "'artifact_location' URL can't include fragments or params."],
  ['s3://bucket/a;b', "'artifact_location' URL can't include fragments or params."],
  ['s3://bucket/a?b=../c', 'Invalid query string'],
  ['s3://bucket/a?b=%252e%252e', 'Invalid query string'],
  ['runs:/1', "Artifact location cannot be a runs:/ URI. Given: 'runs:/1'"],
  ['a'.repeat(2049), 'The length of the artifact path cannot be greater than 2048 characters.'],
])('rejects the artifact location %s', (location, text) => {
  expect(() => requireArtifactLocation(location)).toThrow(text);
});

test('parameters come once in a batch', () => {
  expect(() => requireUniqueParams([{ key: 'a' }, { key: 'b' }, { key: 'a' }])).toThrow(
    "Duplicate parameter keys have been submitted: ['a']. Please ensure the request contains only one param value per param key.",
  );
});

test.each([
  ['a/b.txt', 'a/b.txt'],
  ['a%20b', 'a b'],
  ['a%2520b', 'a b'],
  ['./a//b/', 'a/b'],
  ['100%', '100%'],
])('the path %s is %s', (path, safe) => {
  expect(safePath(path)).toBe(safe);
});

test.each([
  '..',
  '../a',
  'a/../b',
  '%2e%2e/a',
  '%252e%252e%252fa',
  '/etc/passwd',
  '%2fetc',
  'C:\\a',
  'a\\..\\b',
  'file:///etc/passwd',
  'a#b',
  'a\u0000b',
  'a%00b',
  'a\nb',
])('the path %j leads elsewhere', (path) => {
  expect(() => safePath(path)).toThrow('Invalid path');
});
