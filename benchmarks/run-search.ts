/**
 * The cost of run searches over HTTP, as Dais's API client sends them, among 10,000 runs with 20 metrics, 20 parameters
 * and 4 tags, in addition to two more experiments of a fifth of the size. CPU of all processes of a `dais up` per call, over
 * kept connections and with a new connection for each call.
 *
 * Limits are a twentieth of what MLflow's server took for such a search in an earlier measurement on another machine:
 * goals. The comparison with MLflow in one run is mlflow-server.ts.
 *
 * `--runs N` (default 10,000; the limits are for 10,000), `--share 0.1` makes a tenth of the calls, `--rounds N` is the
 * number of rounds, `--only PATTERN` selects calls.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { seededRandom } from '../packages/server/src/kernel/testing/test-kernel.ts';
import type { Experiment, Run } from '@dais/api/tracking';
import { OwnCalls } from './lib/own-calls.ts';

const CLIENTS = 8;
const KEYS = Array.from({ length: 20 }, (_, n) => n);
/** Within this time, PostgreSQL analyzes new rows automatically. */
const ANALYZED_MS = 65_000;

const dais = await OwnCalls.start('run-search', { runs: '10000' });
const RUNS = Number(dais.flags['runs']);
const random = seededRandom(7);
const experimentIds: string[] = [];
for (const [name, runs] of [
  ['searched', RUNS],
  ['another', RUNS / 5],
  ['a third', RUNS / 5],
] as const) {
  const { id } = await dais.call<Experiment>('experiment.create', { name });
  experimentIds.push(id);
  let next = 0;
  const fill = async () => {
    while (next < runs) await createRun(id, next++);
  };
  await Promise.all(Array.from({ length: CLIENTS }, fill));
}
await delay(ANALYZED_MS);

const first = experimentIds.slice(0, 1);
const filter = "metrics.metric_3 > 0.5 and params.param_4 = '7'";
const searches: readonly (readonly [name: string, input: object, times: number, limit?: number])[] = [
  ['100 runs, newest first', { limit: 100 }, 20, 10.5],
  [
    '100 runs, metric and parameter filter, by a metric',
    { limit: 100, filter, orderBy: ['metrics.metric_5 DESC'] },
    20,
    10.5,
  ],
  ['1,000 runs, newest first', { limit: 1000 }, 5, 96],
  [
    '1,000 runs, filter, by a metric',
    { limit: 1000, filter: 'metrics.metric_3 > 0.5', orderBy: ['metrics.metric_5'] },
    5,
    96,
  ],
  ['10 runs, two metric filters', { limit: 10, filter: 'metrics.metric_3 > 0.9 and metrics.metric_4 < 0.1' }, 20],
  ['100 runs, by a parameter', { limit: 100, orderBy: ['params.param_2 DESC'] }, 10],
  ['100 runs, by a metric, ascending', { limit: 100, orderBy: ['metrics.metric_5 ASC'] }, 20],
  ['100 runs, no match', { limit: 100, filter: "params.param_4 = 'x'" }, 20],
  ['100 runs, one run by name', { limit: 100, filter: "run_name = 'run-77'" }, 20],
  ['100 runs, name like', { limit: 100, filter: "run_name LIKE '%77%'" }, 20],
  ['100 runs, tag', { limit: 100, filter: "tags.user = 'user-77'" }, 20],
  [
    '100 runs, filter, by a metric, of 3 experiments',
    { limit: 100, filter, orderBy: ['metrics.metric_5 DESC'], experimentIds },
    10,
  ],
];
for (const [name, input, times, limit] of searches) {
  const call = `${name}, of ${RUNS.toLocaleString('en')} runs`;
  const search = { experimentIds: first, ...input };
  await dais.measure(call, times, async (send) => await send('run.search', search), limit);
}
const ordered = { experimentIds: first, orderBy: ['metrics.metric_5 DESC'] };
const { nextCursor: cursor } = await dais.call<{ nextCursor?: string }>('run.search', {
  ...ordered,
  limit: Math.min(5000, RUNS / 2),
});
await dais.measure(
  `100 runs, page in the middle by a metric, of ${RUNS.toLocaleString('en')} runs`,
  20,
  async (send) => {
    await send('run.search', { ...ordered, limit: 100, cursor });
  },
);
await dais.end();

async function createRun(experimentId: string, at: number): Promise<void> {
  const tags = ['user', 'source', 'commit'].map((key) => [key, `${key}-${Math.floor(random() * 1000)}`] as const);
  const startedAt = 1_700_000_000_000 + Math.floor(random() * 1e9);
  const { id } = await dais.call<Run>('run.create', {
    experimentId,
    name: `run-${at}`,
    startedAt,
    tags: Object.fromEntries(tags),
  });
  await dais.call('run.log', {
    id,
    metrics: KEYS.map((key) => ({ key: `metric_${key}`, value: random(), timestamp: startedAt, step: 0 })),
    params: KEYS.map((key) => ({ key: `param_${key}`, value: String(Math.floor(random() * 10)) })),
  });
}
