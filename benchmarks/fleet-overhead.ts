/**
 * The same work on one tree of processes and on three that share a database, a blob store and the traffic: CPU of all processes with the
 * database, in rounds that alternate. Each installation has a database server of its own, and only the one at work is measured.
 *
 * Few calls at the same time cost more on three trees: each tree gets a third of them, so fewer share a turn of the event loop, a
 * transaction or a batch of a model. Predictions have connections of their own, as applications do.
 */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startTestDatabase } from '../packages/server/src/engines/database/testing.ts';
import { startDaisProcess, treeOf } from '../packages/server/src/testing/dais-process.ts';
import { isServing, servingClient } from '../packages/server/src/testing/serving-client.ts';
import { useBuilt } from './lib/built.ts';
import { Claims } from './lib/claims.mjs';
import { benchmarkFolder, killAtEnd } from './lib/cleanup.mjs';
import { HttpClient, type HttpCall } from './lib/http-client.ts';
import { describeMachine } from './lib/own-server.ts';
import { describeInterval, meanRatio, ratioOf } from './lib/paired-ratio.ts';
import { cpuByPart, cpuOf } from './lib/processes.ts';
import { resultTable } from './lib/result-table.mjs';

const { values: flags } = parseArgs({ options: { rounds: { type: 'string', default: '6' } } });
const ROUNDS = Number(flags.rounds);
const LIMIT = 1.15;
const TREES = 3;
/** Calls at the same time, to all trees together: a quiet installation, and one that needs three trees. */
const CONCURRENCIES = [6, 48] as const;
const RUNS = 48;
const BATCHES = 12;
const SEARCHES = 96;
const PREDICTIONS = 4800;
const SETTLE_MS = 5000;
const BATCH_METRICS = 10;

const MODEL = 'scored';
const INFER = JSON.stringify({ inputs: [{ name: 'x', shape: [1, 1], datatype: 'FP32', data: [3] }] });

interface Installation {
  readonly name: string;
  readonly pids: readonly number[];
  /** In turn one client of each tree, as a load balancer sends new connections. */
  readonly next: () => HttpClient;
  readonly nextForPredictions: () => HttpClient;
  readonly experiment: string;
  readonly stop: () => Promise<void>;
}

useBuilt();
const claims = new Claims();
const folder = benchmarkFolder('fleet-overhead');

async function install(name: string, count: number): Promise<Installation> {
  const known = new Set(treeOf(process.pid));
  const server = await startTestDatabase([]);
  const database = treeOf(process.pid).filter((pid) => !known.has(pid));
  const { host, user, database: schema } = await server.emptyDatabase();
  const trees: ReturnType<typeof startDaisProcess>[] = [];
  const urls: string[] = [];
  const releases: (() => void)[] = [];
  for (let number = 1; number <= count; number += 1) {
    const tree = startDaisProcess({
      data: join(folder, `${name}-${number}`),
      'keys.folder': join(folder, `${name}-keys`),
      'blobs.folder': join(folder, `${name}-blobs`),
      'database.url': `postgres://${user}@/${schema}?host=${encodeURIComponent(host)}`,
      'node.join': 'open',
    });
    releases.push(killAtEnd(tree.process.pid ?? 0));
    trees.push(tree);
    urls.push(await tree.ready);
  }
  const connections = Math.max(...CONCURRENCIES);
  const clients = [0, 1].map(() => urls.map((url) => new HttpClient(url, { mode: 'kept', connections })));
  const [next, nextForPredictions] = clients.map((some) => {
    let calls = 0;
    return () => some[calls++ % some.length]!;
  }) as [() => HttpClient, () => HttpClient];
  const serving = servingClient(urls[0] ?? '');
  const version = await serving.register(MODEL, 2);
  await serving.call('POST', `/api/v1/serving/endpoints/${MODEL}/deploy`, { model: `models:/${MODEL}/${version}` });
  const isReady = (status: Parameters<typeof isServing>[0]) =>
    isServing(status) &&
    status.variants?.every(({ gateways }) => gateways === undefined || gateways.ready === count) === true;
  await serving.settled(MODEL, isReady);
  const body = JSON.stringify({ name: 'measured' });
  const { experiment_id: experiment } = await next().json<{ experiment_id: string }>(
    mlflow('experiments/create', body),
  );
  return {
    name,
    pids: [...trees.map((tree) => tree.process.pid ?? 0), ...database],
    next,
    nextForPredictions,
    experiment,
    stop: async () => {
      for (const client of clients.flat()) await client.close();
      for (const tree of trees) tree.process.kill('SIGTERM');
      await Promise.all(trees.map((tree) => tree.ended));
      for (const release of releases) release();
      await server.stop();
    },
  };
}

