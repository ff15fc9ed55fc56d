/** Scripted users: each repeats what a person or a program of its type does, with think times between. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ServingClient } from '../../packages/server/src/testing/serving-client.ts';
import type { HttpClient } from '../lib/http-client.ts';
import type { CallTimes } from './call-times.ts';

export type UserType = 'logging' | 'searching' | 'watching' | 'deploying';

/** Share of each type. Loggers are trainings, which log all the time; people deploy rarely. */
export const SHARES: Readonly<Record<UserType, number>> = {
  logging: 0.5,
  searching: 0.25,
  watching: 0.2,
  deploying: 0.05,
};

export interface UserWorld {
  readonly url: string;
  readonly http: HttpClient;
  readonly serving: ServingClient;
  readonly times: CallTimes;
  readonly signal: AbortSignal;
  readonly random: () => number;
  readonly experiments: readonly string[];
}

const BATCHES_PER_RUN = 60;
const METRICS = 5;
const PARAMS = 20;
/** Mean think times in ms. */
const BETWEEN_BATCHES_MS = 5000;
const BETWEEN_RUNS_MS = 20_000;
const BETWEEN_SEARCHES_MS = 15_000;
const BETWEEN_PAGES_MS = 20_000;
const BETWEEN_PREDICTIONS_MS = 2000;
const PREDICTIONS_PER_DEPLOYMENT = 120;

/** Repeats until the signal. Failed calls are counted, and the user continues. */
export async function runUser(type: UserType, number: number, world: UserWorld): Promise<void> {
  // Users do not start at the same moment.
  await pause(world, BETWEEN_BATCHES_MS);
  while (!world.signal.aborted) {
    try {
      await USERS[type](world, number);
    } catch {
      // Counted with its call.
    }
    await pause(world, type === 'logging' ? BETWEEN_RUNS_MS : BETWEEN_SEARCHES_MS);
  }
}

const USERS: Readonly<Record<UserType, (world: UserWorld, number: number) => Promise<void>>> = {
  logging: train,
  searching: search,
  watching: watch,
  deploying: deploy,
};

async function train(world: UserWorld, number: number): Promise<void> {
  const experiment = oneOf(world, world.experiments);
  const { run } = await post<{ run: { info: { run_id: string } } }>(world, 'create a run', 'runs/create', {
    experiment_id: experiment,
    start_time: Date.now(),
    run_name: `training ${number}`,
  });
  const id = run.info.run_id;
  const params = Array.from({ length: PARAMS }, (_, at) => ({ key: `param ${at}`, value: String(world.random()) }));
  for (let step = 0; step < BATCHES_PER_RUN && !world.signal.aborted; step += 1) {
    const metrics = Array.from({ length: METRICS }, (_, at) => ({
      key: `metric ${at}`,
      value: world.random() / (step + 1),
      timestamp: Date.now(),
      step,
    }));
    const body = { run_id: id, metrics, ...(step === 0 && { params }) };
    await post(world, `log-batch of ${METRICS} metrics`, 'runs/log-batch', body);
    await pause(world, BETWEEN_BATCHES_MS);
  }
  await post(world, 'end a run', 'runs/update', { run_id: id, status: 'FINISHED', end_time: Date.now() });
}

async function search(world: UserWorld): Promise<void> {
  const { runs = [] } = await post<{ runs?: { info: { run_id: string } }[] }>(world, 'search runs', 'runs/search', {
    experiment_ids: [oneOf(world, world.experiments)],
    filter: `metrics.\`metric 0\` < ${world.random()} and attributes.status = 'FINISHED'`,
    order_by: ['metrics.`metric 0` ASC'],
    max_results: 50,
  });
  const found = runs[Math.floor(world.random() * runs.length)]?.info.run_id;
  if (found === undefined) return;
  await pause(world, BETWEEN_BATCHES_MS);
  await get(world, 'read a run', `/api/2.0/mlflow/runs/get?run_id=${found}`);
  await get(
    world,
    'read a metric history',
    `/api/2.0/mlflow/metrics/get-history?run_id=${found}&metric_key=${encodeURIComponent('metric 0')}`,
  );
}

/** A page of the console: lists that it reads again, and a stream of changes. */
async function watch(world: UserWorld): Promise<void> {
  const over = new AbortController();
  const signal = AbortSignal.any([world.signal, over.signal]);
  const stream = fetch(`${world.url}/api/v1/endpoints?watch=true`, { signal })
    .then(async ({ body }) => {
      for await (const _ of body ?? []) world.times.event('changes over watch streams');
    })
    .catch(() => {});
  try {
    for (let page = 0; page < 10 && !world.signal.aborted; page += 1) {
      await get(world, 'list endpoints', '/api/v1/endpoints?limit=50');
      await post(world, 'search runs', 'runs/search', {
        experiment_ids: [oneOf(world, world.experiments)],
        max_results: 25,
      });
      await pause(world, BETWEEN_PAGES_MS);
    }
  } finally {
    over.abort();
    await stream;
  }
}

async function deploy(world: UserWorld, number: number): Promise<void> {
  const model = `model-${number}`;
  const version = await world.times.measure('register a version', async () => await world.serving.register(model, 2));
  await world.times.measure('deploy', async () => {
    const target = `/api/v1/serving/endpoints/${model}/deploy`;
    const { status, body } = await world.serving.call('POST', target, { model: `models:/${model}/${version}` });
    if (status >= 300) throw new Error(JSON.stringify(body));
  });
  await pause(world, BETWEEN_PAGES_MS);
  const body = JSON.stringify({ inputs: [{ name: 'x', shape: [1, 1], datatype: 'FP32', data: [3] }] });
  for (let sent = 0; sent < PREDICTIONS_PER_DEPLOYMENT && !world.signal.aborted; sent += 1) {
    await world.times.measure(
      'prediction',
      async () => await world.http.send({ method: 'POST', path: `/v2/models/${model}/infer`, body }),
    );
    await pause(world, BETWEEN_PREDICTIONS_MS);
  }
}

async function post<T>({ http, times }: UserWorld, call: string, path: string, body: object): Promise<T> {
  const send = { method: 'POST', path: `/api/2.0/mlflow/${path}`, body: JSON.stringify(body) } as const;
  return await times.measure(call, async () => await http.json<T>(send));
}

async function get({ http, times }: UserWorld, call: string, path: string): Promise<void> {
  await times.measure(call, async () => await http.json({ path }));
}

function oneOf<T>({ random }: UserWorld, values: readonly T[]): T {
  return values[Math.floor(random() * values.length)]!;
}

/** Exponentially distributed: users are independent of each other. */
async function pause({ random, signal }: UserWorld, meanMs: number): Promise<void> {
  await delay(Math.min(-Math.log(1 - random()) * meanMs, 5 * meanMs), undefined, { signal }).catch(() => {});
}
