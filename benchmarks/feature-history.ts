/**
 * Compares the point-in-time join of Feast, with the offline store of its `local` provider (Dask), with
 * `features.build` of Dais, on the same files. It measures the CPU of a training set from Parquet to Parquet: for Dais
 * of all its processes, including its database. Both results must agree. The datasets of Dais have `keys`, as its guide
 * recommends; the CPU of pushing them is reported without a claim.
 *
 * `--entities N` entity rows (default 50,000), `--rows N` rows of each of three views (default 500,000), `--rounds N`
 * joins of both (default 3); `--full` is 1,000,000, 10,000,000 and 1, for which Feast takes 5 GB of memory.
 */
import { mkdir, rename } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startOwn } from './data/own.ts';
import { FEAST, runPeer, type PeerUsage } from './data/peer.ts';
import { openEngine, writeTable } from './data/tables.ts';
import { Claims } from './lib/claims.mjs';
import { benchmarkFolder } from './lib/cleanup.mjs';

const { values: flags } = parseArgs({
  options: {
    full: { type: 'boolean', default: false },
    entities: { type: 'string' },
    rows: { type: 'string' },
    rounds: { type: 'string' },
  },
});
const ENTITIES = Number(flags.entities ?? (flags.full ? 1_000_000 : 50_000));
const ROWS = Number(flags.rows ?? (flags.full ? 10_000_000 : 500_000));
const VIEWS = 3;
const FEATURES = 3;
const TTL_DAYS = 10;
const ROUNDS = Number(flags.rounds ?? (flags.full ? 1 : 3));
/** CPU of Feast divided by that of Dais. Small joins are dominated by the fixed cost of a dataset version. */
const TARGET = ENTITIES >= 1_000_000 ? 6 : 3;
/** Limit of the CPU time per second of an idle server, which only polls; more than it takes on an idle machine. */
const QUIET_MS = 200;
/** Maximum wait in seconds. */
const MOST_ROUNDS = 120;

const folder = benchmarkFolder('feature-history');
const count = (value: number) => value.toLocaleString('en');
const load = () => `load ${loadavg()[0]?.toFixed(2)}`;
console.log(`${cpus().length} cores, ${load()}, Node ${process.version}`);
console.log(
  `${count(ENTITIES)} entity rows, ${VIEWS} views of ${count(ROWS)} rows and ${FEATURES} features, ${ROUNDS} rounds\n`,
);

const files = join(folder, 'files');
await mkdir(files);
const engine = openEngine(folder);
// 30 days of rows with distinct times; entity rows are within the last 20 days. Each has a match: Feast's Dask store
// omits rows without a match, so that the results could not be compared.
const START = `TIMESTAMPTZ '2026-10-01'`;
const DAY_US = 86_400_000_000;
const paths = [
  await writeTable(
    engine,
    files,
    'entities',
    `SELECT range AS entity, ${START} + to_microseconds(${10 * DAY_US} + CAST(hash(range, 'at') % ${20 * DAY_US} AS BIGINT)) AS event_timestamp,
       CAST(hash(range, 'label') % 2 AS BIGINT) AS label FROM range(${ENTITIES})`,
  ),
];
for (let view = 0; view < VIEWS; view++) {
  const values = Array.from(
    { length: FEATURES },
    (_, n) => `CAST(hash(range, ${view * 10 + n}) % 1000003 AS DOUBLE) AS v${view}_${n}`,
  );
  const step = Math.floor((30 * DAY_US) / ROWS);
  paths.push(
    await writeTable(
      engine,
      files,
      `view${view}`,
      `SELECT range % ${ENTITIES} AS entity,
         ${START} + to_microseconds(range * ${step}) AS event_timestamp, ${values.join(', ')} FROM range(${ROWS})`,
    ),
  );
}
await engine.close();
const named = await Promise.all(
  paths.map(async (path) => {
    const plain = path.replace(/-00000\.parquet$/, '.parquet');
    await rename(path, plain);
    return plain;
  }),
);

interface Joined extends PeerUsage {
  readonly rows: number;
  readonly found: readonly number[];
  readonly sums: readonly number[];
}

