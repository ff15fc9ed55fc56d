/**
 * Compares the cost of a prediction between two builds of Dais: each starts a gateway with the same bounded ONNX model, and
 * both serve the same requests over HTTP in alternating rounds, over kept connections and with a new connection for each request. CPU
 * is that of all processes of a gateway.
 *
 *     npx tsx --conditions=dais-source benchmarks/gateway-builds.ts --before ../dais-before
 */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { boostedTrees } from '../packages/server/src/engines/inference/onnx/onnx-files.testing.ts';
import { Claims } from './lib/claims.mjs';
import { benchmarkFolder, killAtEnd } from './lib/cleanup.mjs';
import type { ConnectionMode } from './lib/http-client.ts';
import { reportPair } from './lib/paired-report.ts';
import { cpuOf } from './lib/processes.ts';
import { overHttp } from './serving/load.ts';
import type { startGatewayPeer } from './serving/peers.ts';
import { jsonRequest } from './serving/requests.ts';

const HELP = `Compares CPU per request and p50 latency of the gateway between two builds of Dais.

Usage: npx tsx --conditions=dais-source benchmarks/gateway-builds.ts --before FOLDER [options]

  --before FOLDER      checkout of Dais that is the baseline, installed and built (\`npm ci && npm run build\`)
  --after FOLDER       checkout that is compared with it; default: this one
  --rounds NUMBER      rounds; each measures both builds, in alternating order, over kept and new connections; default: 20
  --seconds NUMBER     duration of each measurement (s); default: 3
  --connections NUMBER connections that each send one request after the other; default: 8
  --help               prints this text

It prints the median of each build and the mean of the ratios after/before with its 95 % confidence interval.
A claim is kept when the interval contains 1 or is below it.
`;

const FEATURES = 30;
const MODEL = { features: FEATURES, trees: 100, depth: 6 };
/** Fewer rounds give no useful interval. */
const MIN_ROUNDS = 4;

const { values: flags } = parseArgs({
  options: {
    before: { type: 'string' },
    after: { type: 'string', default: fileURLToPath(new URL('../', import.meta.url)) },
    rounds: { type: 'string', default: '20' },
    seconds: { type: 'string', default: '3' },
    connections: { type: 'string', default: '8' },
    help: { type: 'boolean', default: false },
  },
});

type StartGateway = typeof startGatewayPeer;
type Gateway = Awaited<ReturnType<StartGateway>>;

interface Round {
  /** Microseconds of CPU of one request. */
  readonly cpu: number;
  /** Milliseconds. */
  readonly p50: number;
}

interface RoundPair {
  readonly before: Round;
  readonly after: Round;
}

if (flags.help) console.log(HELP);
else if (flags.before === undefined) {
  // Part of `npm run bench`, which has no second build.
  console.log('Nothing is compared: name the checkout of another build with --before. See --help.');
} else await compareBuilds(resolve(flags.before), resolve(flags.after));

async function compareBuilds(before: string, after: string): Promise<void> {
  const [rounds, seconds, connections] = (['rounds', 'seconds', 'connections'] as const).map(positive) as [
    number,
    number,
    number,
  ];
  if (rounds < MIN_ROUNDS) throw new Error(`--rounds ${rounds}: use at least ${MIN_ROUNDS}, the interval needs them`);
  const folder = benchmarkFolder('gateway-builds');
  const file = join(folder, 'model', 'model.onnx');
  await mkdir(dirname(file));
  await writeFile(file, boostedTrees(MODEL));
  const request = jsonRequest(
    'x',
    Float32Array.from({ length: FEATURES }, (_, at) => Math.sin(at)),
  );
  const gateways: Gateway[] = [];
  try {
    for (const [name, checkout] of Object.entries({ before, after })) {
      await mkdir(join(folder, name));
      const gateway = await startGateway(checkout, join(folder, name), file);
      gateways.push(gateway);
      // A build may be older than the code that ends its processes.
      killAtEnd(-gateway.pid);
      // The just-in-time compiler needs this long.
      await overHttp(gateway.port, request)(connections, Math.max(10, 2 * seconds));
    }
    const [first, second] = gateways as [Gateway, Gateway];
    const measured: Readonly<Record<ConnectionMode, RoundPair[]>> = { kept: [], new: [] };
    const measureOne = async ({ pid, port }: Gateway, mode: ConnectionMode): Promise<Round> => {
      const from = cpuOf([pid]);
      const { requests, failures, p50 } = await overHttp(port, request, mode)(connections, seconds);
      if (failures > 0) throw new Error(`${failures} of ${requests} requests failed`);
      return { cpu: ((cpuOf([pid]) - from) * 1000) / requests, p50 };
    };
    console.log(
      `${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)}, Node ${process.version}; ${MODEL.trees} trees of depth ` +
        `${MODEL.depth}, one row a request, ${connections} connections, ${rounds} rounds of ${seconds} s\n`,
    );
    for (let round = 0; round < rounds; round++) {
      const isReversed = round % 2 === 1;
      for (const mode of ['kept', 'new'] as const) {
        const one = await measureOne(isReversed ? second : first, mode);
        const other = await measureOne(isReversed ? first : second, mode);
        const pair = isReversed ? { before: other, after: one } : { before: one, after: other };
        measured[mode].push(pair);
        console.log(
          `round ${String(round + 1).padStart(2)}, ${mode} connections: before ${shown(pair.before)}; after ` +
            `${shown(pair.after)}; ratio of CPU ${(pair.after.cpu / pair.before.cpu).toFixed(3)}`,
        );
      }
    }
    report(measured);
  } finally {
    for (const gateway of gateways) await gateway.stop();
  }
}

/** Started by the benchmark code of its own checkout, so that each build runs as it is. */
async function startGateway(checkout: string, folder: string, file: string): Promise<Gateway> {
  const peers = join(checkout, 'benchmarks', 'serving', 'peers.ts');
  if (!existsSync(peers))
    throw new Error(`${checkout} is no checkout of Dais with benchmarks/serving: ${peers} is missing`);
  const module = (await import(pathToFileURL(peers).href)) as { readonly startGatewayPeer: StartGateway };
  return await module.startGatewayPeer(folder, file);
}

function report(measured: Readonly<Record<ConnectionMode, readonly RoundPair[]>>): void {
  const claims = new Claims();
  console.log('');
  for (const mode of ['kept', 'new'] as const) {
    for (const [name, unit, digits, pick] of [
      ['CPU per request', 'µs', 1, ({ cpu }: Round) => cpu],
      ['p50 latency', 'ms', 3, ({ p50 }: Round) => p50],
    ] as const) {
      reportPair(claims, {
        name: `${name}, ${mode} connections`,
        unit,
        digits,
        before: measured[mode].map((pair) => pick(pair.before)),
        after: measured[mode].map((pair) => pick(pair.after)),
      });
    }
  }
  claims.end();
}

function shown({ cpu, p50 }: Round): string {
  return `${cpu.toFixed(1)} µs of CPU, p50 ${p50.toFixed(3)} ms`;
}

function positive(name: 'rounds' | 'seconds' | 'connections'): number {
  const value = Number(flags[name]);
  if (!Number.isFinite(value) || value <= 0) throw new Error(`--${name} ${flags[name]}: use a number above 0`);
  return value;
}
