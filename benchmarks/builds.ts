/**
 * Compares two builds of Dais in alternating rounds: start and idle memory of the server, and the cost of calls. Each build
 * is started by its own command on its own Node. CPU and memory are those of all processes of a server.
 *
 *     npx tsx --conditions=dais-source benchmarks/builds.ts --before ../dais-before
 */
import { rm } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { prepareCalls, READ, SOLO_READ, type CallCost, type Calls } from './lib/build-calls.ts';
import { startBuild, type Build, type BuildServer } from './lib/build-server.ts';
import { Claims } from './lib/claims.mjs';
import { benchmarkFolder } from './lib/cleanup.mjs';
import { reportPair } from './lib/paired-report.ts';
import { describeInterval, meanRatio } from './lib/paired-ratio.ts';
import { memoryOf } from './lib/processes.ts';

const HELP = `Compares two builds of Dais: server start, idle memory, and CPU and p50 latency of calls.

Usage: npx tsx --conditions=dais-source benchmarks/builds.ts --before FOLDER [options]

  --before FOLDER      checkout of Dais that is the baseline, installed and built (\`npm ci && npm run build\`)
  --after FOLDER       checkout that is compared with it; default: this one
  --before-node FILE   Node that runs the baseline; default: the Node of this program
  --after-node FILE    Node that runs the other build; default: the Node of this program
  --starts NUMBER      rounds of starts; each starts both builds twice; 0: none; default: 8
  --rounds NUMBER      rounds of calls; each measures both builds, in alternating order; 0: none; default: 20
  --connections NUMBER connections or clients at the same time; default: 8
  --share NUMBER       share of the calls per measurement, for a quick look; default: 1
  --help               prints this text

It prints the median of each build and the mean of the ratios after/before with its 95 % confidence interval.
A claim is kept when the interval contains 1 or is below it.
`;

/** Fewer rounds give no useful interval. */
const MIN_ROUNDS = 4;
/** Background work of a start ends within this time. */
const IDLE_MS = 6000;
/** Rounds that are not measured: the just-in-time compiler and the caches need them. */
const WARM_ROUNDS = 2;
/** Limit of the cost of an authenticated read compared with a server without accounts. */
const READ_LIMIT = 1.15;

const { values: flags } = parseArgs({
  options: {
    before: { type: 'string' },
    after: { type: 'string', default: fileURLToPath(new URL('../', import.meta.url)) },
    'before-node': { type: 'string', default: process.execPath },
    'after-node': { type: 'string', default: process.execPath },
    starts: { type: 'string', default: '8' },
    rounds: { type: 'string', default: '20' },
    connections: { type: 'string', default: '8' },
    share: { type: 'string', default: '1' },
    help: { type: 'boolean', default: false },
  },
});

/** After a signal, the rounds that are complete are reported. */
const stopping = new AbortController();

type Pair<T> = readonly [before: T, after: T];

if (flags.help) console.log(HELP);
else if (flags.before === undefined) {
  // Part of `npm run bench`, which has no second build.
  console.log('Nothing is compared: name the checkout of another build with --before. See --help.');
} else {
  await compareBuilds([
    { name: 'before', checkout: resolve(flags.before), node: flags['before-node'] },
    { name: 'after', checkout: resolve(flags.after), node: flags['after-node'] },
  ]);
}

async function compareBuilds(builds: Pair<Build>): Promise<void> {
  const [starts, rounds] = [roundsOf('starts'), roundsOf('rounds')];
  const options = { connections: positive('connections'), share: positive('share') };
  const claims = new Claims();
  const folder = benchmarkFolder('builds', () => stopping.abort());
  console.log(`${cpus().length} cores, load ${load()}; ${starts} rounds of starts, ${rounds} rounds of calls\n`);
  if (starts > 0) await compareStarts(builds, folder, starts, claims);
  if (rounds > 0) await compareCalls(builds, folder, { ...options, rounds }, claims);
  console.log(`\nload ${load()}`);
  claims.end();
}

interface StartCost {
  readonly firstMs: number;
  readonly firstCpuMs: number;
  readonly nextMs: number;
  readonly nextCpuMs: number;
  /** MB (PSS). */
  readonly idle: number;
}

