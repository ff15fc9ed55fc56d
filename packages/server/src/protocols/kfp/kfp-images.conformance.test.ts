/** Components in container images, run by podman. The test builds the image; nothing is downloaded. */
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

  test('run in their images, and produce outputs', async () => {
    const ended = await world.runFile(pipeline(WRITES), { word: 'bytes' });
    expect(ended).toMatchObject({ state: 'succeeded' });
    expect(await world.outputs(ended, 'say')).toMatchObject({ data: { artifact: { files: 1, bytes: 5 } } });
  });

  test('cannot access the machine', async () => {
    const ended = await world.runFile(pipeline('ls /etc /usr /opt || exit 4'));
    expect(ended.error).toMatch(/exited with code 4[^]*\/opt.*No such file[^]*\/etc:\nhosts\nresolv.conf$/);
  });

  test('a missing image fails the run with the message of podman', async () => {
    const ended = await world.runFile(pipeline(WRITES, 'localhost/nobody-made-this:1'));
    expect(ended).toMatchObject({ state: 'failed' });
    expect(ended.error).toMatch(/localhost\/nobody-made-this:1/);
  });
});
