/**
 * Tests start the programs of the built packages where the build is of the current sources: what is published, at half of the CPU
 * time of the sources (6.3 s a start instead of 13 on a busy machine).
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { inject } from 'vitest';
import { useBuiltPrograms } from '../packages/server/src/lib/process.ts';
import { startCli } from '../packages/server/src/testing/cli.ts';
import { startProgram } from '../packages/server/src/testing/dais-process.ts';
import { shareDais } from '../packages/server/src/testing/shared-dais.ts';

if (inject('built')) {
  const compileCache = inject('compileCache');
  const path = fileURLToPath(new URL('./up-program.mjs', import.meta.url));
  startProgram({ path, cluster: inject('cluster'), compileCache });
  startCli(fileURLToPath(new URL('../packages/cli/dist/main.js', import.meta.url)), compileCache);
  const [sources, built] = ['src', 'dist'].map((name) => new URL(`../packages/server/${name}/`, import.meta.url).href);
  useBuiltPrograms((source) => {
    const program = new URL(source.href.replace(sources ?? '', built ?? '').replace(/\.ts$/, '.js'));
    return existsSync(program) ? program : undefined;
  });
}

shareDais(inject('sharedDais'));
