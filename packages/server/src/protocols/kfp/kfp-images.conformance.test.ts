/** Components in images that nothing stands for, by podman. The image is made here; nothing is fetched. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  addPrograms,
  startTestImages,
  TEST_IMAGE,
  type TestImages,
} from '#engines/environments/image/test-image.testing.ts';
import { startKfpWorld, type KfpWorld } from './testing/kfp-world.ts';
import { smallPipeline, WRITES } from './testing/small-pipeline.ts';

describe('components in images', () => {
  let images: TestImages;
  let world: KfpWorld;
  beforeAll(async () => {
    images = await startTestImages(async (files) => await addPrograms(files, ['sh', 'mkdir', 'dirname', 'cat', 'ls']));
    world = await startKfpWorld(images.images);
  });
  afterAll(async () => {
    await world?.stop();
    await images?.end();
  });

  const pipeline = (script: string, image = TEST_IMAGE) =>
    Buffer.from(JSON.stringify(smallPipeline(script, { image })));

  test('run in them, and leave what they leave', async () => {
    const ended = await world.runFile(pipeline(WRITES), { word: 'bytes' });
    expect(ended).toMatchObject({ state: 'succeeded' });
    expect(await world.outputs(ended, 'say')).toMatchObject({ data: { artifact: { files: 1, bytes: 5 } } });
  });

  test('see nothing of the machine', async () => {
    const ended = await world.runFile(pipeline('ls /etc /usr /opt || exit 4'));
    expect(ended.error).toMatch(/exit code 4[^]*\/opt.*No such file[^]*\/etc:\nhosts\nresolv.conf$/);
  });

  test('one that is not there ends the run, with the words of podman', async () => {
    const ended = await world.runFile(pipeline(WRITES, 'localhost/nobody-made-this:1'));
    expect(ended).toMatchObject({ state: 'failed' });
    expect(ended.error).toMatch(/localhost\/nobody-made-this:1/);
  });
});
