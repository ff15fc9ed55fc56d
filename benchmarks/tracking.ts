/**
 * What the calls of a training cost, in CPU of the server's process and of PostgreSQL together, without HTTP: runs that
 * are made, log, end and are read. The events of runs are put in order meanwhile, as on a server. The database is a test
 * server on the same machine (no fsync). Times of CPU, because wall time says more about what else the machine does: read
 * the load beside them.
 *
 * Limits are a tenth of what MLflow's server took for such a call in an earlier measurement on another machine, HTTP
 * included: goals. How the two compare is measured by mlflow-server.ts, in one run.
 */
import type { Run } from '@dais/api/tracking';
import { startTrackingWorld } from '../packages/server/src/ledgers/tracking/testing/tracking-world.ts';
import { Report, ServerCpu } from './lib/server-cpu.ts';

const world = await startTrackingWorld({ wrapEntry: undefined });
const call = async <Output>(operation: string, input: unknown) => await world.dais.call<Output>(operation, input);
const cpu = new ServerCpu(world.test.connection);
const report = new Report();
const tell = async (what: string, times: number, work: (index: number) => Promise<unknown>, limit?: number) =>
  report.tell(what, await cpu.measure(times, work), 'ms CPU/call', limit);

const experimentId = await world.experiment();
const tags = { user: 'ada', source: 'train.py' };
const create = async () => await call<Run>('run.create', { experimentId, startedAt: 1, tags });
for (let n = 0; n < 200; n++) await create();
const made: Run[] = [];
await tell('make a run with two tags', 1000, async () => made.push(await create()), 1);

// As clients make one: three edges of the lineage, to what is mostly known already.
const origin = { ...tags, 'client.parent': made[0]?.id, 'client.commit': 'c0ffee', 'client.program': 'train.py' };
await tell('make a run that says where it comes from', 1000, () =>
  call('run.create', { experimentId, startedAt: 1, tags: origin }),
);
const dataset = (n: number) => ({ name: `data ${n % 10}`, digest: 'd1', sourceType: 'local', source: '/data' });
await tell('note a dataset that a run read', 1000, (n) =>
  call('run.logInputs', { id: made[n]?.id, datasets: [{ dataset: dataset(n), tags: {} }] }),
);

const { id } = await create();
const point = (step: number) => ({ key: 'loss', value: 1 / (step + 1), timestamp: step, step });
const pairs = (name: string, n: number, of: number) =>
  Array.from({ length: n }, (_, index) => ({ key: `${name} ${of} ${index}`, value: String(index) }));
for (let step = 0; step < 300; step++) await call('run.log', { id, metrics: [point(step)] });
await tell('log a metric', 2000, (n) => call('run.log', { id, metrics: [point(n + 300)] }), 0.77);
await tell('log a parameter', 1000, (n) => call('run.log', { id, params: pairs('p', 1, n) }), 0.72);
await tell('set a tag', 1000, (n) => call('run.log', { id, tags: [{ key: 't', value: String(n) }] }), 0.73);
await tell('log 100 parameters', 100, (n) => call('run.log', { id, params: pairs('many', 100, n) }), 1.4);
await tell('end a run', 1000, (n) => call('run.update', { id: made[n]?.id, status: 'FINISHED', endedAt: 5 }));

const small = made[0]?.id;
const metrics = Array.from({ length: 20 }, (_, n) => ({ ...point(1), key: `m${n}` }));
await call('run.log', { id: small, metrics, params: pairs('p', 10, 0), tags: pairs('t', 5, 0) });
await tell('read a run of 20 metrics', 2000, () => call('run.get', { id: small }), 0.79);
const model = async () => await call('loggedModel.create', { experimentId, params: pairs('p', 5, 0) });
for (let n = 0; n < 100; n++) await model();
await tell('make a logged model', 500, model, 1.14);

await world.stop();
report.end();
