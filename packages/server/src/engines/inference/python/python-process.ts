/** What processes of Python have in common: where their interpreter lies, and what they find around them. */
import { readFile, realpath } from 'node:fs/promises';
import path from 'node:path';

/** The environment, and where the interpreter that it was made from lies. */
export async function interpreterFolders(environment: string): Promise<string[]> {
  const text = await readFile(path.join(environment, 'pyvenv.cfg'), 'utf8').catch(() => '');
  const home = /^home\s*=\s*(.+)$/m.exec(text)?.[1]?.trim();
  if (home === undefined) return [environment];
  const places = new Set([path.dirname(home), path.dirname(await realpath(home).catch(() => home))]);
  return [environment, ...[...places].filter((place) => place !== '/' && !place.startsWith('/usr'))];
}

/** What a process of a model finds around it. */
export function pythonVariables(bin: string, threads: number): Record<string, string> {
  const count = String(threads);
  return {
    PATH: `${bin}:/usr/bin:/bin`,
    HOME: '/tmp',
    LANG: 'C.UTF-8',
    TZ: 'UTC',
    // Each library takes all cores of the machine otherwise, in each process.
    OMP_NUM_THREADS: count,
    OPENBLAS_NUM_THREADS: count,
    MKL_NUM_THREADS: count,
    NUMEXPR_NUM_THREADS: count,
    TF_NUM_INTRAOP_THREADS: count,
    TF_NUM_INTEROP_THREADS: '1',
    TOKENIZERS_PARALLELISM: 'false',
    TF_CPP_MIN_LOG_LEVEL: '2',
    // What a model has is in its folder.
    HF_HUB_OFFLINE: '1',
    TRANSFORMERS_OFFLINE: '1',
  };
}
