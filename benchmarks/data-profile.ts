/**
 * The profile and the validation of a version, in CPU time of the query process and its memory. First Dais alone, then
 * compared with ydata-profiling, Great Expectations and TensorFlow Data Validation on one smaller file: all start with
 * the Parquet file and loaded libraries. Peers that do not install are omitted, with the reason.
 *
 * `--rows N` for Dais alone (default 10,000,000, of which the claim is; scaled for others); `--peer-rows N` (default
 * 50,000) for the comparison; `--full` is 1,000,000. `--alone` omits the peers.
 */
import { mkdir } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { expectationSchema } from '../packages/api/src/data/index.ts';
import type { QueryEngine, QueryResult } from '../packages/server/src/engines/query/contract.ts';
import { CheckQueries } from '../packages/server/src/ledgers/quality/checks/check-queries.ts';
import { runChecks } from '../packages/server/src/ledgers/quality/checks/run-checks.ts';
import { makeProfile } from '../packages/server/src/ledgers/quality/profile/make-profile.ts';
import { here, runPeer, type PeerUsage } from './data/peer.ts';
import { openEngine, twentyColumns, writeTable } from './data/tables.ts';
import { Claims } from './lib/claims.mjs';
import { benchmarkFolder } from './lib/cleanup.mjs';

const { values: flags } = parseArgs({
  options: {
    rows: { type: 'string' },
    'peer-rows': { type: 'string' },
    full: { type: 'boolean', default: false },
    alone: { type: 'boolean', default: false },
  },
});
const ROWS = Number(flags.rows ?? 10_000_000);
const PEER_ROWS = Number(flags['peer-rows'] ?? (flags.full ? 1_000_000 : 50_000));
const GIBIBYTE = 1024 ** 3;
/** For 10 million rows of 20 columns. */
const PROFILE_CPU_SECONDS = 30;
const TARGET = 10;

const folder = benchmarkFolder('data-profile');
const claims = new Claims();
const count = (value: number) => value.toLocaleString('en');
const load = () => `load ${loadavg()[0]?.toFixed(2)}`;
console.log(`${cpus().length} cores, ${load()}, Node ${process.version}\n`);
await mkdir(join(folder, 'files'));
const engine = openEngine(folder);

/** What several jobs took together. */
class Usage {
  cpuMs = 0;
  peakBytes = 0;

  /** The engine, counted. */
  of(counted: QueryEngine): QueryEngine {
    const run: QueryEngine['run'] = async (job, options) => this.#add(await counted.run(job, options));
    return Object.assign(Object.create(counted) as QueryEngine, { run });
  }

  #add(result: QueryResult): QueryResult {
    this.cpuMs += result.usage.cpuMs;
    this.peakBytes = Math.max(this.peakBytes, result.usage.peakMemoryBytes);
    return result;
  }
}

async function tableOf(path: string) {
  const files = [{ path, format: 'parquet' as const }];
  const { columns } = await engine.describe({ files });
  return { files, columns: columns.map(({ name, type }) => ({ name, type, nullable: true })) };
}

async function profile(path: string, rows: number, keys: readonly string[]): Promise<Usage> {
  const { files, columns } = await tableOf(path);
  const usage = new Usage();
  const request = { version: 'of a benchmark', rows, columns, keys, data: { files, columns }, owner: 'benchmark' };
  await makeProfile(usage.of(engine), request, { now: Date.now });
  return usage;
}

const format = ({ cpuMs, peakBytes }: Pick<PeerUsage, 'cpuMs' | 'peakBytes'>) =>
  `${(cpuMs / 1000).toFixed(1)} CPU s, ${(peakBytes / GIBIBYTE).toFixed(2)} GiB`;

