/**
 * The same load against `mlflow server` (3.18.0, as its command starts it, on SQLite and on PostgreSQL) and against Dais,
 * in one run: what each call costs the server in CPU of all its processes, databases too, what the clients saw of it, and
 * memory. Targets are of CPU, because wall time says more about what else the machine does: read the load beside it. Before each
 * line every server is called so for six seconds that are not measured.
 *
 * Data of the searches is written through the API, but to MLflow all runs after the first are copied inside its database
 * (mlflow/copy_run.py), which leaves the same rows.
 *
 * `--store sqlite|postgresql` (default both, one after the other) is what stands behind MLflow.
 * `--alone` measures Dais only, without claims.
 * `--workers N` (default 4, as MLflow's command has it) is how many processes of its server answer.
 * `--clients N` (default 4) is how many calls are under way at once.
 * `--runs N,…` (default 400,10000) is how many runs the searches cover, in an experiment each.
 * `--only PATTERN` measures only the lines that it matches, `--share 0.1` a tenth of the calls: for a quick look.
 */
import { rmSync } from 'node:fs';
import { chmod, mkdtemp } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Claims } from './lib/claims.mjs';
import { load, type LoadResult } from './mlflow/load.ts';
import { startMlflow, startOwn, type Store } from './mlflow/peers.ts';
import { tellCpu, tellLoad } from './mlflow/tables.ts';

const text = (value: string) => ({ type: 'string', default: value }) as const;
const { values: flags } = parseArgs({
  options: {
    store: { type: 'string' },
    alone: { type: 'boolean', default: false },
    workers: text('4'),
    clients: text('4'),
    runs: text('400,10000'),
    only: text(''),
    share: text('1'),
  },
});
const STORES: readonly Store[] = ['sqlite', 'postgresql'];
const stores = STORES.filter((store) => !flags.alone && (flags.store === undefined || store === flags.store));
if (stores.length === 0 && !flags.alone) throw new Error(`--store is one of ${STORES.join(', ')}, not ${flags.store}`);
const options = {
  clients: Number(flags.clients),
  runs: flags.runs.split(',').map(Number),
  only: new RegExp(flags.only),
  share: Number(flags.share),
};

const folder = await mkdtemp(join(tmpdir(), 'dais-benchmark-mlflow-'));
// PostgreSQL runs as another user when this runs as root.
await chmod(folder, 0o755);
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
const now = () => `load ${loadavg()[0]?.toFixed(2)}`;

console.log(`${cpus().length} cores, ${now()}, Node ${process.version}; ${flags.workers} workers of MLflow`);
const results: LoadResult[] = [];
const starts = [
  ...stores.map((store) => () => startMlflow(folder, store, Number(flags.workers))),
  () => startOwn(folder),
];
for (const start of starts) {
  const begin = performance.now();
  const peer = await start();
  try {
    const result = await load(peer, options);
    const repeated = result.repeated === 0 ? '' : `; ${result.repeated} calls were sent again, because it had failed`;
    console.log(`${peer.name}: done after ${((performance.now() - begin) / 1000).toFixed(0)} s, ${now()}${repeated}`);
    results.push(result);
  } finally {
    await peer.stop();
  }
}
const own = results.at(-1);
if (own === undefined) throw new Error('nothing was measured');
const claims = new Claims();
tellCpu(results.slice(0, -1), own, claims);
tellLoad(results);
claims.end();
