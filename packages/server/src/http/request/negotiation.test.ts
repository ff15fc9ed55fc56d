import { expect, test } from 'vitest';
import { accepts, negotiate } from '#http/request/negotiation.ts';

test.each([
  ['application/json', true],
  ['*/*', true],
  ['text/html, application/*;q=0.5', true],
  ['TEXT/HTML, Application/JSON', true],
  ['text/html', false],
  ['application/json;q=0, */*', false],
  ['*/*;q=0', false],
  ['application/problem+json', false],
])('Accept: %s', (accept, taken) => {
  expect(accepts(accept, 'application/json')).toBe(taken);
});

test('explains how to get a stream if watch=true is missing', () => {
  expect(() => negotiate('text/event-stream', 'application/json')).toThrow('add `watch=true`');
  expect(() => negotiate('application/json', 'text/event-stream')).toThrow('responds with text/event-stream');
});
