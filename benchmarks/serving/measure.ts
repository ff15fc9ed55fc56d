/** What one request costs a server: CPU of its whole process tree. */
import { cpuOf } from '../lib/processes.ts';
import type { Load } from '../lib/load.ts';
import type { Peer } from './peers.ts';

export interface Measured {
  readonly what: string;
  readonly load: Load;
  readonly connections: number;
  readonly seconds: number;
}

/** Microseconds of CPU; the line is printed. */
export async function measure(
  { pid }: Pick<Peer, 'pid'>,
  { what, load, connections, seconds }: Measured,
): Promise<number> {
  const before = cpuOf([pid]);
  const figures = await load(connections, seconds);
  const cost = ((cpuOf([pid]) - before) * 1000) / figures.requests;
  const rate = figures.requests / figures.seconds;
  console.log(
    `${what.padEnd(28)} ${String(connections).padStart(3)} connections: ${cost.toFixed(1).padStart(7)} µs of CPU, ` +
      `${rate.toFixed(0).padStart(6)}/s, p50 ${figures.p50.toFixed(2)} ms, p99 ${figures.p99.toFixed(2)} ms` +
      (figures.failures > 0 ? `, ${figures.failures} FAILED` : ''),
  );
  return cost;
}