const own = await startOwn(folder);
let ours: Joined;
try {
  const before = own.cpu();
  const [dialog = '', ...views] = named;
  await own.apply('Entity', 'entity', { type: 'int64' });
  await own.apply('Dataset', 'asking', { eventTime: 'event_timestamp' });
  await own.push('asking', [dialog]);
  for (const [view, path] of views.entries()) {
    await own.apply('Dataset', `rows${view}`, { keys: ['entity', 'event_timestamp'], eventTime: 'event_timestamp' });
    await own.push(`rows${view}`, [path]);
    await own.apply('FeatureView', `view${view}`, {
      entities: ['entity'],
      source: { type: 'dataset', dataset: `rows${view}` },
      eventTime: 'event_timestamp',
      ttl: `${TTL_DAYS}d`,
      features: Array.from({ length: FEATURES }, (_, n) => ({ name: `v${view}_${n}`, type: 'float64' })),
    });
  }
  await quiet();
  console.log(
    `Dais: bringing the files, with their profiles: ${((own.cpu() - before) / 1000).toFixed(1)} CPU s, ${load()}`,
  );
  const names = views.flatMap((_, view) => Array.from({ length: FEATURES }, (_each, n) => `v${view}_${n}`));
  const features = names.map((name) => `view${name.slice(1, 2)}:${name}`);
  const usage = { cpuMs: 0, wallMs: 0, peakBytes: 0 };
  const parts = { queries: 0, database: 0, server: 0 };
  for (let round = 0; round < ROUNDS; round++) {
    // A dataset of its own, because a version with the same data is not created again.
    const to = round === 0 ? 'training' : `training-${round}`;
    const [earlier, begin] = [own.cpuByPart(), performance.now()];
    const { id } = await own.ask<{ id: string }>('POST', '/api/v1/features/builds', {
      features,
      entities: 'asking@1',
      to,
    });
    await own.follow(`/api/v1/features/builds/${id}`);
    const after = own.cpuByPart();
    for (const part of ['queries', 'database', 'server'] as const) {
      parts[part] += (after[part] - earlier[part]) / ROUNDS;
      usage.cpuMs += (after[part] - earlier[part]) / ROUNDS;
    }
    usage.wallMs += (performance.now() - begin) / ROUNDS;
    await quiet();
  }
  const listed = Object.entries(parts).map(([part, ms]) => `${part} ${(ms / 1000).toFixed(2)}`);
  console.log(`Dais: CPU seconds of a training set by part: ${listed.join(', ')}`);
  const request = names.flatMap((name) => [`count(${name}) AS c_${name}`, `sum(${name}) AS s_${name}`]);
  const answer = await own.ask<{ rows: (number | string)[][] }>('POST', '/api/v1/data/query', {
    sql: `SELECT count(*) AS n, ${request.join(', ')} FROM training`,
  });
  const [rows = 0, ...figures] = (answer.rows[0] ?? []).map(Number);
  ours = {
    ...usage,
    rows,
    found: figures.filter((_, at) => at % 2 === 0),
    sums: figures.filter((_, at) => at % 2 === 1),
  };
} finally {
  await own.stop();
}
console.log(`Dais: the training set: ${describeUsage(ours)}, ${load()}`);

const theirs = await runPeer<Joined>(FEAST, files, [
  'feast_history.py',
  files,
  String(VIEWS),
  String(FEATURES),
  String(TTL_DAYS),
  String(ROUNDS),
]);
console.log(
  `Feast: the training set: ${describeUsage(theirs)}, ${(theirs.peakBytes / 2 ** 30).toFixed(2)} GiB at most, ${load()}`,
);

const same =
  ours.rows === theirs.rows &&
  ours.found.join() === theirs.found.join() &&
  ours.sums.every((sum, at) => Math.abs(sum - (theirs.sums[at] ?? NaN)) <= Math.abs(sum) * 1e-9);
if (!same) {
  console.log(JSON.stringify({ ours, theirs }));
  throw new Error('the two answers are not the same');
}
console.log(`both found the same: ${count(ours.rows)} rows, ${count(ours.found.reduce((a, b) => a + b, 0))} values`);
const claims = new Claims();
const times = theirs.cpuMs / ours.cpuMs;
console.log(
  `\nCPU, times less than Feast: ${times.toFixed(1)} (target ${TARGET}: ${claims.judge(`join of ${count(ENTITIES)} entity rows`, times >= TARGET)})`,
);
claims.end();

function describeUsage({ cpuMs, wallMs }: PeerUsage): string {
  return `${(cpuMs / 1000).toFixed(1)} CPU s, ${(wallMs / 1000).toFixed(1)} s`;
}

/** Waits for the background work of the server after a push (profiles, scans for personal data). */
async function quiet(): Promise<void> {
  for (let still = 0, last = own.cpu(), round = 0; still < 3 && round < MOST_ROUNDS; round++) {
    await delay(1000);
    const now = own.cpu();
    still = now - last < QUIET_MS ? still + 1 : 0;
    last = now;
  }
}
