import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import { querySuite } from '../suite.ts';
import { openDuckdbQuery } from './duckdb-query.ts';

querySuite('duckdb', async () => {
  const root = await mkdtemp(path.join(tmpdir(), 'dais-query-'));
  const folder = path.join(root, 'files');
  await mkdir(folder);
  const scratch = path.join(root, 'scratch');
  const engine = openDuckdbQuery({ folder: scratch, memoryMb: 4096, tempMb: 2048, clock: systemClock, log: silentLog });
  return {
    engine,
    folder,
    end: async () => {
      await engine.close();
      const left = await readdir(scratch);
      await rm(root, { recursive: true });
      if (left.length > 0) throw new Error(`The engine left ${left.join(', ')} behind.`);
    },
  };
});
