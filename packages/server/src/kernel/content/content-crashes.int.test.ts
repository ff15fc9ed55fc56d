import { afterAll, beforeAll, expect, test } from 'vitest';
import { killRepeatedly } from '#kernel/content/content-crashes.testing.ts';
import { openContentWorld, type ContentWorld } from '#kernel/content/content.testing.ts';

let world: ContentWorld;
beforeAll(async () => {
  world = await openContentWorld();
});
afterAll(async () => await world.end());

test('a process killed at any moment loses no acknowledged content and leaves no permanent garbage', async () => {
  await expect(killRepeatedly(world, 6, Math.random)).resolves.toBeUndefined();
});
