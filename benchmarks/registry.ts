/**
 * The cost of the registry over HTTP, as Dais's API client calls it. CPU of all processes of a `dais up` per call, over kept
 * connections and with a new connection for each call. Each write commits an event, which is most of its cost.
 *
 * Limits are a tenth of what MLflow's server took for such a call in an earlier measurement on another machine: goals. The
 * comparison with MLflow in one run is mlflow-server.ts.
 *
 * `--share 0.1` makes a tenth of the calls, `--rounds N` is the number of rounds, `--only PATTERN` selects calls.
 */
import type { RegisteredModel } from '@dais/api/registry';
import { OwnCalls } from './lib/own-calls.ts';

const MODELS = 1000;
const VERSIONS = 50;

const dais = await OwnCalls.start('registry');
const { call } = dais;
await dais.measure(
  'register a model',
  150,
  async (send, n) => {
    await send('registeredModel.create', { name: `new ${n}`, tags: { team: `t${n % 7}` } });
  },
  0.7,
);

const version = (name: string, n: number) => ({
  name,
  source: `s3://bucket/${n}`,
  runId: `run${n}`,
  tags: { n: String(n) },
});
for (let n = 0; n < MODELS; n++)
  await call('registeredModel.create', { name: `model ${n}`, tags: { team: `t${n % 7}` } });
for (let n = 0; n < VERSIONS; n++) await call('modelVersion.create', version('model 0', n));
await dais.measure(
  'register a version with a tag',
  150,
  async (send, n) => {
    await send('modelVersion.create', version(`model ${1 + (n % (MODELS - 1))}`, n));
  },
  0.9,
);
await dais.measure(
  'read a model with 50 versions',
  200,
  async (send) => {
    await send('registeredModel.get', { name: 'model 0' });
  },
  1,
);
const numbered = (n: number) => ({ name: 'model 0', version: String((n % VERSIONS) + 1) });
await dais.measure('read a version', 200, async (send, n) => await send('modelVersion.get', numbered(n)));
const alias = { name: 'model 0', alias: 'champion' };
await dais.measure('move an alias', 100, async (send, n) => {
  await send('modelAlias.set', { ...alias, version: numbered(n).version });
});
await dais.measure('read the version of an alias', 200, async (send) => await send('modelAlias.get', alias));
await dais.measure('set a tag of a version', 100, async (send, n) => {
  await send('modelVersion.update', { name: 'model 0', version: '1', tags: { t: String(n) } });
});

const search = async (send: typeof call, input: object) =>
  (await send<{ items: RegisteredModel[] }>('registeredModel.search', { limit: 100, ...input })).items.length;
const filter = "name LIKE 'model%' and tags.team = 't3'";
await dais.measure(
  `search 100 of ${MODELS} models by name and tag`,
  25,
  async (send) => await search(send, { filter }),
);
await dais.measure(`list 100 of ${MODELS} models with their versions`, 15, async (send) => await search(send, {}));
await dais.end();
