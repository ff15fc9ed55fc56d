/**
 * What a question about the lineage costs among 100,000 edges, in CPU of the server's process and of PostgreSQL together,
 * without HTTP: ten layers of a thousand jobs and datasets in turn, each node made from ten of the layer above. The database
 * is a test server on the same machine.
 */
import type { LineageGraph } from '@dais/api/lineage';
import { findTenant } from '../packages/server/src/kernel/tenants.ts';
import { startTrackingWorld } from '../packages/server/src/ledgers/tracking/testing/tracking-world.ts';
import { Report, ServerCpu } from './lib/server-cpu.ts';

const LAYERS = 11;
const WIDTH = 1000;

const world = await startTrackingWorld();
const tenant = await world.dais.write(async ({ sql }) => await findTenant(sql, 'default'));
const project = tenant?.id ?? '';
const key = (layer: string, n: string) =>
  `case when (${layer}) % 2 = 0 then 'dataset:' else 'job-run:' end || lpad((${layer})::text, 3, '0') || '-' || lpad((${n})::text, 5, '0')`;
await world.test.asAdmin(
  `insert into lineage.node (project_id, key, name, data, at, updated_at, external)
   select '${project}', ${key('l', 'n')}, 'node ' || n, '{"namespace":"bench"}', 0, 0, true
   from generate_series(0, ${LAYERS - 1}) l, generate_series(0, ${WIDTH - 1}) n;
   insert into lineage.edge (project_id, source, target, relation, at, external)
   select '${project}', ${key('l - 1', `abs(hashtext(l || '-' || n || '-' || k)) % ${WIDTH}`)}, ${key('l', 'n')}, 'read', 0, true
   from generate_series(1, ${LAYERS - 1}) l, generate_series(0, ${WIDTH - 1}) n, generate_series(0, 9) k on conflict do nothing;
   analyze lineage.edge; analyze lineage.node`,
);

const cpu = new ServerCpu(world.test.connection);
const report = new Report();
const ask = async (node: string, direction: string, limit: number, depth = 50) =>
  await world.dais.call<LineageGraph>('lineage.get', { node, direction, limit, depth });
const printResult = async (what: string, times: number, work: () => Promise<LineageGraph>, limit?: number) => {
  const { nodes, edges } = await work();
  report.print(
    `${what}: ${nodes.length} nodes, ${edges.length} edges`,
    await cpu.measure(times, work),
    'ms CPU/call',
    limit,
  );
};
const last = `dataset:${String(LAYERS - 1).padStart(3, '0')}-00005`;
await printResult('what it was made from, one step', 200, async () => await ask(last, 'upstream', 500, 1), 10);
await printResult('what it was made from, 500 nodes', 50, async () => await ask(last, 'upstream', 500), 200);
await printResult('what it was made from, 5,000 nodes', 10, async () => await ask(last, 'upstream', 5000), 500);
await printResult(
  'what was made from it, 500 nodes',
  50,
  async () => await ask('dataset:000-00005', 'downstream', 500),
  200,
);

await world.stop();
report.end();
