/** Measures two ways of doing the same, in alternating rounds. */
import { meanRatio, median } from '../lib/paired-ratio.ts';

const ROUNDS = 9;
/** CPU of one round; shorter ones are dominated by the clock. */
const ROUND_MS = 120;

export type Work = () => unknown;

/**
 * Prints the CPU of one call: of our code, and of the library where it is installed, with the mean ratio and its 95 % interval.
 * CPU of this process, all threads.
 */
export async function compare(what: string, own: Work, library: Work | undefined, names = 'library'): Promise<void> {
  const calls = await callsFor(own);
  const libraryCalls = library === undefined ? 0 : await callsFor(library);
  const owns: number[] = [];
  const libraries: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    owns.push(await cpuOf(own, calls));
    if (library !== undefined) libraries.push(await cpuOf(library, libraryCalls));
  }
  const ours = median(owns);
  if (library === undefined) {
    console.log(`  ${what}: ${time(ours)}`);
    return;
  }
  const theirs = median(libraries);
  const { mean, low, high } = meanRatio(libraries.map((one, at) => one / (owns[at] as number)));
  const ratio = `${mean.toFixed(2)} times (${low.toFixed(2)} to ${high.toFixed(2)})`;
  console.log(`  ${what}: ours ${time(ours)}, ${names} ${time(theirs)}: ${ratio}`);
}

async function callsFor(work: Work): Promise<number> {
  for (let calls = 1; ; calls *= 4) {
    const total = (await cpuOf(work, calls)) * calls;
    if (total > (ROUND_MS * 1000) / 8) return Math.max(1, Math.round((calls * ROUND_MS * 1000) / total));
  }
}

/** Microseconds of CPU for each call. */
async function cpuOf(work: Work, calls: number): Promise<number> {
  const from = process.cpuUsage();
  for (let n = 0; n < calls; n++) {
    const result = work();
    if (result instanceof Promise) await result;
  }
  const { user, system } = process.cpuUsage(from);
  return Math.max(0.001, (user + system) / calls);
}

function time(microseconds: number): string {
  if (microseconds >= 1000) return `${(microseconds / 1000).toPrecision(3)} ms`;
  return `${microseconds >= 100 ? microseconds.toFixed(0) : microseconds.toPrecision(3)} µs`;
}
