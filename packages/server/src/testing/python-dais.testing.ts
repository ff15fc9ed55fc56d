/** For tests of models that need Python: a Dais that builds what they require, and scripts that train them. */
import { join } from 'node:path';
import { run } from '#lib/process.ts';
import { pythonEnvironment } from '../../../../tools/python-env.mjs';
import { uv, uvEnvironment } from '../../../../tools/uv.mjs';
import { startDaisProcess, type DaisProcess } from './dais-process.ts';

/** In ms; environments are built within it. */
export const PYTHON_PATIENCE = 900_000;

/** A Dais in `folder`, which may have been there before. */
export async function startPythonDais(folder: string): Promise<DaisProcess> {
  const { SSL_CERT_FILE, UV_DEFAULT_INDEX } = await uvEnvironment();
  return startDaisProcess({
    data: join(folder, 'data'),
    'keys.folder': join(folder, 'keys'),
    // It is started without variables of this machine.
    'environments.uv': await uv(),
    ...(UV_DEFAULT_INDEX !== undefined && { 'environments.index': UV_DEFAULT_INDEX }),
    ...(SSL_CERT_FILE !== undefined && { 'outbound.extraCa': SSL_CERT_FILE }),
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
  const end = await run(join(environment, 'bin', 'python'), ['-B', '-W', 'ignore', script, ...words], {
    env: { PATH: '/usr/bin:/bin', HOME: folder, LANG: 'C.UTF-8' },
    cwd: folder,
    timeoutMs: PYTHON_PATIENCE,
  });
  if (end.code !== 0) throw new Error(end.stderr);
}
