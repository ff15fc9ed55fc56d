/** Dais as users run it: the built packages in a process tree of its own. */
import { readFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { startDaisProcess } from '../../packages/server/src/testing/dais-process.ts';
import { useBuilt } from './built.ts';
import { killAtEnd } from './cleanup.mjs';

export interface OwnServer {
  readonly name: string;
  readonly url: string;
  readonly pids: readonly number[];
  readonly token: string;
  readonly stop: () => Promise<void>;
}

export async function startOwnServer(
  folder: string,
  flags: Readonly<Record<string, unknown>> = {},
  name = 'Dais',
): Promise<OwnServer> {
  useBuilt();
  const data = join(folder, 'dais');
  const dais = startDaisProcess({ data, ...flags });
  // Its other processes end with the supervisor.
  const release = killAtEnd(dais.process.pid ?? 0);
  const url = await dais.ready;
  const token = (await readFile(join(data, 'owner-token'), 'utf8')).trim();
  const stop = async () => {
    dais.process.kill('SIGTERM');
    await dais.ended;
    release();
  };
  return { name, url, pids: [dais.process.pid ?? 0], token, stop };
}

/** Returns a short description of the machine, for the first line of a benchmark. */
export function describeMachine(): string {
  return `${cpus().length} cores, load ${loadavg()[0]?.toFixed(2)}, Node ${process.version}`;
}
