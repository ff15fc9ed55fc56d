/**
 * Tests start the built packages where they are of today: what is published, at half of the CPU time of the sources (6.3 s a start
 * instead of 13 on a busy machine).
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inject } from 'vitest';
import { startCli } from '../packages/server/src/testing/cli.ts';
import { startProgram } from '../packages/server/src/testing/dais-process.ts';
import { shareDais } from '../packages/server/src/testing/shared-dais.ts';
import { environment } from './environment.mjs';

if (inject('built')) {
  startProgram(fileURLToPath(new URL('./up-program.mjs', import.meta.url)), inject('cluster'));
  startCli(fileURLToPath(new URL('../packages/cli/dist/main.js', import.meta.url)));
}

shareDais(join(inject('sharedDais'), environment.VITEST_POOL_ID ?? '0'));
