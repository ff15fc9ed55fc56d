/** What one request costs a server: CPU of its whole process tree. */
import { cpuOf } from '../lib/processes.ts';
import { load } from './load.ts';
import type { Peer } from './peers.ts';

export interface Measured {
  readonly what: string;
  readonly request: Buffer;
  readonly connections: number;
  readonly seconds: number;
}

/** Microseconds of CPU; the line is printed. */
export async function measure(peer: Peer, { what, request, connections, seconds }: Measured): Promise<number> {
  const before = cpuOf([peer.pid]);
  const figures = await load({ port: peer.port, request, connections, seconds });
  const cost = ((cpuOf([peer.pid]) - before) * 1000) / figures.requests;
  const rate = figures.requests / figures.seconds;
  console.log(
    `${what.padEnd(24)} ${String(connections).padStart(3)} connections: ${cost.toFixed(1).padStart(7)} µs of CPU, ` +
      `${rate.toFixed(0).padStart(6)}/s, p50 ${figures.p50.toFixed(2)} ms, p99 ${figures.p99.toFixed(2)} ms` +
      (figures.failures > 0 ? `, ${figures.failures} FAILED` : ''),
  );
  return cost;
}