const large = await writeTable(engine, join(folder, 'files'), 'large', twentyColumns(ROWS));
const lag = monitorEventLoopDelay({ resolution: 10 });
lag.enable();
for (const keys of [['id'], []]) {
  const usage = await profile(large, ROWS, keys);
  const allowed = (PROFILE_CPU_SECONDS * ROWS) / 10_000_000;
  const what = `profile of a dataset ${keys.length > 0 ? 'with keys' : 'without keys'}`;
  const kept = claims.judge(what, usage.cpuMs / 1000 <= allowed, format(usage));
  const within = claims.judge(`${what} within 2 GiB`, usage.peakBytes <= 2 * GIBIBYTE, format(usage));
  console.log(
    `${what}, ${count(ROWS)} × 20: ${format(usage)} (target: ${allowed.toFixed(1)} CPU s: ${kept}; 2 GiB: ${within}), ${load()}`,
  );
}
lag.disable();
const p99 = Math.max(0, lag.percentile(99) / 1e6 - 10);
console.log(`event loop of this process meanwhile: p99 ${p99.toFixed(1)} ms late (at most 50 on an idle machine)`);

if (!flags.alone) {
  const small = await writeTable(engine, join(folder, 'files'), 'small', twentyColumns(PEER_ROWS));
  const profiled = await profile(small, PEER_ROWS, []);
  const validated = await validate(small);
  console.log(`\n${count(PEER_ROWS)} × 20: profile ${format(profiled)}; validation ${format(validated)}`);
  const requirements = (name: string) => ({ name, requirements: here(`requirements-${name}.txt`) });
  const peers = [
    { what: 'ydata-profiling, minimal', of: 'ydata', script: ['ydata_profile.py', small, 'minimal'], own: profiled },
    {
      what: 'Great Expectations',
      of: 'great-expectations',
      script: ['great_expectations_checks.py', small, String(PEER_ROWS)],
      own: validated,
    },
    { what: 'TFDV', of: 'tfdv', script: ['tfdv_validate.py', small], own: profiled },
  ];
  for (const { what, of, script, own } of peers) {
    try {
      const usage = await runPeer<PeerUsage>(requirements(of), join(folder, of), script);
      const times = usage.cpuMs / own.cpuMs;
      const kept = claims.judge(`${TARGET} times less CPU than ${what}`, times >= TARGET, `${times.toFixed(1)} ×`);
      console.log(`${what}: ${format(usage)}; times less: ${times.toFixed(1)} (target ${TARGET}: ${kept}), ${load()}`);
    } catch (error) {
      console.log(`${what} is left out: ${String(error).slice(-300)}`);
    }
  }
}
await engine.close();
claims.end();

/** The same checks as great_expectations_checks.py. @throws Error where one fails. */
async function validate(path: string): Promise<Usage> {
  const { files, columns } = await tableOf(path);
  const usage = new Usage();
  const numbers = Array.from({ length: 14 }, (_, n) => `f${n}`);
  const expectations = [
    { type: 'rowCount', min: PEER_ROWS, max: PEER_ROWS },
    { type: 'unique', columns: ['id'] },
    { type: 'completeness', columns: [...numbers, 'id', 'ent', 's0', 's1'] },
    { type: 'range', columns: numbers, min: 0, max: 200_000 },
    { type: 'domain', columns: ['s0'], values: Array.from({ length: 100 }, (_, n) => `value ${n}`) },
    { type: 'pattern', columns: ['s1'], pattern: 'value [0-9]+' },
    { type: 'length', columns: ['s1'], min: 7, max: 10 },
    { type: 'statistic', columns: ['f0'], statistic: 'mean', min: 0, max: 100_000 },
  ].map((one) => expectationSchema.parse(one));
  const results = await runChecks(expectations, {
    columns,
    rows: PEER_ROWS,
    createdAt: Date.now(),
    keys: [],
    others: new Map(),
    queries: new CheckQueries(usage.of(engine), { data: { files, columns } }, { owner: 'benchmark' }),
    unexpected: (error) => {
      throw error;
    },
  });
  const broken = results.filter(({ outcome }) => outcome !== 'passed');
  if (broken.length > 0) throw new Error(JSON.stringify(broken));
  return usage;
}
