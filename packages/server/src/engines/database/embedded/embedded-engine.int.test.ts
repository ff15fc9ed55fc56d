import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { databaseSuite } from '../suite.ts';
import { embeddedEngine } from './embedded-engine.ts';

databaseSuite('embedded', async () => {
  const folder = await mkdtemp(path.join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'dais-embedded-'));
  return {
    engine: embeddedEngine({ folder, cacheFolder: path.join(folder, 'cache') }),
    clean: () => rm(folder, { recursive: true, force: true }),
  };
});
