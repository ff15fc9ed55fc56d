/**
 * The same graphs run by `kfp.local`, Prefect, Dagster, Metaflow and Dais, in one run: the overhead beyond the work of
 * its steps, as CPU time of all processes and as wall time. Peers run as documented for one machine, without telemetry,
 * and have run a graph before the measurement. Dais includes its full storage and PostgreSQL, and runs each step in a
 * separate process; so do kfp.local, Metaflow and Dagster, whose steps can also run in the process of the run (`Dagster
 * in-process`), as those of Prefect do by default. So two peers are named for each graph: the best one, and the best
 * one of those whose steps are processes.
 *
 * Then the cost of the engine itself, and values without claims: wall times, with the load.
 *
 * `--full`: the sizes for which claims are made (100, 1,000, 5 × 200); takes an hour, most of it for the peers.
 * `--only PATTERN`: peers whose name it matches; '^$' is none. `--graphs PATTERN`: those graphs.
 */
import { cpus, loadavg } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { findPython } from '../tools/python.mjs';
import { Claims } from './lib/claims.mjs';
import { benchmarkFolder } from './lib/cleanup.mjs';
import { cpuOf } from './lib/processes.ts';
import { bareWork, NO_WORK, type Work } from './pipelines/bare-work.ts';
import { graphs, type Graph, type Runner } from './pipelines/graphs.ts';
import { listingCosts } from './pipelines/listing.ts';
import { startOwn, transitionsOf, type OwnRunner } from './pipelines/own.ts';
import { PEERS, startPeer, type Ways } from './pipelines/peers.ts';
import { printGraph, type Cost, type Overhead } from './pipelines/tables.ts';

const TRANSITION_LIMIT_MS = 10;
const LISTING_LIMIT_MS = 100;
/** A process is quiet when it uses less than so much of one core over so long. */
const IDLE = 0.05;
const QUIET_MS = 500;
const MOST_QUIET_MS = 30_000;

const { values: flags } = parseArgs({
  options: {
    full: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    graphs: { type: 'string', default: '' },
  },
});
const selected = graphs(flags.full).filter(({ name }) => new RegExp(flags.graphs).test(name));
const folder = benchmarkFolder('pipelines');
const load = () => `load ${loadavg()[0]?.toFixed(2)}`;
const claims = new Claims();

console.log(`${cpus().length} cores, ${load()}, Node ${process.version}`);
const python = (await findPython()).path;
const bare = { command: await bareWork('true', []), python: await bareWork(python, ['-c', 'pass']) };
for (const [kind, { cpu, wall }] of Object.entries(bare)) {
  console.log(`bare ${kind}: ${cpu.toFixed(1)} ms of CPU, ${wall.toFixed(1)} ms on the clock; it is taken off`);
}

/** Several times where one would be less than what CPU is counted in. */
async function measure(runner: Runner, graph: Graph, work: Work): Promise<Cost> {
  const repeats = graph.size === 1 ? 10 : 1;
  let steps = 0;
  let wall = 0;
  const from = cpuOf(runner.pids);
  for (let n = 0; n < repeats; n++) {
    const run = await runner.run(graph);
    steps += run.steps;
    wall += run.wallMs;
  }
  const cpu = (await quietCpu(runner)) - from;
  return { steps: steps / repeats, cpu: cpu / steps - work.cpu, wall: wall / steps - work.wall };
}

/** Its CPU when it has become quiet: what it does after the end of a run, for that run, counts. */
async function quietCpu({ pids }: Runner): Promise<number> {
  let cpu = cpuOf(pids);
  for (let waited = 0; waited < MOST_QUIET_MS; waited += QUIET_MS) {
    await delay(QUIET_MS);
    const now = cpuOf(pids);
    if (now - cpu <= QUIET_MS * IDLE) return cpu;
    cpu = now;
  }
  return cpu;
}

async function measureAll(runner: Runner, { startsPython, processes }: Ways): Promise<Overhead[]> {
  const begin = performance.now();
  for (const kind of ['command', 'python'] as const) {
    await runner.run({ name: 'before', shape: 'chain', size: 2, kind });
  }
  const overheads: Overhead[] = [];
  for (const graph of selected) {
    const work = graph.kind === 'python' && !startsPython ? NO_WORK : bare[graph.kind];
    overheads.push({ name: runner.name, processes, ...(await measure(runner, graph, work)) });
  }
  console.log(`${runner.name}: done after ${((performance.now() - begin) / 1000).toFixed(0)} s, ${load()}`);
  return overheads;
}

const peers: Overhead[][] = [];
for (const peer of PEERS.filter(({ name }) => new RegExp(flags.only).test(name))) {
  const runner = await startPeer(folder, peer);
  try {
    peers.push(await measureAll(runner, peer));
  } finally {
    await runner.stop();
  }
}

const own = await startOwn(folder);
try {
  // As long a life as that of the peers' processes.
  await own.startDelays(50);
  const overheads = await measureAll(own, { startsPython: true, processes: true });
  for (const [at, overhead] of overheads.entries()) {
    printGraph(
      selected[at]?.name ?? '',
      overhead,
      peers.flatMap((all) => all[at] ?? []),
      claims,
    );
  }
  await printEngine(own);
} finally {
  await own.stop();
}
const listing = await listingCosts(folder, 10_000);
const kept = claims.judge(
  'list a run of 10,000 nodes',
  listing.run <= LISTING_LIMIT_MS,
  `${listing.run.toFixed(1)} ms`,
);
console.log(
  `a run of ${listing.nodes} nodes: ${listing.run.toFixed(1)} ms of CPU to list it, how far it is and its first`,
);
console.log(`  100 nodes   limit ${LISTING_LIMIT_MS}: ${kept}; all of its nodes: ${listing.all.toFixed(0)} ms of CPU`);
console.log(`\n${load()}`);
claims.end();

async function printEngine(dais: OwnRunner): Promise<void> {
  const size = flags.full ? 1000 : 200;
  const from = dais.engineCpu();
  const fan = await dais.run({ name: 'fan', shape: 'fan', size, kind: 'command' });
  const transition = (dais.engineCpu() - from) / transitionsOf(fan.steps);
  const result = claims.judge(
    'CPU of the engine per transition',
    transition <= TRANSITION_LIMIT_MS,
    `${transition.toFixed(2)} ms`,
  );
  console.log(
    `\nCPU of the engine a transition: ${transition.toFixed(2)} ms   limit ${TRANSITION_LIMIT_MS}: ${result}`,
  );
  const delays = (await dais.startDelays(100)).toSorted((one, other) => one - other);
  const at = (part: number) => delays[Math.floor(delays.length * part)]?.toFixed(0);
  console.log(`ready → started, of 100 steps: p50 ${at(0.5)}, p95 ${at(0.95)} ms (aim 50), ${load()}`);
  console.log(`hello world: ${((await dais.helloWorld()) / 1000).toFixed(2)} s (aim 2)`);
  console.log(`${size} times \`true\`: ${(fan.wallMs / 1000).toFixed(1)} s (aim 60 for 1,000)`);
}
