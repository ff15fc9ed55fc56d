/**
 * CPU that isolation costs queries: of the start of the query process with its first job, and of each job of a running process, in
 * turns without and with isolation. Elapsed times depend on the load of the machine, CPU hardly does.
 *
 *     npx tsx --conditions=dais-source benchmarks/query-isolation.ts
 */
import { writeFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import type { IsolationOptions } from '../packages/server/src/engines/isolation/contract.ts';
import { openIsolation } from '../packages/server/src/engines/isolation/open-isolation.ts';
import { openDuckdbQuery } from '../packages/server/src/engines/query/duckdb/duckdb-query.ts';
import { scan } from '../packages/server/src/engines/query/model/build.ts';
import { systemClock } from '../packages/server/src/lib/clock.ts';
import { silentLog } from '../packages/server/src/lib/log.ts';
import { treeCpuMs } from '../packages/server/src/lib/system/process-tree.ts';
import { benchmarkFolder } from './lib/cleanup.mjs';

const ROUNDS = 7;
const JOBS = 100;
const WAYS: Readonly<Record<string, IsolationOptions>> = {
  none: { boundaries: [] },
  bubblewrap: {},
  'bubblewrap, no control groups': { limits: 'rlimit' },
  landlock: { boundaries: ['landlock'], limits: 'rlimit' },
};

const folder = benchmarkFolder('query-isolation');
const file = join(folder, 'rows.csv');
await writeFile(file, `id,x\n${Array.from({ length: 1000 }, (_, n) => `${n},${n / 3}`).join('\n')}\n`);

/** CPU in ms of an engine that runs so many jobs, its processes included. */
async function cpuOf(isolation: ReturnType<typeof openIsolation>, jobs: number): Promise<number> {
  const before = treeCpuMs(process.pid) ?? 0;
  const around = { clock: systemClock, log: silentLog, isolation };
  const engine = openDuckdbQuery({
    folder: join(folder, 'engine'),
    memoryMb: 1024,
    tempMb: 1024,
    threads: 1,
    ...around,
  });
  for (let n = 0; n < jobs; n++) {
    const tables = { t: { files: [{ path: file, format: 'csv' as const }] } };
    await engine.run({ tables, query: scan('t'), output: { type: 'rows', limit: 10 } });
  }
  const used = (treeCpuMs(process.pid) ?? 0) - before;
  await engine.close();
  return used;
}

const found = new Map<string, { readonly start: number[]; readonly job: number[] }>();
const engines = new Map(Object.entries(WAYS).map(([name, options]) => [name, openIsolation(options)]));
for (const [name, isolation] of engines) {
  found.set(name, { start: [], job: [] });
  await cpuOf(isolation, 1);
}
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, isolation] of engines) {
    const start = await cpuOf(isolation, 1);
    const all = await cpuOf(isolation, 1 + JOBS);
    found.get(name)?.start.push(start);
    found.get(name)?.job.push((all - start) / JOBS);
  }
}
for (const isolation of engines.values()) await isolation.close();

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
console.log(`${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)}; medians of ${ROUNDS} rounds`);
for (const [name, { start, job }] of found) {
  console.log(
    `${name}: start with the first job ${median(start).toFixed(0)} ms of CPU, further jobs ${median(job).toFixed(2)} ms`,
  );
}
