/**
 * The cost of metrics, in CPU time of the server's process and of PostgreSQL together: logging, compaction, reading,
 * searching runs by them, and bytes per point on disk. The database is a test server on the same machine (no fsync).
 * CPU times, because wall time depends on other work of the machine: consider the printed load.
 *
 * Limits of calls are a tenth (logging) or a twentieth (reading) of what MLflow's server took for such a call in an
 * earlier measurement on another machine, HTTP included: goals. How the two compare is measured by mlflow-server.ts, in
 * one run.
 *
 * `--points N` (default 10 million) is how large the set for sizes and for reading is; the claims are made for 100
 * million.
 */
import { parseArgs } from 'node:util';
import { appendMetrics } from '../packages/server/src/ledgers/tracking/metrics/append.ts';
import { chartSeries } from '../packages/server/src/ledgers/tracking/metrics/chart.ts';
import { readHistory } from '../packages/server/src/ledgers/tracking/metrics/history.ts';
import type { LoggedPoint, MetricRun } from '../packages/server/src/ledgers/tracking/metrics/logged-points.ts';
import { metricPoints } from '../packages/server/src/ledgers/tracking/metrics/metric-value.ts';
import { pointAt } from '../packages/server/src/ledgers/tracking/metrics/points.ts';
import { sampleSeries } from '../packages/server/src/ledgers/tracking/metrics/sample.ts';
import { RowCache } from '../packages/server/src/ledgers/tracking/row-cache.ts';
import type { Home } from '../packages/server/src/ledgers/tracking/experiments/experiment-lookup.ts';
import { searchRuns } from '../packages/server/src/ledgers/tracking/search/run-search.ts';
import { startMetricWorld } from '../packages/server/src/ledgers/tracking/metrics/testing/metric-world.ts';
import { Report, ServerCpu } from './lib/server-cpu.ts';

const { values: flags } = parseArgs({ options: { points: { type: 'string', default: '10000000' } } });
const POINTS = Number(flags.points);
const LONG = 1_000_000;
const RUNS = 100;
const KEYS = 10;

const world = await startMetricWorld();
const cpu = new ServerCpu(world.test.connection);
const report = new Report();

const log = async (run: MetricRun, points: readonly LoggedPoint[]) =>
  await world.write(run, (tx) => appendMetrics(tx, run, points));
const START = 1_770_000_000_000;
/** A falling, noisy loss in double precision, at times as a training loop makes them. */
const pointOf = (key: string, step: number): LoggedPoint => ({
  key,
  step,
  timestamp: START + step * 250 + ((step * 7919) % 37),
  value: Math.exp(-step / 3e5) + 0.05 * Math.sin(step / 50) + ((step * 7919) % 1000) / 20_000,
});
const stretch = (key: string, from: number, n: number) => Array.from({ length: n }, (_, i) => pointOf(key, from + i));

const run = await world.newRun();
await cpu.measure(300, (step) => log(run, [pointOf('warm', step)]));
report.print(
  'log one point',
  await cpu.measure(2000, (step) => log(run, [pointOf('loss', step)])),
  'ms CPU/call',
  0.77,
);
const ten = (step: number) => Array.from({ length: 10 }, (_, n) => pointOf(`metric ${n}`, step));
report.print('log 10 metrics', await cpu.measure(500, (step) => log(run, ten(step))), 'ms CPU/call', 1.16);
report.print(
  'log 1,000 points of one metric',
  await cpu.measure(200, (n) => log(run, stretch('long', n * 1000, 1000))),
  'ms CPU/call',
  8.4,
);
const wide = (step: number) => Array.from({ length: 1000 }, (_, n) => pointOf(`wide ${n}`, step));
report.print('log 1,000 metrics, the first time', await cpu.measure(1, () => log(run, wide(0))), 'ms CPU/call');
report.print('log 1,000 metrics', await cpu.measure(30, (step) => log(run, wide(step + 1))), 'ms CPU/call', 13.6);
report.print(
  'log 1,000 points again that are in a chunk',
  await cpu.measure(50, (n) => log(run, stretch('long', n * 1000, 1000))),
  'ms CPU/call',
);
report.print('log one point again', await cpu.measure(500, (step) => log(run, [pointOf('loss', step)])), 'ms CPU/call');

const tails = await world.newRun();
for (let n = 0; n < 40; n++) await log(tails, stretch('a', n * 250, 250));
for (let n = 0; n < 40; n++) await log(tails, stretch('b', n * 250, 250));
const compacted = await cpu.measure(1, () => world.compact(tails));
report.print('compaction of 20,000 points of tails', 20_000 / (compacted / 1000), 'points/CPU s');

