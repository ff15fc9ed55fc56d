/**
 * The same load on `mlflow server` (3.18.0, as its command starts it, on SQLite and on PostgreSQL) and on Dais. All servers run at
 * the same time, and each call is measured on all of them in alternating rounds: CPU of all processes of a server, databases
 * included, over kept connections and with a new connection for each call; then memory. Before its rounds, every server gets the
 * call for six seconds.
 *
 * Data of the searches is written through the API. To MLflow, all runs after the first are copied inside its database
 * (mlflow/copy_run.py), which leaves the same rows.
 *
 * `--store sqlite|postgresql` (default both) selects the database of MLflow.
 * `--alone` measures Dais only, without claims.
 * `--workers N` (default 4, the default of MLflow's command) is the number of processes of its server.
 * `--clients N` (default 4) is the number of calls in progress at the same time.
 * `--runs N,…` (default 400,10000) is the number of runs that the searches cover, in an experiment each.
 * `--rounds N` (default 6) is the number of rounds of each call.
 * `--only PATTERN` measures only the calls that it matches, `--share 0.1` a tenth of the calls: for a quick look.
 */
import { parseArgs } from 'node:util';
import { CallBarrier } from './lib/call-barrier.ts';
import { COMPARISON_FLAGS } from './lib/call-comparison.ts';
import { ServerComparison } from './lib/server-comparison.ts';
import { load } from './mlflow/load.ts';
import { startMlflow, startOwn, type Peer, type Store } from './mlflow/peers.ts';
import { printMemory, targetOf } from './mlflow/tables.ts';

const text = (value: string) => ({ type: 'string', default: value }) as const;
const { values: flags } = parseArgs({
  options: {
    store: { type: 'string' },
    alone: { type: 'boolean', default: false },
    workers: text('4'),
    clients: text('4'),
    runs: text('400,10000'),
    share: text('1'),
    ...COMPARISON_FLAGS,
  },
});
const STORES: readonly Store[] = ['sqlite', 'postgresql'];
const stores = STORES.filter((store) => !flags.alone && (flags.store === undefined || store === flags.store));
if (stores.length === 0 && !flags.alone) throw new Error(`--store is one of ${STORES.join(', ')}, not ${flags.store}`);
const options = { clients: Number(flags.clients), runs: flags.runs.split(',').map(Number), share: Number(flags.share) };
/** Warm-up of each server before each call. */
const WARM_MS = 6000;

const comparison = new ServerComparison('mlflow', {
  unit: 'ms',
  warmMs: WARM_MS * options.share,
  flags,
  note: `${flags.workers} workers of MLflow`,
});
await comparison.run(async () => {
  const { calls, claims, folder } = comparison;
  const servers: Peer[] = [comparison.add(await startOwn(folder))];
  for (const store of stores) {
    servers.push(comparison.add(await startMlflow(folder, store, Number(flags.workers))));
  }
  const barrier = new CallBarrier(calls, { own: 'Dais', servers: servers.length, targetOf });
  const results = await Promise.all(servers.map(async (server) => await load(server, barrier, options)));
  calls.print();
  for (const { name, repeated } of results) {
    if (repeated > 0) console.log(`${name}: ${repeated} calls were sent again, because the server failed`);
  }
  const [own, ...peers] = results;
  if (own !== undefined) printMemory(own, peers, claims);
});
