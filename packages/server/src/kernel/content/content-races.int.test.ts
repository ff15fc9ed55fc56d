import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openContentWorld, type ContentWorld } from '#kernel/content/content.testing.ts';
import { contentRaces } from '#kernel/content/races.testing.ts';

let world: ContentWorld;
beforeAll(async () => {
  world = await openContentWorld();
});
afterAll(async () => await world.end());

test('with any concurrency, no held content is lost, all garbage is collected, and no quota is exceeded', async () => {
  await expect(fc.assert(contentRaces(world), { numRuns: 20, endOnFailure: true })).resolves.toBeUndefined();
});
