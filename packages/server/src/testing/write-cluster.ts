/**
 * Writes the database of a first start of Dais, before that Dais has written anything: the initial state of end-to-end
 * tests (tools/first-cluster.mjs). The argument is the target folder.
 */
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { databaseEngines } from '#compose.ts';
import { migrate } from '#compose/database.ts';
import { programVersion } from '#version.ts';
import { openProgram } from './releases.ts';

const target = process.argv[2];
if (target === undefined) throw new Error('usage: write-cluster.ts FOLDER');
await mkdir(dirname(target), { recursive: true });
const folder = await mkdtemp(`${target}.`);
const program = await openProgram();
try {
  const engine = await databaseEngines.embedded({ folder, cacheFolder: join(folder, 'cache') });
  const server = await engine.start();
  try {
    // The slice of the migrations is implied.
    await migrate(server.connection, program.slices.slice(1), programVersion(), {});
  } finally {
    await server.stop();
  }
  // A concurrent run can finish first: both have the same result.
  await rename(join(folder, 'cluster'), target).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
  });
} finally {
  await program.close();
  await rm(folder, { recursive: true, force: true });
}
