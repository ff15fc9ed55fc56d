/** Dais as users run it: the built packages in a process tree of its own. */
import { rmSync } from 'node:fs';
import { chmod, mkdtemp, readFile } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { startDaisProcess } from '../../packages/server/src/testing/dais-process.ts';
import { useBuilt } from './built.ts';

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
  const url = await dais.ready;
  const token = (await readFile(join(data, 'owner-token'), 'utf8')).trim();
  const stop = async () => {
    dais.process.kill('SIGTERM');
    await dais.ended;
  };
  return { name, url, pids: [dais.process.pid ?? 0], token, stop };
}

/** Makes a folder that disappears with this process, also after a signal. */
export async function benchmarkFolder(name: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `dais-benchmark-${name}-`));
  // PostgreSQL and the trials of models run as other users when this runs as root.
  await chmod(folder, 0o755);
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  return folder;
}

/** Returns a short description of the machine, for the first line of a benchmark. */
export function describeMachine(): string {
  return `${cpus().length} cores, load ${loadavg()[0]?.toFixed(2)}, Node ${process.version}`;
}
