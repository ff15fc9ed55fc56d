import { afterAll, beforeAll, expect, test } from 'vitest';
import { killRepeatedly } from '#kernel/content/content-crashes.testing.ts';
import { openContentWorld, type ContentWorld } from '#kernel/content/content.testing.ts';

let world: ContentWorld;
beforeAll(async () => {
  world = await openContentWorld();
});
afterAll(async () => await world.end());

test('the same, eighty times', async () => {
  await expect(killRepeatedly(world, 80, Math.random)).resolves.toBeUndefined();
});
