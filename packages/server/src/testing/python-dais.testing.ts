/** For tests of models that need Python: a Dais that builds what they require, and scripts that train them. */
import { join } from 'node:path';
import { run } from '#lib/process.ts';
import { pythonEnvironment } from '../../../../tools/python-env.mjs';
import { startDaisProcess, type DaisProcess } from './dais-process.ts';
import { environmentFlags } from './environment-flags.ts';

/** In ms; environments are built within it. */
export const PYTHON_TIMEOUT = 900_000;

/** A Dais in `folder`, which may have been there before. */
export async function startPythonDais(folder: string): Promise<DaisProcess> {
  return startDaisProcess({
    data: join(folder, 'data'),
    'keys.folder': join(folder, 'keys'),
    ...(await environmentFlags()),
  });
}

export interface PythonScript {
  /** Of the environment in which it runs. */
  readonly name: string;
  readonly requirements: string;
  readonly script: string;
  readonly words: readonly string[];
  /** Where it runs. */
  readonly folder: string;
}

/** @throws Error with what it wrote when it fails. */
export async function runPython({ name, requirements, script, words, folder }: PythonScript): Promise<void> {
  const environment = await pythonEnvironment(name, requirements);
  const end = await run(join(environment, 'bin', 'python'), ['-W', 'ignore', script, ...words], {
    env: { PATH: '/usr/bin:/bin', HOME: folder, LANG: 'C.UTF-8' },
    cwd: folder,
    timeoutMs: PYTHON_TIMEOUT,
  });
  if (end.code !== 0) throw new Error(end.stderr);
}
