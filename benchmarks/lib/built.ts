/** What people run is measured: built packages. What tsx makes of the sources names each function anew whenever it is made. */
import { rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { startProgram } from '../../packages/server/src/testing/dais-process.ts';
import { isBuilt } from '../../tools/build-stamp.mjs';
import { bundle } from '../../tools/bundle.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const server = join(root, 'packages', 'server');

/** Processes of Dais are started from what was built. @throws Error when that is not of today's sources. */
export function useBuilt(): void {
  if (!isBuilt()) throw new Error('what is built is not of these sources: run `npm run build` first');
  startProgram({ path: join(root, 'tools', 'up-program.mjs'), checkOutputs: false });
}

/**
 * A module or program that is no entry of the server's package, built as the package is. What it starts is the built package's.
 * @throws Error as `useBuilt`.
 */
export async function builtModule(source: URL): Promise<URL> {
  useBuilt();
  const file = fileURLToPath(source);
  const name = basename(file, '.ts');
  // Within the repository, so that it finds the installed packages.
  const dir = join(root, '.cache', 'benchmarks', name);
  rmSync(dir, { recursive: true, force: true });
  await bundle({ source: join(server, 'src'), input: { [name]: file }, dir, dist: join(server, 'dist') });
  return pathToFileURL(join(dir, `${name}.js`));
}
