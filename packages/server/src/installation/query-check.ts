/** Checks whether this machine runs queries, without an installation: for `dais doctor`. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import { openQuery } from '#compose/environments.ts';
import { isolationPaths, openIsolationAt, type IsolationConfig } from '#compose/isolation.ts';
import { childEnvironment } from '#config-load.ts';

/** Returns the version of DuckDB and what isolates its process. @throws QueryError when its process cannot run here. */
export async function checkQuery(
  config?: IsolationConfig,
): Promise<{ readonly version: string; readonly boundary: string }> {
  const dataFolder = await mkdtemp(join(tmpdir(), 'dais-doctor-'));
  const paths = await isolationPaths(config ?? { data: dataFolder, isolation: {} }, childEnvironment());
  const isolation = await openIsolationAt(paths);
  try {
    const limits = { query: { memoryMb: 512, threads: 1, tempMb: 256, callerSeconds: 60 } };
    const query = await openQuery(limits, { dataFolder, clock: systemClock, log: silentLog, isolation });
    try {
      await query.check({ type: 'values', columns: [{ name: 'n', type: 'int64' }], rows: [[1]] }, {});
      const { boundary } = await isolation.report();
      return { version: query.state().version, boundary };
    } finally {
      await query.close();
    }
  } finally {
    await isolation.close();
    await rm(dataFolder, { recursive: true, force: true });
  }
}
