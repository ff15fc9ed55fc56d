import { expect, test } from 'vitest';
import { fetchesVersions } from './go.mjs';

test.each([
  ['go version go1.19.8 linux/amd64', false],
  ['go version go1.21.0 linux/amd64', true],
  ['go version go1.26.8 linux/arm64', true],
  ['go version go2.0 linux/amd64', true],
  ['go version devel +abc', false],
])('%s: fetches other versions? %s', (text, expected) => {
  expect(fetchesVersions(text)).toBe(expected);
});
