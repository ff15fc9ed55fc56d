import fc from 'fast-check';
import { expect, test } from 'vitest';
import { endpointHash, predictionId, readPredictionId } from './prediction-id.ts';

const locations = fc.record({
  at: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
  gateway: fc.integer({ min: 0, max: 4095 }),
  endpoint: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
});

test('an id encodes the location of its record', () => {
  fc.assert(
    fc.property(locations, fc.nat(), (position, count) => {
      const id = predictionId(position, count);
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      expect(readPredictionId(id)).toEqual(position);
    }),
  );
});

test('2^30 ids of one millisecond differ, and later ones sort later', () => {
  const position = { at: 1_800_000_000_000, gateway: 3, endpoint: endpointHash('a') };
  expect(predictionId(position, 1)).not.toBe(predictionId(position, 2 ** 30 - 1));
  expect(predictionId({ ...position, at: position.at + 1 }, 0) > predictionId(position, 2 ** 30 - 1)).toBe(true);
});

test('the hash is the published one (FNV-1a, 32 bits)', () => {
  expect(endpointHash('')).toBe(0x811c9dc5);
  expect(endpointHash('a')).toBe(0xe40c292c);
  expect(endpointHash('foobar')).toBe(0xbf9cf968);
});

test.each(['', 'x', '01890000-0000-4000-8000-000000000000'])('%j is not a prediction id', (text) => {
  expect(readPredictionId(text)).toBeUndefined();
});
