/** Whether this machine runs queries, looked at without an installation: for `dais doctor`. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import { openQuery } from './compose.ts';

/** What runs the queries, with its version. @throws QueryError when its process cannot run here. */
export async function lookAtQuery(): Promise<{ readonly version: string }> {
  const dataFolder = await mkdtemp(join(tmpdir(), 'dais-doctor-'));
  try {
    const config = { query: { memoryMb: 512, threads: 1, tempMb: 256, callerSeconds: 60 } };
    const query = await openQuery(config, { dataFolder, clock: systemClock, log: silentLog });
    try {
      await query.check({ type: 'values', columns: [{ name: 'n', type: 'int64' }], rows: [[1]] }, {});
      return { version: query.state().version };
    } finally {
      await query.close();
    }
  } finally {
    await rm(dataFolder, { recursive: true, force: true });
  }
}
