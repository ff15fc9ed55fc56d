/** Uses the podman of the machine and a local image; nothing is fetched. */
import { mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DaisError } from '@dais/api';
import { TestNet } from '#lib/outbound/outbound.testing.ts';
import { startTestImages, TEST_IMAGE, type TestImages } from './test-image.testing.ts';

describe('images by podman', () => {
  let world: TestImages;

  beforeAll(async () => {
    world = await startTestImages(async (files, folder) => {
      await mkdir(join(files, 'root'), { mode: 0o700 });
      await writeFile(join(files, 'root', 'model'), 'weights', { mode: 0o600 });
      // It points outside the image, at a path where a folder would be created.
      await mkdir(join(folder, 'elsewhere'));
      await symlink(join(folder, 'elsewhere'), join(files, 'home'));
    });
  });
  afterAll(async () => await world?.end());

  test('unpacks an image once, readable for all, with its variables', async () => {
    const { images, folder } = world;
    const spec = { type: 'image', image: TEST_IMAGE } as const;
    const lock = await images.lock(spec);
    expect(lock.text).toContain('# image localhost/dais-test');
    const built = await images.build(lock);
    expect(built).toMatchObject({ path: ['/bin'], variables: { COLOR: 'red' }, folders: [] });
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
    ['--privileged', /not a valid image name/],
    ['ghcr.io/a/b:1', /no registry is called/],
  ])('rejects %s', async (image, message) => {
    await expect(world.images.lock({ type: 'image', image })).rejects.toThrow(message);
  });
});

describe('a registry', () => {
  const net = new TestNet();
  const requests: string[] = [];
  let location = '';
  let world: TestImages;
  let image: string;
  beforeAll(async () => {
    const origin = await net.serve((request, response) => {
      requests.push(request.url ?? '');
      if (request.url === '/v2/') response.end('{}');
      else response.writeHead(307, { location }).end();
    });
    const { port } = new URL(origin);
    image = `registry.example:${port}/team/tool:1`;
    const outbound = net.client({
      allowHosts: [`127.0.0.1:${port}`],
      // Only the guard resolves the name: if podman resolved it itself, the request would not arrive here.
      resolve: async () => await Promise.resolve([{ address: '127.0.0.1', family: 4 }]),
      fail: (code, detail, cause) => new DaisError(code, detail, { cause }),
    });
    const folder = await mkdtemp(join(tmpdir(), 'dais-registry-'));
    const file = join(folder, 'registries.conf');
    await writeFile(file, `[[registry]]\nlocation = "registry.example:${port}"\ninsecure = true\n`);
    const variables = { CONTAINERS_REGISTRIES_CONF: file };
    world = await startTestImages(async () => await Promise.resolve(), { outbound, variables });
    ends.push(async () => await rm(folder, { recursive: true }));
  });
  const ends: (() => Promise<void>)[] = [];
  afterAll(async () => {
    await world?.end();
    await net.end();
    for (const end of ends) await end();
  });

  test('with an invalid response shows no byte of it', async () => {
    location = await net.serve((_, response) => response.end('Inside'));
    const locking = world.images.lock({ type: 'image', image });
    await expect(locking).rejects.toThrow('an unexpected character');
    await expect(locking).rejects.not.toThrow("'I'");
  });

  test.each(['http://169.254.169.254/latest/meta-data/', 'http://10.1.2.3/blob', 'http://inside.example/blob'])(
    'cannot redirect podman to a private address: %s',
    async (to) => {
      location = to;
      requests.length = 0;
      const locking = world.images.lock({ type: 'image', image });
      await expect(locking).rejects.toMatchObject({ code: 'address_refused' });
      await expect(locking).rejects.toThrow(`Connection to ${new URL(to).host}:80 was refused by the outbound guard`);
      expect(requests).toContain('/v2/team/tool/manifests/1');
    },
  );
});
