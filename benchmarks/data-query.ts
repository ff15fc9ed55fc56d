/**
 * The cost of the query engine: a CSV converted strictly to Parquet, and a profile of every column in one scan, in CPU
 * time of the query process and its memory; and the event loop delay of this process meanwhile. `DAIS_BENCH_ROWS`
 * (default 10 million) rows of 20 columns, and a fifth of them as CSV. Claims are those of 10 million rows, scaled.
 * Compare CPU time, not wall time.
 */
import { mkdir } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { QueryResult } from '../packages/server/src/engines/query/contract.ts';
import { openDuckdbQuery } from '../packages/server/src/engines/query/duckdb/duckdb-query.ts';
import { aggregate, column, named, scan } from '../packages/server/src/engines/query/model/build.ts';
import type { NamedExpression, Relation } from '../packages/server/src/engines/query/model/query-tree.ts';
import { systemClock } from '../packages/server/src/lib/clock.ts';
import { Claims } from './lib/claims.mjs';
import { benchmarkFolder } from './lib/cleanup.mjs';

const ROWS = Number(process.env['DAIS_BENCH_ROWS'] ?? 10_000_000);
const GIBIBYTE = 1024 ** 3;
/** For 10 million rows of 20 columns. */
const PROFILE_CPU_SECONDS = 30;

const claims = new Claims();
const folder = benchmarkFolder('data-query');
await mkdir(join(folder, 'out'));
const engine = openDuckdbQuery({
  folder: join(folder, 'scratch'),
  memoryMb: 2048,
  tempMb: 32_768,
  clock: systemClock,
  log: { debug: () => {}, info: () => {}, warn: console.error, error: console.error },
});

const numbers = Array.from({ length: 14 }, (_, n) => `f${n}`);
const values = numbers.map((name, n) => `(hash(range, ${n}) % 1000003) / ${n + 7}.0::DOUBLE AS ${name}`);
const texts = [100, 5000].map((count, n) => `'value ' || (hash(range, 's${n}') % ${count}) AS s${n}`);
const sql = `SELECT range AS id, (hash(range, 'k') % 500000)::BIGINT AS ent, ${values.join(', ')}, ${texts.join(', ')},
  DATE '2020-01-01' + (range % 2000)::INTEGER AS d, TIMESTAMPTZ '2020-01-01' + to_seconds(range) AS at FROM range(${ROWS})`;
const made: Relation = { type: 'sql', dialect: 'duckdb', sql, views: {} };

const printResult = (what: string, { usage }: QueryResult, words = '') =>
  console.log(
    `${what}: ${(usage.cpuMs / 1000).toFixed(1)} CPU s, ${(usage.wallMs / 1000).toFixed(1)} s, ${(usage.peakMemoryBytes / GIBIBYTE).toFixed(2)} GiB ${words}`,
  );

console.log(
  `${cpus().length} cores, load ${loadavg()[0]?.toFixed(2)}, Node ${process.version}, ${ROWS.toLocaleString('en')} rows\n`,
);
const parquet = await engine.run({
  tables: {},
  query: made,
  output: { type: 'parquet', folder: join(folder, 'out'), name: 'all' },
});
printResult(
  `made, ${parquet.files.length} files, ${(parquet.files.reduce((sum, { bytes }) => sum + bytes, 0) / 1e6).toFixed(0)} MB`,
  parquet,
);

const files = parquet.files.map((file) => ({ path: file.path, format: 'parquet' as const }));
const few: Relation = { type: 'limit', from: scan('t'), count: Math.ceil(ROWS / 5) };
const csv = join(folder, 'out', 'few.csv');
printResult(
  'a fifth written as CSV',
  await engine.run({ tables: { t: { files } }, query: few, output: { type: 'csv', path: csv } }),
);
const ingested = await engine.run({
  tables: { t: { files: [{ path: csv, format: 'csv' }] } },
  query: scan('t'),
  output: { type: 'parquet', folder: join(folder, 'out'), name: 'few', split: { type: 'content', rows: 100_000 } },
});
printResult(`that CSV read strictly, cut by content into ${ingested.files.length} files`, ingested);

const profile: NamedExpression[] = [
  named('rows', aggregate('count')),
  ...parquet.columns.flatMap(({ name, type }) => [
    named(`${name}.count`, aggregate('count', [column(name)])),
    named(`${name}.distinct`, aggregate('approx-count-distinct', [column(name)])),
    named(`${name}.min`, aggregate('min', [column(name)])),
    named(`${name}.max`, aggregate('max', [column(name)])),
    ...(type === 'float64'
      ? [
          named(`${name}.mean`, aggregate('mean', [column(name)])),
          named(`${name}.stddev`, aggregate('stddev', [column(name)])),
          named(`${name}.quantiles`, aggregate('approx-quantiles', [column(name)], { parameters: [0.25, 0.5, 0.75] })),
        ]
      : []),
  ]),
];
const lag = monitorEventLoopDelay({ resolution: 10 });
lag.enable();
const profiled = await engine.run({
  tables: { t: { files } },
  query: { type: 'aggregate', from: scan('t'), by: [], columns: profile },
  output: { type: 'rows', limit: 1 },
});
lag.disable();
const allowed = (PROFILE_CPU_SECONDS * ROWS) / 10_000_000;
const kept = claims.judge(
  'profile in one scan',
  profiled.usage.cpuMs / 1000 <= allowed,
  `${(profiled.usage.cpuMs / 1000).toFixed(1)} CPU s`,
);
printResult('profile of 20 columns in one scan', profiled, `(target: ${allowed.toFixed(1)} CPU s: ${kept})`);
const within = claims.judge('profile within 2 GiB', profiled.usage.peakMemoryBytes <= 2 * GIBIBYTE);
console.log(`its memory: ${(profiled.usage.peakMemoryBytes / GIBIBYTE).toFixed(2)} GiB (target: 2: ${within})`);
const p99 = (lag.percentile(99) - 10_000_000) / 1e6;
console.log(`event loop of this process meanwhile: p99 ${p99.toFixed(1)} ms late (at most 50 on an idle machine)`);

await engine.close();
claims.end();
