import type { FeatureViewState } from '@dais/api/data';
import { expect, test } from 'vitest';
import { durationMs, freshness, keyValue } from './feature-words.ts';

test.each([
  ['0s', 0],
  ['250ms', 250],
  ['1h 30m', 5_400_000],
  ['10d', 864_000_000],
  ['1500us', 1.5],
  ['soon', undefined],
])('%s is %s ms', (text, ms) => expect(durationMs(text)).toBe(ms));

const now = Date.parse('2026-11-01T12:00:00Z');
const view = { online: true, source: 'dataset weather', ttl: '6h', materializedTo: '2026-11-01T07:00:00Z' };

test.each([
  [{}, 'fresh'],
  [{ materializedTo: '2026-11-01T05:59:59Z' }, 'stale'],
  [{ materializedTo: '2020-01-01T00:00:00Z', ttl: '0s' }, 'fresh'],
  [{ materializedTo: undefined }, 'never materialized'],
  [{ materializedTo: undefined, source: 'push' }, 'pushed'],
  [{ online: false }, 'not online'],
  [{ source: 'on demand' }, 'computed on read'],
])('with %j it is %s', (change, word) => {
  expect(freshness({ ...view, ...change } as FeatureViewState, now).word).toBe(word);
});

test.each([
  ['42', 'int64', 42],
  ['9007199254740993', 'int64', '9007199254740993'],
  ['2.5', 'float64', 2.5],
  ['', 'int64', ''],
  ['TRUE', 'boolean', true],
  ['042', 'string', '042'],
])('"%s" as %s is %j', (text, type, value) => expect(keyValue(text, type)).toBe(value));