// The set for sizes and for reading: a long series, and in each of the runs the same metrics, 10,000 points at a time.
const many = await world.newRun();
const runs: (typeof many)[] = [];
while (runs.length < RUNS) runs.push(await world.newRun());
const size = async () => {
  const [row] = await world.test.asAdmin(`select sum(pg_total_relation_size(c.oid))::float8 as bytes from pg_class c
    join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'tracking' and c.relname like 'metric%' and c.relkind = 'r'`);
  return Number(row?.['bytes']);
};
const before = await size();
let written = 0;
const filled = await cpu.measure(1, async () => {
  for (let step = 0; step < LONG; step += 1000) {
    await log(many, stretch('long', step, 1000));
    written += 1000;
  }
  for (let n = 0; written < POINTS; n++) {
    const key = `metric ${Math.floor(n / RUNS) % KEYS}`;
    const from = Math.floor(n / RUNS / KEYS) * 10_000;
    for (let step = from; step < from + 10_000; step += 1000)
      await log(runs[n % RUNS] ?? many, stretch(key, step, 1000));
    written += 10_000;
  }
});
report.print(
  `log ${(written / 1e6).toFixed(0)} million points, 1,000 a call`,
  written / (filled / 1000),
  'points/CPU s',
);
await world.test.asAdmin('vacuum analyze');
const perPoint = ((await size()) - before) / written;
report.print('bytes a point, indexes and all', perPoint, 'bytes', 12);
report.print('100 million points', (perPoint * 1e8) / 1e9, 'GB', 1.2);

const long = await world.seriesOf(many, 'long');
const other = await world.seriesOf(runs[0] ?? many, 'metric 0');
const read = async <T>(work: Parameters<typeof world.read<T>>[1]) => await world.read(many, work);
const everything = { from: undefined, to: undefined };
await read(({ sql }) => chartSeries(sql, [long], 'step', everything, 1000));
report.print(
  'chart of 1 million points, 1,000 buckets',
  await cpu.measure(30, () => read(({ sql }) => chartSeries(sql, [long], 'step', everything, 1000))),
  'ms CPU',
  20,
);
report.print(
  'the same over time',
  await cpu.measure(30, () => read(({ sql }) => chartSeries(sql, [long], 'time', everything, 1000))),
  'ms CPU',
  20,
);
report.print(
  'its first 100,000 steps, 1,000 buckets',
  await cpu.measure(20, () => read(({ sql }) => chartSeries(sql, [long], 'step', { from: 0, to: 100_000 }, 1000))),
  'ms CPU',
);
report.print(
  'chart of 1 million points, 4,000 buckets',
  await cpu.measure(5, () => read(({ sql }) => chartSeries(sql, [long], 'step', everything, 4000))),
  'ms CPU',
);
report.print(
  'chart of 10,000 points, 1,000 buckets',
  await cpu.measure(50, () => read(({ sql }) => chartSeries(sql, [other], 'step', everything, 1000))),
  'ms CPU',
);
const page = async () =>
  JSON.stringify(metricPoints((await read(({ sql }) => readHistory(sql, long, 25_000, undefined))).points));
await page();
report.print('history of 25,000 points, as JSON', await cpu.measure(20, page), 'ms CPU', 45.8);
const middle = pointAt(
  (await read(({ sql }) => readHistory(sql, long, 1, { ...pointOf('', 700_000), value: 0 }))).points,
  0,
);
report.print(
  'the same, from the middle of a million',
  await cpu.measure(20, () => read(({ sql }) => readHistory(sql, long, 25_000, middle))),
  'ms CPU',
);
const part = { from: 0, to: 40_999 };
report.print(
  'sample of 320 of 41,000 points',
  await cpu.measure(20, () => read(({ sql }) => sampleSeries(sql, [long], part, 320))),
  'ms CPU',
  10,
);
report.print(
  'sample of 320 of 1 million points',
  await cpu.measure(10, () => read(({ sql }) => sampleSeries(sql, [long], everything, 320))),
  'ms CPU',
);

const input = {
  view: 'active',
  limit: 100,
  experimentIds: [String(many.experiment)],
  filter: "metrics.`metric 0` > -1 and status = 'RUNNING'",
  orderBy: ['metrics.`metric 0` DESC'],
} as const;
const originTags = { parent: 'parent', commit: 'commit', repository: 'repository', entryPoint: 'program' };
const options = { artifactRoot: 'artifacts:', nameTag: 'name', contextTag: 'context', originTags };
// A search uses only the input of its call.
const homes = new RowCache<Home>();
const call = { input } as unknown as Parameters<typeof searchRuns>[1];
const search = async () => (await read((tx) => searchRuns(tx, call, options, homes))).items.length;
const found = await search();
report.print(`search: ${found} runs of these, by a metric`, await cpu.measure(50, search), 'ms CPU', 30);

await world.test.stop();
report.end();
