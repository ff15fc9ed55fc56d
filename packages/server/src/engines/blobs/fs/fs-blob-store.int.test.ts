import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '#lib/clock.ts';
import { blobStoreSuite } from '../suite.ts';
import { openFsBlobStore } from './fs-blob-store.ts';

blobStoreSuite('fs', async () => {
  const root = await mkdtemp(join(tmpdir(), 'dais-blobs-'));
  return {
    store: await openFsBlobStore({ root, clock: systemClock }),
    remains: async () => (await readdir(join(root, 'tmp'))).length,
    end: async () => await rm(root, { recursive: true }),
  };
});