function mlflow(path: string, body: string): HttpCall {
  return { method: 'POST', path: `/api/2.0/mlflow/${path}`, body };
}

/** Starts up to `atOnce` of `count` works at the same time. */
async function all(atOnce: number, count: number, work: () => Promise<unknown>): Promise<void> {
  let started = 0;
  const one = async () => {
    while (started++ < count) await work();
  };
  await Promise.all(Array.from({ length: atOnce }, one));
}

const PARTS: Readonly<Record<string, (installation: Installation, atOnce: number) => Promise<void>>> = {
  'runs with metrics': async ({ next, experiment }, atOnce) =>
    await all(atOnce, RUNS, async () => {
      const created = mlflow('runs/create', JSON.stringify({ experiment_id: experiment, start_time: Date.now() }));
      const { run } = await next().json<{ run: { info: { run_id: string } } }>(created);
      const { run_id: id } = run.info;
      for (let step = 0; step < BATCHES; step += 1) {
        const metrics = Array.from({ length: BATCH_METRICS }, (_, key) => ({
          key: `metric ${key}`,
          value: Math.random(),
          timestamp: Date.now(),
          step,
        }));
        await next().json(mlflow('runs/log-batch', JSON.stringify({ run_id: id, metrics })));
      }
      await next().json(
        mlflow('runs/update', JSON.stringify({ run_id: id, status: 'FINISHED', end_time: Date.now() })),
      );
    }),
  'searches of runs': async ({ next, experiment }, atOnce) =>
    await all(atOnce, SEARCHES, async () => {
      const filter = 'metrics.`metric 0` < 0.5';
      const search = { experiment_ids: [experiment], filter, max_results: 50 };
      await next().json(mlflow('runs/search', JSON.stringify(search)));
    }),
  predictions: async ({ nextForPredictions }, atOnce) =>
    await all(atOnce, PREDICTIONS, async () => {
      await nextForPredictions().send({ method: 'POST', path: `/v2/models/${MODEL}/infer`, body: INFER });
    }),
};

console.log(`${ROUNDS} rounds; ${describeMachine()}`);
const one = await install('one', 1);
const three = await install('three', TREES);
const costs = new Map<string, Readonly<Record<'one' | 'three', number[]>>>();
const costsOf = (part: string) => {
  const known = costs.get(part) ?? { one: [], three: [] };
  costs.set(part, known);
  return known;
};
const allAt = (atOnce: number) => `all, ${atOnce} at once`;
const databases = { one: 0, three: 0 };
for (let round = -1; round < ROUNDS; round += 1) {
  for (const [name, installation] of round % 2 === 0
    ? ([
        ['three', three],
        ['one', one],
      ] as const)
    : ([
        ['one', one],
        ['three', three],
      ] as const)) {
    await delay(SETTLE_MS);
    const databaseFrom = cpuByPart(installation.pids).database;
    for (const atOnce of CONCURRENCIES) {
      let total = 0;
      for (const [part, work] of Object.entries(PARTS)) {
        const from = cpuOf(installation.pids);
        await work(installation, atOnce);
        const cost = cpuOf(installation.pids) - from;
        // The first round warms up.
        if (round >= 0) costsOf(`${part}, ${atOnce} at once`)[name].push(cost);
        total += cost;
      }
      if (round >= 0) costsOf(allAt(atOnce))[name].push(total);
    }
    if (round >= 0) databases[name] += cpuByPart(installation.pids).database - databaseFrom;
  }
}
await one.stop();
await three.stop();

const rows = [...costs].map(([part, { one: single, three: shared }]) => [
  part,
  describeInterval(meanRatio(single), ' ms'),
  describeInterval(meanRatio(shared), ' ms'),
  describeInterval(ratioOf(shared, single), ' ×'),
]);
console.log(`\n${resultTable('CPU of a round', ['work', 'one tree', 'three trees', 'ratio'], rows)}`);
const share = (part: 'one' | 'three') => `${Math.round(databases[part] / ROUNDS)} ms`;
console.log(`\nof that the database: ${share('one')} of one tree, ${share('three')} of three trees`);
for (const atOnce of CONCURRENCIES) {
  const { one: single, three: shared } = costsOf(allAt(atOnce));
  const overhead = ratioOf(shared, single);
  const claim = `the same work on three trees, ${atOnce} calls at once: at most ${LIMIT} × the CPU of one`;
  const measured = describeInterval(overhead, ' ×');
  console.log(
    `overhead of three trees, ${atOnce} at once: ${measured}: ${claims.judge(claim, overhead.mean <= LIMIT, measured)}`,
  );
}
claims.end();
