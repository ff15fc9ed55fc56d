/**
 * What finding runs costs, in CPU of this process and of PostgreSQL together: among 10,000 runs of one experiment with 20
 * metrics, 20 parameters and 4 tags each. From the operation to its answer as JSON text, without HTTP. The database is a
 * test server on the same machine (no fsync). Times of CPU: read the load beside them.
 *
 * Limits are a twentieth of what MLflow's server took for such a search in an earlier measurement on another machine, HTTP
 * included: goals. How the two compare is measured by mlflow-server.ts, in one run.
 */
import { randomBytes } from 'node:crypto';
import type { Experiment } from '../packages/api/src/tracking/index.ts';
import { startTestDatabase } from '../packages/server/src/engines/database/testing.ts';
import { kernelSlice } from '../packages/server/src/kernel/slice.ts';
import { findTenant } from '../packages/server/src/kernel/tenants.ts';
import { workshopSlice } from '../packages/server/src/kernel/testing/machine-controller.ts';
import { seededRandom, startTestKernel } from '../packages/server/src/kernel/testing/test-kernel.ts';
import { lineageSlice } from '../packages/server/src/ledgers/lineage/index.ts';
import { trackingLedger, trackingSlice } from '../packages/server/src/ledgers/tracking/index.ts';
import { writeRuns } from '../packages/server/src/ledgers/tracking/search/testing/run-rows.ts';
import { systemClock } from '../packages/server/src/lib/clock.ts';
import { Report, ServerCpu } from './lib/server-cpu.ts';

const RUNS = 10_000;
const BATCH = 1000;
const KEYS = Array.from({ length: 20 }, (_, n) => n);

const test = await startTestDatabase([kernelSlice, lineageSlice, trackingSlice, workshopSlice]);
const options = {
  artifactRoot: 'artifacts:',
  nameTag: 'client.runName',
  contextTag: 'client.context',
  originTags: { parent: 'parent', commit: 'commit', repository: 'repository', entryPoint: 'program' },
};
const ledger = trackingLedger({ options, clock: systemClock, random: randomBytes });
const dais = await startTestKernel(test, { entries: ledger.entries, start: 'api', wrapEntry: undefined });
const cpu = new ServerCpu(test.connection);
const report = new Report();

const random = seededRandom(7);
const ids: string[] = [];
for (const name of ['searched', 'another', 'a third']) {
  const { id: experiment } = await dais.call<Experiment>('experiment.create', { name });
  ids.push(experiment);
  for (let at = 0; at < RUNS; at += BATCH) {
    const runs = Array.from({ length: BATCH }, (_, n) => ({
      id: randomBytes(16).toString('hex'),
      name: `run-${at + n}`,
      user: 'ada',
      status: 'FINISHED',
      startedAt: 1_700_000_000_000 + Math.floor(random() * 1e9),
      endedAt: 1_700_001_000_000,
      uri: '',
      deleted: false,
      metrics: new Map(KEYS.map((key) => [`metric_${key}`, random()])),
      params: new Map(KEYS.map((key) => [`param_${key}`, String(Math.floor(random() * 10))])),
      tags: new Map(
        ['client.runName', 'user', 'source', 'commit'].map((key) => [key, `${key}-${Math.floor(random() * 1000)}`]),
      ),
      datasets: [],
    }));
    await dais.write(async (tx) => {
      const projectId = (await findTenant(tx.sql, 'default'))?.id ?? '';
      await writeRuns(tx, { projectId, experiment }, runs);
    });
  }
}
await test.asAdmin('vacuum analyze');

const filter = "metrics.metric_3 > 0.5 and params.param_4 = '7'";
const experimentIds = ids.slice(0, 1);
const searches: readonly (readonly [name: string, input: object, times: number, limit?: number])[] = [
  ['100 runs, newest first', { limit: 100 }, 100, 10.5],
  [
    '100 runs, metric and parameter filter, by a metric',
    { limit: 100, filter, orderBy: ['metrics.metric_5 DESC'] },
    100,
    10.5,
  ],
  ['1,000 runs, newest first', { limit: 1000 }, 20, 96],
  [
    '1,000 runs, filter, by a metric',
    { limit: 1000, filter: 'metrics.metric_3 > 0.5', orderBy: ['metrics.metric_5'] },
    20,
    96,
  ],
  ['10 runs, two metric filters', { limit: 10, filter: 'metrics.metric_3 > 0.9 and metrics.metric_4 < 0.1' }, 100],
  ['100 runs, by a parameter', { limit: 100, orderBy: ['params.param_2 DESC'] }, 50],
  ['100 runs, by a metric upwards', { limit: 100, orderBy: ['metrics.metric_5 ASC'] }, 100],
  ['100 runs, nothing fits', { limit: 100, filter: "params.param_4 = 'x'" }, 50],
  ['100 runs, one run by name', { limit: 100, filter: "run_name = 'run-77'" }, 50],
  ['100 runs, name like', { limit: 100, filter: "run_name LIKE '%77%'" }, 50],
  ['100 runs, tag', { limit: 100, filter: "tags.user = 'user-77'" }, 50],
  [
    '100 runs, filter, by a metric, of 3 experiments',
    { limit: 100, filter, orderBy: ['metrics.metric_5 DESC'], experimentIds: ids },
    30,
  ],
  ['100 runs, deep page by a metric', { limit: 100, orderBy: ['metrics.metric_5 DESC'], deep: true }, 50],
];

for (const [name, { deep, ...input }, times, limit] of searches as readonly (readonly [
  string,
  { deep?: boolean },
  number,
  number?,
])[]) {
  const wanted = { experimentIds, ...input };
  const search = async (more: object = {}) =>
    await dais.call<{ items: readonly unknown[]; nextCursor?: string }>('run.search', { ...wanted, ...more });
  const cursor = deep === true ? (await search({ limit: 5000 })).nextCursor : undefined;
  const more = cursor === undefined ? {} : { cursor };
  let found = 0;
  let bytes = 0;
  for (let n = 0; n < 5; n++) ({ length: found } = (await search(more)).items);
  const { node, postgres } = await cpu.measureParts(times, async () => {
    bytes = JSON.stringify(await search(more)).length;
  });
  const parts = `Node ${node.toFixed(1)}, PostgreSQL ${postgres.toFixed(1)}; ${found} runs, ${(bytes / 1000).toFixed(0)} kB`;
  report.tell(name, node + postgres, 'ms CPU', limit, parts);
}

await dais.stop();
await test.stop();
report.end();
