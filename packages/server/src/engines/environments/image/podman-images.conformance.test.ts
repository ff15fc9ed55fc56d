/** With the podman of the machine and an image that is made here; nothing is fetched. */
import { mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestImages, TEST_IMAGE, type TestImages } from './test-image.testing.ts';

describe('images by podman', () => {
  let world: TestImages;

  beforeAll(async () => {
    world = await startTestImages(async (files, folder) => {
      await mkdir(join(files, 'root'), { mode: 0o700 });
      await writeFile(join(files, 'root', 'model'), 'weights', { mode: 0o600 });
      // It leads out of the image, to where something would be made.
      await mkdir(join(folder, 'elsewhere'));
      await symlink(join(folder, 'elsewhere'), join(files, 'home'));
    });
  });
  afterAll(async () => await world?.end());

  test('its files are unpacked once, for everybody to read, with what the image sets', async () => {
    const { images, folder } = world;
    const spec = { type: 'image', image: TEST_IMAGE } as const;
    const lock = await images.lock(spec);
    expect(lock.text).toContain('# image localhost/dais-test');
    const built = await images.build(lock);
    expect(built).toMatchObject({ path: ['/bin'], variables: { COLOUR: 'red' }, folders: [] });
    const root = built.root ?? '';
    expect(await readFile(join(root, 'root', 'model'), 'utf8')).toBe('weights');
    expect((await stat(join(root, 'root'))).mode & 0o777).toBe(0o555);
    expect((await stat(join(root, 'home', 'step'))).isDirectory()).toBe(true);
    expect(readdirSync(join(folder, 'elsewhere'))).toEqual([]);
    expect(await images.build(await images.lock(spec))).toMatchObject({ root });
    expect(await images.list()).toHaveLength(1);
    expect(await images.evict(0)).toBe(0);
    await built.release();
  });

  test.each([
    ['localhost/other:1', /localhost\/other:1/],
    ['--privileged', /no name of an image/],
    ['ghcr.io/a/b:1', /nobody is asked/],
  ])('%s is refused', async (image, message) => {
    await expect(world.images.lock({ type: 'image', image })).rejects.toThrow(message);
  });
});
