/** With the podman of the machine and an image that is made here; nothing is fetched. */
import { mkdir, mkdtemp, readFile, rm, symlink, copyFile, chmod, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { silentLog } from '#lib/log.ts';
import { run } from '#lib/process.ts';
import type { Environments } from '../contract.ts';
import { openPodmanImages } from './podman-images.ts';

const PATH = process.env['PATH'] ?? '';
const hasPodman = (await run('podman', ['--version'], { env: { PATH } })).code === 0;

describe.skipIf(!hasPodman)('images by podman', () => {
  let folder: string;
  let images: Environments;
  const global: string[] = [];
  const podman = async (...args: string[]) => {
    const answer = await run('podman', [...global, ...args], { env: { PATH, HOME: folder } });
    if (answer.code !== 0) throw new Error(answer.stderr);
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dais-images-'));
    global.push('--root', join(folder, 'store'), '--runroot', join(folder, 'run'), '--storage-driver', 'vfs');
    const files = join(folder, 'files');
    await mkdir(join(files, 'bin'), { recursive: true });
    await mkdir(join(files, 'root'), { mode: 0o700 });
    await writeFile(join(files, 'root', 'model'), 'weights', { mode: 0o600 });
    await writeFile(join(files, 'bin', 'tool'), '#!/bin/sh\n', { mode: 0o755 });
    // It leads out of the image, to where something would be made.
    await symlink(join(folder, 'elsewhere'), join(files, 'home'));
    await mkdir(join(folder, 'elsewhere'));
    await run('tar', ['-C', files, '-cf', join(folder, 'image.tar'), '.'], { env: { PATH } });
    await podman('import', '--change', 'ENV=PATH=/bin', '--change', 'ENV=COLOUR=red', join(folder, 'image.tar'), 'localhost/own:1');
    images = openPodmanImages({
      folder: join(folder, 'images'),
      maxBytes: 2 ** 30,
      outbound: { checkHost: () => Promise.reject(new Error('nobody is asked')) },
      environment: { PATH, HOME: folder },
      now: () => Date.now(),
      log: silentLog,
      global,
    });
  });
  afterAll(async () => {
    await run('chmod', ['-R', 'u+w', folder], { env: { PATH } });
    await rm(folder, { recursive: true, force: true });
  });

  test('its files are unpacked once, for everybody to read, with what the image sets', async () => {
    const spec = { type: 'image', image: 'localhost/own:1' } as const;
    const lock = await images.lock(spec);
    expect(lock.text).toContain('# image localhost/own');
    const built = await images.build(lock);
    expect(built).toMatchObject({ path: ['/bin'], variables: { COLOUR: 'red' }, folders: [] });
    const root = built.root ?? '';
    expect(await readFile(join(root, 'root', 'model'), 'utf8')).toBe('weights');
    expect((await stat(join(root, 'root'))).mode & 0o777).toBe(0o555);
    expect((await stat(join(root, 'home', 'step'))).isDirectory()).toBe(true);
    expect(await run('ls', [join(folder, 'elsewhere')], { env: { PATH } })).toMatchObject({ stdout: Buffer.alloc(0) });
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
    await expect(images.lock({ type: 'image', image })).rejects.toThrow(message);
  });
});
