/**
 * What the registry costs, in CPU of the server's process and of PostgreSQL together, without HTTP: with kinds, roles and
 * policies as on a server. The database is a test server on the same machine (no fsync). Times of CPU, because wall time
 * says more about what else the machine does: read the load beside them. Each write leaves an event in the order of commits,
 * which is most of what it costs here, one call after the other.
 *
 * Limits are a tenth of what MLflow's server took for such a call in an earlier measurement on another machine, HTTP
 * included: goals. How the two compare is measured by mlflow-server.ts, in one run.
 */
import type { RegisteredModel } from '@dais/api/registry';
import { startRegistryWorld } from '../packages/server/src/ledgers/registry/testing/registry-world.ts';
import { Report, ServerCpu } from './lib/server-cpu.ts';

const world = await startRegistryWorld();
const project = await world.project();
const call = async <Output>(operation: string, input: unknown) => await project.call<Output>(operation, input);
const cpu = new ServerCpu(world.test.connection);
const report = new Report();
const tell = async (what: string, times: number, work: (index: number) => Promise<unknown>, limit?: number) =>
  report.tell(what, await cpu.measure(times, work), 'ms CPU/call', limit);

const version = async (name: string, n: number) =>
  await call('modelVersion.create', { name, source: `s3://bucket/${n}`, runId: `run${n}`, tags: { n: String(n) } });
for (let n = 0; n < 100; n++) await call('registeredModel.create', { name: `warm ${n}` });
// A resource with its history and references, made with full admission.
await tell(
  'register a model',
  900,
  (n) => call('registeredModel.create', { name: `model ${n}`, tags: { team: `t${n % 7}` } }),
  0.7,
);

for (let n = 0; n < 50; n++) await version('model 0', n);
await tell('register a version with a tag', 950, (n) => version(`model ${n % 900}`, n), 0.9);
await tell('read a model with 50 versions', 1000, () => call('registeredModel.get', { name: 'model 0' }), 1);
const number = async (n: number) => await call('modelVersion.get', { name: 'model 0', version: String((n % 50) + 1) });
await tell('read a version', 1000, number);
const alias = { name: 'model 0', alias: 'champion' };
await tell('move an alias', 500, (n) => call('modelAlias.set', { ...alias, version: String((n % 50) + 1) }));
await tell('read the version behind an alias', 1000, () => call('modelAlias.get', alias));
const tag = (n: number) => call('modelVersion.update', { name: 'model 0', version: '1', tags: { t: String(n) } });
await tell('set a tag of a version', 500, tag);

const models = async (input: object) =>
  (await call<{ items: RegisteredModel[] }>('registeredModel.search', input)).items.length;
const filter = "name LIKE 'model%' and tags.team = 't3'";
const named = async () => await models({ filter, limit: 100 });
await tell(`find ${await named()} of 1,000 models by name and tag`, 100, named);
const all = async () => await models({ limit: 100 });
await tell(`list ${await all()} of 1,000 models with their versions`, 50, all);

await world.stop();
report.end();
