/** The load: the same calls in the same order for every server, so that all have the same data at each step. */
import { fileURLToPath } from 'node:url';
import type { CallBarrier } from '../lib/call-barrier.ts';
import { loadFigures } from '../lib/load.ts';
import { memoryOf } from '../lib/processes.ts';
import { MlflowClient, type LoggedPoint } from './client.ts';
import { Meter } from './meter.ts';
import type { Peer } from './peers.ts';
import { exportOf } from './spans.ts';

const LOOPS_PROGRAM = fileURLToPath(new URL('./training_loops.py', import.meta.url));
const START = 1_770_000_000_000;
/** The requests of MLflow's user interface. */
const PAGE = 25_000;
const ARTIFACT_BYTES = 10_000_000;
/** Each in a process of its own. */
const LOOPS = 16;
const STEPS = 40;

export interface LoadOptions {
  readonly clients: number;
  /** Share of the calls, for a quick look. */
  readonly share: number;
  /** Sizes of the experiments that the searches cover. Each run has 20 metrics and 20 parameters. */
  readonly runs: readonly number[];
}

export interface LoadResult {
  readonly name: string;
  /** MB of all processes of the server, after the calls. */
  readonly memory: number;
  /** Calls that were sent again because the server failed. */
  readonly repeated: number;
}

/** Runs the load of one server; the barrier measures each call on all servers. */
export async function load(peer: Peer, barrier: CallBarrier, options: LoadOptions): Promise<LoadResult> {
  const client = new MlflowClient(peer, options.clients);
  const { name, pids } = peer;
  const meter = new Meter(barrier, { ...options, name, pids, useConnections: (mode) => void (client.mode = mode) });
  try {
    const location = { client, meter, experiment: await client.newExperiment('benchmark') };
    await logging(location, options.clients);
    await history(location);
    await traces(location);
    await searches(location, peer, options);
    await artifacts(location);
    await trainingLoops(location, peer);
  } finally {
    await client.close();
  }
  return { name, memory: memoryOf(pids), repeated: client.repeated };
}

interface LoadTarget {
  readonly client: MlflowClient;
  readonly meter: Meter;
  readonly experiment: string;
}

const point = (key: string, step: number): LoggedPoint => ({ key, value: step / 7, timestamp: START + step, step });
const many = <T>(count: number, make: (index: number) => T) => Array.from({ length: count }, (_, index) => make(index));

/** Each client writes to a run of its own, as trainings do. */
async function logging({ client, meter, experiment }: LoadTarget, clients: number): Promise<void> {
  await meter.measure('create a run', 400, () => client.newRun(experiment));
  const runs = await Promise.all(many(clients, () => client.newRun(experiment)));
  const runOf = (number: number) => runs[number] ?? '';
  await meter.measure('log-metric', 1000, (index, number) =>
    client.post('runs/log-metric', { run_id: runOf(number), ...point('one', index) }),
  );
  await meter.measure('log-batch, 10 keys', 500, (index, number) =>
    client.logBatch(runOf(number), { metrics: many(10, (key) => point(`ten ${key}`, index)) }),
  );
  // As a training logs its configuration and its first results. A second call with other parameters would fail.
  const fresh: string[] = [];
  await meter.measure(
    'log-batch, 10 metrics and 10 parameters',
    500,
    async (index) =>
      await client.logBatch(fresh.pop() ?? (await client.newRun(experiment)), {
        metrics: many(10, (key) => point(`m${key}`, index)),
        params: many(10, (key) => ({ key: `p${key}`, value: String(index) })),
      }),
    async (times) => await inLanes(clients, times, async () => fresh.push(await client.newRun(experiment))),
  );
  await meter.measure('log-batch, 1,000 points of a key', 30, (index, number) =>
    client.logBatch(runOf(number), { metrics: many(1000, (step) => point('long', index * 1000 + step)) }),
  );
  await meter.measure('log-batch, 1,000 keys', 24, (index, number) =>
    client.logBatch(runOf(number), { metrics: many(1000, (key) => point(`wide ${key}`, index)) }),
  );
}

