/** Interpreter folders and environment variables of Python processes. */
import { readFile, realpath } from 'node:fs/promises';
import path from 'node:path';

/** Returns the environment, and the folder of its base interpreter. */
export async function interpreterFolders(environment: string): Promise<string[]> {
  const text = await readFile(path.join(environment, 'pyvenv.cfg'), 'utf8').catch(() => '');
  const home = /^home\s*=\s*(.+)$/m.exec(text)?.[1]?.trim();
  if (home === undefined) return [environment];
  const locations = new Set([path.dirname(home), path.dirname(await realpath(home).catch(() => home))]);
  return [environment, ...[...locations].filter((path) => path !== '/' && !path.startsWith('/usr'))];
}

/** Returns the environment variables of a model process. */
export function pythonVariables(bin: string, threads: number): Record<string, string> {
  const count = String(threads);
  return {
    PATH: `${bin}:/usr/bin:/bin`,
    HOME: '/tmp',
    LANG: 'C.UTF-8',
    TZ: 'UTC',
    // Otherwise each library uses all cores of the machine in each process.
    OMP_NUM_THREADS: count,
    OPENBLAS_NUM_THREADS: count,
    MKL_NUM_THREADS: count,
    NUMEXPR_NUM_THREADS: count,
    TF_NUM_INTRAOP_THREADS: count,
    TF_NUM_INTEROP_THREADS: '1',
    TOKENIZERS_PARALLELISM: 'false',
    TF_CPP_MIN_LOG_LEVEL: '2',
    // All files of a model are in its folder.
    HF_HUB_OFFLINE: '1',
    TRANSFORMERS_OFFLINE: '1',
  };
}
