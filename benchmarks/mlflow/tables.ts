/** The two tables of the comparison: CPU with targets, and what the clients saw. */
import type { Claims } from '../lib/claims.mjs';
import type { LoadResult } from './load.ts';
import type { Figures } from './meter.ts';

/** How many times less CPU Dais takes; a line without a target is told only: its client does most of the work. */
const TARGETS: readonly (readonly [pattern: RegExp, times: number])[] = [
  [/^(?:create|log-|OTLP)/, 10],
  [/^history/, 20],
  [/^search/, 15],
];
const MEMORY_TARGET = 2;
const NAME = 40;
const COLUMN = 22;

export function tellCpu(peers: readonly LoadResult[], own: LoadResult, claims: Claims): void {
  const header = [...peers, own].map(({ name }) => name.padStart(COLUMN)).join('');
  console.log(`\n${'ms of CPU of the server, a call'.padEnd(NAME)}${header}   times less`);
  for (const name of own.figures.keys()) {
    const target = TARGETS.find(([pattern]) => pattern.test(name))?.[1];
    const cpu = ({ figures }: LoadResult) => figures.get(name)?.cpu ?? NaN;
    tellLine(name, peers, { own: cpu(own), valueOf: cpu, target, claims });
  }
  const memory = (result: LoadResult) => result.memory;
  tellLine('memory afterwards, MB', peers, { own: own.memory, valueOf: memory, target: MEMORY_TARGET, claims });
}

interface Line {
  readonly own: number;
  readonly valueOf: (peer: LoadResult) => number;
  readonly target: number | undefined;
  readonly claims: Claims;
}

function tellLine(name: string, peers: readonly LoadResult[], { own, valueOf, target, claims }: Line): void {
  const figures = [...peers.map(valueOf), own].map((value) => value.toFixed(2).padStart(COLUMN)).join('');
  const ratios = peers.map((peer) => valueOf(peer) / own);
  const results = peers.map((peer, at) =>
    target === undefined ? '' : claims.judge(`${name}, beside ${peer.name}`, (ratios[at] ?? 0) >= target),
  );
  const result = target === undefined ? '' : `   target ${target}: ${results.join(', ')}`;
  console.log(`${name.padEnd(NAME)}${figures}   ${ratios.map((ratio) => ratio.toFixed(1)).join(', ')}${result}`);
}

/** Client and server share the machine: read the load beside it. */
export function tellLoad(results: readonly LoadResult[]): void {
  console.log(`\n${'calls/s; p50, p99 in ms'.padEnd(NAME)}${results.map(({ name }) => name.padStart(26)).join('')}`);
  const names = results[0]?.figures.keys() ?? [];
  for (const name of names)
    console.log(`${name.padEnd(NAME)}${results.map(({ figures }) => seen(figures.get(name)).padStart(26)).join('')}`);
}

function seen(figures: Figures | undefined): string {
  if (figures === undefined) return '';
  const { callsPerSecond, p50, p99 } = figures;
  const short = (value: number) => value.toFixed(value < 100 ? 1 : 0);
  return `${short(callsPerSecond)}; ${short(p50)}, ${short(p99)}`;
}
