/**
 * What the calls of a training cost over HTTP, as Dais's API client sends them: runs that are created, log, end and are
 * read. CPU of all processes of a `dais up` per call, over kept connections and with a new connection for each call.
 *
 * Limits are a tenth of what MLflow's server took for such a call in an earlier measurement on another machine: goals.
 * The comparison with MLflow in one run is mlflow-server.ts.
 *
 * `--share 0.1` makes a tenth of the calls, `--rounds N` is the number of rounds, `--only PATTERN` selects calls.
 */
import type { Experiment, Run } from '@dais/api/tracking';
import { OwnCalls } from './lib/own-calls.ts';

const dais = await OwnCalls.start('tracking');
const { call } = dais;
const { id: experimentId } = await call<Experiment>('experiment.create', { name: 'benchmark' });
const tags = { user: 'ada', source: 'train.py' };
const newRun = { experimentId, startedAt: 1, tags };
await dais.measure('create a run with two tags', 200, async (send) => await send('run.create', newRun), 1);

// Clients send three edges of the lineage; most of their ends are already stored.
const runs = await Promise.all(Array.from({ length: 100 }, async () => await call<Run>('run.create', newRun)));
const runOf = (index: number) => runs[index % runs.length]?.id;
const origin = {
  ...tags,
  'mlflow.parentRunId': runOf(0),
  'mlflow.source.git.commit': 'c0ffee',
  'mlflow.source.name': 'train.py',
};
await dais.measure('create a run with its origin', 200, async (send) => {
  await send('run.create', { ...newRun, tags: origin });
});
const dataset = (n: number) => ({ name: `data ${n % 10}`, digest: 'd1', sourceType: 'local', source: '/data' });
await dais.measure('log a dataset as input of a run', 200, async (send, n) => {
  await send('run.logInputs', { id: runOf(n), datasets: [{ dataset: dataset(n), tags: {} }] });
});

const { id } = await call<Run>('run.create', newRun);
const point = (step: number) => ({ key: 'loss', value: 1 / (step + 1), timestamp: step, step });
const pairs = (name: string, n: number, of: number) =>
  Array.from({ length: n }, (_, index) => ({ key: `${name} ${of} ${index}`, value: String(index) }));
await dais.measure('log a metric', 400, async (send, n) => await send('run.log', { id, metrics: [point(n)] }), 0.77);
await dais.measure(
  'log a parameter',
  200,
  async (send, n) => {
    await send('run.log', { id: runOf(n), params: pairs('p', 1, n) });
  },
  0.72,
);
await dais.measure(
  'set a tag',
  200,
  async (send, n) => {
    await send('run.log', { id, tags: [{ key: 't', value: String(n) }] });
  },
  0.73,
);
await dais.measure(
  'log 100 parameters',
  25,
  async (send, n) => {
    await send('run.log', { id: runOf(n), params: pairs('many', 100, n) });
  },
  1.4,
);
await dais.measure('end a run', 200, async (send, n) => {
  await send('run.update', { id: runOf(n), status: 'FINISHED', endedAt: 5 + n });
});

const { id: small } = await call<Run>('run.create', newRun);
const metrics = Array.from({ length: 20 }, (_, n) => ({ ...point(1), key: `m${n}` }));
await call('run.log', { id: small, metrics, params: pairs('p', 10, 0), tags: pairs('t', 5, 0) });
await dais.measure('read a run of 20 metrics', 400, async (send) => await send('run.get', { id: small }), 0.79);
await dais.measure(
  'create a logged model',
  100,
  async (send) => {
    await send('loggedModel.create', { experimentId, params: pairs('p', 5, 0) });
  },
  1.14,
);
await dais.end();
