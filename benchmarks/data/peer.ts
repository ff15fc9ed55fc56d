/** A peer's program in its own Python, run to its end. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { start } from '../../packages/server/src/lib/process.ts';
import { pythonEnvironment } from '../../tools/python-env.mjs';
import { killAtEnd } from '../lib/cleanup.mjs';

export const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));

export const FEAST = { name: 'feast', requirements: here('../../conformance/feast/requirements.txt') } as const;

export interface PeerEnvironment {
  readonly name: string;
  readonly requirements: string;
}

/** Of `measured.py`. */
export interface PeerUsage {
  readonly cpuMs: number;
  readonly wallMs: number;
  readonly peakBytes: number;
}

/** The environment of the programs of peers: no telemetry, no settings of the user. */
export function peerVariables(folder: string): Record<string, string> {
  return {
    HOME: folder,
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    LANG: 'C.UTF-8',
    PYTHONPATH: here('.'),
    PYTHONWARNINGS: 'ignore',
    DO_NOT_TRACK: '1',
    FEAST_USAGE: 'False',
    GX_ANALYTICS_ENABLED: 'false',
    YDATA_PROFILING_NO_ANALYTICS: 'True',
  };
}

/** The last line that it writes, which is JSON. @throws Error with the end of its standard error. */
export async function runPeer<Reported>(
  { name, requirements }: PeerEnvironment,
  folder: string,
  [script = '', ...words]: readonly string[],
): Promise<Reported> {
  const environment = await pythonEnvironment(name, requirements);
  await mkdir(folder, { recursive: true });
  const child = start(join(environment, 'bin', 'python'), [here(script), ...words], {
    cwd: folder,
    env: peerVariables(folder),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const release = killAtEnd(child.pid ?? 0);
  let [out, err] = ['', ''];
  child.stdout?.on('data', (chunk: Buffer) => (out += chunk.toString('utf8')));
  child.stderr?.on('data', (chunk: Buffer) => (err = (err + chunk.toString('utf8')).slice(-3000)));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  release();
  if (code !== 0) throw new Error(`${script} of ${name} ended with ${code}:\n${err}`);
  return JSON.parse(out.trim().split('\n').at(-1) ?? '') as Reported;
}