async function history({ client, meter, experiment }: LoadTarget): Promise<void> {
  const name = 'history of 25,000 points';
  if (!meter.isSelected(name)) return;
  const run = await client.newRun(experiment);
  for (let from = 0; from < PAGE; from += 1000)
    await client.logBatch(run, { metrics: many(1000, (step) => point('long', from + step)) });
  const query = new URLSearchParams({ run_id: run, metric_key: 'long', max_results: String(PAGE) });
  await meter.measure(name, 8, () => client.send('GET', `mlflow/metrics/get-history?${query.toString()}`));
}

async function traces({ client, meter, experiment }: LoadTarget): Promise<void> {
  await meter.measure('OTLP export, 10 spans', 300, () => client.exportSpans(experiment, exportOf(10)));
  await meter.measure('OTLP export, 100 spans', 100, () => client.exportSpans(experiment, exportOf(100)));
  await meter.measure('traces found, 100 of them', 20, () =>
    client.send('GET', `mlflow/traces?experiment_ids=${experiment}&max_results=100`),
  );
}

/** Runs `work` this number of times, with an index each, `lanes` of them concurrently. */
async function inLanes(lanes: number, times: number, work: (number: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const lane = async () => {
    for (let number = next++; number < times; number = next++) await work(number);
  };
  await Promise.all(many(lanes, lane));
}

async function searches(target: LoadTarget, peer: Peer, { runs, clients }: LoadOptions): Promise<void> {
  if (!target.meter.isSelected('search')) return;
  for (const size of runs) await searchesOf(target, peer, size, clients);
}

async function searchesOf({ client, meter }: LoadTarget, peer: Peer, runs: number, clients: number): Promise<void> {
  const among = `of ${runs.toLocaleString('en')} runs`;
  const experiment = await client.newExperiment(`searches ${among}`);
  const make = async (number: number) => {
    const run = await client.newRun(experiment);
    await client.logBatch(run, {
      metrics: many(20, (key) => ({ ...point(`m${key}`, 0), value: (number * 7919 + key) % 1000 })),
      params: many(20, (key) => ({ key: `p${key}`, value: String((number + key) % 10) })),
    });
    return run;
  };
  const first = await make(0);
  if (peer.copyRun === undefined) await inLanes(clients, runs - 1, (number) => make(number + 1));
  else await peer.copyRun(first, runs - 1);
  for (const [max_results, calls] of [
    [100, 20],
    [1000, 8],
  ] as const) {
    if (max_results > runs) continue;
    await meter.measure(`search ${max_results.toLocaleString('en')} ${among}`, calls, async () => {
      const found = await client.post('runs/search', {
        experiment_ids: [experiment],
        filter: "metrics.m0 > 100 AND params.p0 != '3'",
        order_by: ['metrics.m1 DESC'],
        max_results,
      });
      const { length } = (found as { runs: readonly unknown[] }).runs;
      // Four in five fit.
      if (length < Math.min(max_results, runs * 0.7)) throw new Error(`the search found ${length} runs`);
    });
  }
}

async function artifacts({ client, meter, experiment }: LoadTarget): Promise<void> {
  if (!meter.isSelected('artifact PUT') && !meter.isSelected('artifact GET')) return;
  const bytes = Buffer.alloc(ARTIFACT_BYTES, 'artifact');
  const run = await client.newRun(experiment);
  const path = (number: number) => `mlflow-artifacts/artifacts/${experiment}/${run}/artifacts/large-${number}`;
  await client.send('PUT', path(0), bytes);
  await meter.measure('artifact PUT 10 MB', 20, async (index, number) => {
    const own = Buffer.from(bytes);
    own.writeInt32LE(index, 0);
    await client.send('PUT', path(number), own);
  });
  await meter.measure('artifact GET 10 MB', 20, () => client.send('GET', path(0)));
}

/** Trainings with MLflow's own client, which takes more CPU than the server; the two share the machine. */
async function trainingLoops({ meter, experiment }: LoadTarget, peer: Peer): Promise<void> {
  const name = `${LOOPS} training loops, a step of 5 metrics`;
  if (!meter.isSelected(name)) return;
  await meter.measureProgram(name, async () => {
    const result = await peer.python(LOOPS_PROGRAM, [experiment, String(LOOPS), String(STEPS)], {
      MLFLOW_TRACKING_URI: peer.url,
      MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT: 'true',
      ...(peer.token !== '' && { MLFLOW_TRACKING_TOKEN: peer.token }),
    });
    const { seconds, took } = JSON.parse(result) as { seconds: number; took: number[] };
    return loadFigures(took, 0, seconds);
  });
}