async function compareStarts(builds: Pair<Build>, folder: string, rounds: number, claims: Claims): Promise<void> {
  const costs: Pair<StartCost>[] = [];
  for (let round = 0; round < rounds && !stopping.signal.aborted; round++) {
    const pair = await alternate(round, builds, async (build) => {
      const data = join(folder, `start-${build.name}-${round}`);
      const cost = await measureStart(build, data);
      await rm(data, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
      return cost;
    });
    costs.push(pair);
    const [before, after] = pair;
    console.log(`start ${round + 1}: before ${describeStart(before)}; after ${describeStart(after)}`);
  }
  console.log('');
  for (const [name, unit, digits, pick] of [
    ['start on a new data folder, time', 'ms', 0, (cost: StartCost) => cost.firstMs],
    ['start on a new data folder, CPU', 'ms', 0, (cost: StartCost) => cost.firstCpuMs],
    ['start on an existing data folder, time', 'ms', 0, (cost: StartCost) => cost.nextMs],
    ['start on an existing data folder, CPU', 'ms', 0, (cost: StartCost) => cost.nextCpuMs],
    ['idle memory (PSS)', 'MB', 1, (cost: StartCost) => cost.idle],
  ] as const) {
    reportPair(claims, {
      name,
      unit,
      digits,
      before: costs.map(([before]) => pick(before)),
      after: costs.map(([, after]) => pick(after)),
    });
  }
}

function describeStart({ nextMs, nextCpuMs, idle }: StartCost): string {
  return `${nextMs.toFixed(0)} ms, ${nextCpuMs} ms of CPU, ${idle.toFixed(0)} MB`;
}

async function measureStart(build: Build, data: string): Promise<StartCost> {
  const first = await startBuild(build, data);
  await first.stop();
  const next = await startBuild(build, data);
  try {
    await delay(IDLE_MS);
    const { startMs: nextMs, startCpuMs: nextCpuMs } = next;
    const { startMs: firstMs, startCpuMs: firstCpuMs } = first;
    return { firstMs, firstCpuMs, nextMs, nextCpuMs, idle: memoryOf([next.pid]) };
  } finally {
    await next.stop();
  }
}

interface CallRounds {
  readonly rounds: number;
  readonly connections: number;
  readonly share: number;
}

async function compareCalls(builds: Pair<Build>, folder: string, options: CallRounds, claims: Claims): Promise<void> {
  const running: BuildServer[] = [];
  const start = async (build: Build, mode: 'solo' | 'accounts') => {
    const server = await startBuild(build, join(folder, `${build.name}-${mode}`), mode);
    running.push(server);
    return server;
  };
  try {
    const prepared: (readonly Calls[])[] = [];
    for (const build of builds) {
      const servers = { solo: await start(build, 'solo'), accounts: await start(build, 'accounts') };
      prepared.push(await prepareCalls(servers, options));
    }
    const [before = [], after = []] = prepared;
    const costs = new Map<string, Pair<CallCost>[]>(before.map(({ name }) => [name, []]));
    for (let round = -WARM_ROUNDS; round < options.rounds && !stopping.signal.aborted; round++) {
      for (const [at, one] of before.entries()) {
        if (stopping.signal.aborted) break;
        const other = after[at] as Calls;
        const pair = await alternate(round + WARM_ROUNDS, [one, other], async (calls) => await calls.measure());
        if (round >= 0) costs.get(one.name)?.push(pair);
      }
      if (round >= 0) console.log(`round ${round + 1} of ${options.rounds}, load ${load()}`);
    }
    console.log('');
    for (const [name, pairs] of costs) {
      for (const [what, unit, digits, pick] of [
        ['CPU per call', 'µs', 1, (cost: CallCost) => cost.cpu],
        ['p50 latency', 'ms', 3, (cost: CallCost) => cost.p50],
      ] as const) {
        reportPair(claims, {
          name: `${name}, ${what}`,
          unit,
          digits,
          before: pairs.map(([cost]) => pick(cost)),
          after: pairs.map(([, cost]) => pick(cost)),
        });
      }
    }
    reportReads(costs, claims);
  } finally {
    for (const server of running) await server.stop();
  }
}

/** Compares the authenticated read with the read of a server without accounts, within each build. */
function reportReads(costs: ReadonlyMap<string, readonly Pair<CallCost>[]>, claims: Claims): void {
  const [solo, reads] = [costs.get(SOLO_READ) ?? [], costs.get(READ) ?? []];
  for (const [at, name] of [
    [0, 'before'],
    [1, 'after'],
  ] as const) {
    for (const what of ['cpu', 'p50'] as const) {
      const ratios = reads.map((pair, round) => pair[at][what] / (solo[round]?.[at][what] ?? Number.NaN));
      const ratio = meanRatio(ratios);
      const { mean, low, high } = ratio;
      const claim = `authenticated read at most ${READ_LIMIT} times a read without accounts (${what})`;
      const kept =
        name === 'before'
          ? ''
          : `, limit ${READ_LIMIT}: ${claims.judge(claim, low <= READ_LIMIT, describeInterval(ratio, ' ×'))}`;
      console.log(
        `${name}: authenticated read / read without accounts, ${what}: ratio ${mean.toFixed(3)}, ` +
          `95 % interval ${low.toFixed(3)} to ${high.toFixed(3)}${kept}`,
      );
    }
  }
}

/** Measures both of a pair, in an order that alternates with the rounds. */
async function alternate<T, R>(
  round: number,
  [before, after]: Pair<T>,
  measure: (one: T) => Promise<R>,
): Promise<Pair<R>> {
  if (round % 2 === 0) {
    const first = await measure(before);
    return [first, await measure(after)];
  }
  const first = await measure(after);
  return [await measure(before), first];
}

function load(): string {
  return (loadavg()[0] ?? 0).toFixed(2);
}

function roundsOf(name: 'starts' | 'rounds'): number {
  const value = Number(flags[name]);
  if (value === 0) return 0;
  if (!Number.isInteger(value) || value < MIN_ROUNDS) {
    throw new Error(`--${name} ${flags[name]}: use 0 or at least ${MIN_ROUNDS}, the interval needs them`);
  }
  return value;
}

function positive(name: 'connections' | 'share'): number {
  const value = Number(flags[name]);
  if (!Number.isFinite(value) || value <= 0) throw new Error(`--${name} ${flags[name]}: use a number above 0`);
  return value;
}
