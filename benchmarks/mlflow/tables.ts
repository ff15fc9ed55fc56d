/** Targets of the comparison with MLflow's server, and the table of memory. */
import type { CallTarget } from '../lib/call-table.ts';
import type { Claims } from '../lib/claims.mjs';
import { short } from '../lib/paired-ratio.ts';
import { resultTable } from '../lib/result-table.mjs';
import type { LoadResult } from './load.ts';

/** How many times less CPU Dais takes; a line without a target is reported only: its client does most of the work. */
const TARGETS: readonly (readonly [pattern: RegExp, times: number])[] = [
  [/^(?:create|log-|OTLP)/, 10],
  [/^history/, 20],
  [/^search/, 15],
];
const MEMORY_TARGET = 2;

export function targetOf(call: string): CallTarget {
  return { times: TARGETS.find(([pattern]) => pattern.test(call))?.[1] };
}

/** Prints the memory of all processes after the calls. */
export function printMemory(own: LoadResult, peers: readonly LoadResult[], claims: Claims): void {
  const rows = [own, ...peers].map(({ name, memory }) => {
    if (name === own.name) return [name, short(memory), '', ''];
    const times = memory / own.memory;
    const claim = `memory after the calls: ${MEMORY_TARGET} times less than ${name}`;
    const result = claims.judge(claim, times >= MEMORY_TARGET, `${short(times)} ×`);
    return [name, short(memory), `${short(times)} ×`, `${MEMORY_TARGET} ×: ${result}`];
  });
  console.log(`\n${resultTable('Memory after the calls (MB)', ['server', 'memory', 'ratio', 'target'], rows)}`);
}
