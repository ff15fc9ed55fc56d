/** Lineage of trainings and registrations, through every ledger that records edges. */
import type { LineageGraph } from '@dais/api/lineage';
import type { ModelVersion } from '@dais/api/registry';
import type { Run } from '@dais/api/tracking';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { transact } from '#kernel/transaction.ts';
import { codeOf, manifest } from '#kernel/testing/test-kernel.ts';
import { errorOf } from '#kernel/testing/test-project.ts';
import { person, startRegistryWorld, type RegistryProject, type RegistryWorld } from './testing/registry-world.ts';

let world: RegistryWorld;
let p: RegistryProject;

beforeAll(async () => {
  world = await startRegistryWorld();
  p = await world.project();
});
afterAll(async () => await world?.stop());

const graph = async (node: string, more: object = {}, as = {}) =>
  await p.call<LineageGraph>('lineage.get', { node, ...more }, as);
const names = ({ nodes }: LineageGraph) => nodes.map(({ node, name }) => name ?? node);
const edgesOf = ({ nodes, edges }: LineageGraph) => {
  const called = new Map(nodes.map(({ node, name }) => [node, name ?? node]));
  return edges.map(({ from, to, relation }) => `${called.get(from)} ${relation} ${called.get(to)}`).toSorted();
};
const dataset = (name: string, digest = 'd1') => ({
  dataset: { name, digest, sourceType: 'local', source: `/data/${name}` },
  tags: {},
});
const ORIGIN = {
  'mlflow.source.git.commit': 'c0ffee',
  'mlflow.source.git.repoURL': 'https://example.com/flights.git',
  'mlflow.source.name': 'train.py',
};

let made = 0;
/** Parent and child run, a dataset, a logged model and a version of it. */
async function train() {
  made += 1;
  const experimentId = '0';
  const parent = await p.call<Run>('run.create', { experimentId, name: `parent ${made}` });
  const tags = { ...ORIGIN, 'mlflow.parentRunId': parent.id };
  const run = await p.call<Run>('run.create', { experimentId, name: `run ${made}`, tags });
  await p.call('run.logInputs', { id: run.id, datasets: [dataset(`flights ${made}`)] });
  const logged = await p.call<{ id: string }>('loggedModel.create', {
    experimentId,
    name: `logged ${made}`,
    sourceRunId: run.id,
  });
  await p.call('run.logOutputs', { id: run.id, models: [{ modelId: logged.id, step: 0 }] });
  const model = await p.model();
  const version = await p.call<ModelVersion>('modelVersion.create', { name: model, source: `models:/${logged.id}` });
  return { n: made, parent, run, logged, model, version };
}

test('from a version back to its dataset, its code and the run above, and down again', async () => {
  const { n, parent, run, logged, model } = await train();
  const up = await graph(`model-version:${model}/1`, { direction: 'upstream' });
  expect(names(up).toSorted()).toEqual(
    [`${model}/1`, `logged ${n}`, `run ${n}`, `flights ${n}`, `parent ${n}`, 'c0ffee', 'train.py'].toSorted(),
  );
  expect(edgesOf(up)).toEqual(
    [
      `c0ffee code run ${n}`,
      `flights ${n} read run ${n}`,
      `logged ${n} registered ${model}/1`,
      `parent ${n} child run ${n}`,
      `run ${n} made logged ${n}`,
      `train.py started run ${n}`,
    ].toSorted(),
  );
  expect(up.nodes[0]).toMatchObject({ type: 'model-version', project: p.name, data: { model, version: '1' } });
  expect(up.nodes.find(({ type }) => type === 'run')).toMatchObject({
    node: `run:${run.id}`,
    data: { experiment: '0', run: run.id, status: 'RUNNING' },
  });
  expect(up.nodes.find(({ type }) => type === 'commit')?.data).toEqual({
    commit: 'c0ffee',
    repository: 'https://example.com/flights.git',
  });
  const from = up.nodes.find(({ type }) => type === 'dataset')?.node ?? '';
  expect(names(await graph(from))).toEqual([`flights ${n}`, `run ${n}`, `logged ${n}`, `${model}/1`]);
  expect(names(await graph(from, { depth: 1 }))).toEqual([`flights ${n}`, `run ${n}`]);
  expect(names(await graph(`run:${parent.id}`, { direction: 'upstream' }))).toEqual([`parent ${n}`]);
  expect(names(await graph(`logged-model:${logged.id}`, { depth: 1 }))).toEqual([
    `logged ${n}`,
    `run ${n}`,
    `${model}/1`,
  ]);
});

test('repeated reports change nothing', async () => {
  const { run, logged } = await train();
  const count = async () => {
    const [row] = await world.rowsSeenBy(
      p.id,
      'select (select count(*)::int from lineage.edge) as edges, (select count(*)::int from lineage.node) as nodes',
    );
    return row;
  };
  const before = await count();
  for (const _ of [1, 2]) {
    await p.call('run.logInputs', { id: run.id, datasets: [dataset(`flights ${made}`)] });
    await p.call('run.logOutputs', { id: run.id, models: [{ modelId: logged.id, step: 3 }] });
    await p.call('run.log', { id: run.id, tags: Object.entries(ORIGIN).map(([key, value]) => ({ key, value })) });
  }
  expect(await count()).toEqual(before);
});

test('an edge exists if and only if its cause does', async () => {
  const experimentId = '0';
  const id = 'taken';
  await p.call('run.create', { experimentId, id });
  const twice = p.call('run.create', { experimentId, id, tags: { 'mlflow.source.name': 'refused.py' } });
  expect(await codeOf(twice)).toBe('already_exists');
  expect(await codeOf(graph('entry-point:refused.py'))).toBe('not_found');
});

test('deleted objects are shown as deleted, and keep their edges', async () => {
  const { n, run, logged, model } = await train();
  await p.call('run.delete', { id: run.id });
  await p.call('loggedModel.delete', { id: logged.id });
  const up = await graph(`model-version:${model}/1`, { direction: 'upstream' });
  expect(up.nodes.filter(({ gone }) => gone).map(({ name }) => name)).toEqual([`logged ${n}`, `run ${n}`]);
  expect(names(up)).toContain(`flights ${n}`);
  await p.call('run.restore', { id: run.id });
  expect((await graph(`run:${run.id}`)).nodes[0]?.gone).toBeUndefined();
  const { node } = up.nodes[0] ?? { node: '' };
  await p.call('modelVersion.delete', { name: model, version: '1' });
  expect((await graph(node)).nodes[0]).toMatchObject({ name: `${model}/1`, gone: true });
  expect(await codeOf(graph(`model-version:${model}/1`))).toBe('not_found');
});

test('a version follows its renamed model, and a copy refers to its origin', async () => {
  const { n, model } = await train();
  const renamed = `renamed ${n}`;
  await p.call('registeredModel.rename', { name: model, to: renamed });
  expect(names(await graph(`model-version:${renamed}/1`, { depth: 1 }))).toEqual([`${renamed}/1`, `logged ${n}`]);
  await p.call('modelAlias.set', { name: renamed, alias: 'best', version: '1' });
  const copies = await p.model();
  for (const source of [`models:/${renamed}/1`, `models:/${renamed}@best`]) {
    await p.call('modelVersion.create', { name: copies, source });
  }
  const down = await graph(`model-version:${renamed}/1`, { direction: 'downstream' });
  expect(names(down)).toEqual([`${renamed}/1`, `${copies}/1`, `${copies}/2`]);
  expect(new Set(down.edges.map(({ relation }) => relation))).toEqual(new Set(['copied']));
});

test('a tag without a run creates no edge, long texts are truncated, and a logged model may be referenced before it exists', async () => {
  const long = 'x'.repeat(2000);
  const tags = { 'mlflow.parentRunId': '../no run', 'mlflow.source.name': long, 'mlflow.source.git.commit': '' };
  const { id } = await p.call<Run>('run.create', { experimentId: '0', tags });
  await p.call('run.logInputs', { id, models: ['m-later'] });
  const up = await graph(`run:${id}`);
  expect(up.nodes.map(({ type, gone }) => [type, gone ?? false])).toEqual([
    ['run', false],
    ['entry-point', false],
    ['logged-model', true],
  ]);
  expect(up.nodes[1]?.name).toBe(long);
});

test('objects that the caller may not read are hidden, and so is everything behind them', async () => {
  const { n, run, logged, model } = await train();
  const viewer = person('eve');
  await world.apply([manifest('User', 'eve', { email: 'eve@example.com' })]);
  const forbid = (action: string) =>
    `@id("no-${action.replace(':', '-')}") forbid(principal == Dais::User::"eve", action == Dais::Action::"${action}", resource);`;
  await world.apply(
    [
      manifest('RoleBinding', 'eve-views', { role: 'viewer', users: ['eve'] }),
      manifest('Policy', 'no-logged-models', { cedar: forbid('loggedModel:read') }),
    ],
    p.name,
  );
  const up = await graph(`model-version:${model}/1`, { direction: 'upstream' }, viewer);
  expect(up.nodes.slice(1)).toEqual([{ node: 'hidden:1', type: 'logged-model', hidden: true }]);
  expect(up.edges).toMatchObject([{ from: 'hidden:1', to: up.root, relation: 'registered' }]);
  expect(JSON.stringify(up)).not.toContain(logged.id);
  expect(await codeOf(graph(`logged-model:${logged.id}`, {}, viewer))).toBe('not_found');
  await world.apply([manifest('Policy', 'no-runs', { cedar: forbid('run:read') })], p.name);
  const from = `dataset:flights%20${n}/d1`;
  expect(names(await graph(from))).toContain(`run ${n}`);
  // It has no owner, and everything connected to it is hidden.
  expect(await codeOf(graph(from, {}, viewer))).toBe('not_found');
  expect(await codeOf(graph(`run:${run.id}`, {}, viewer))).toBe('not_found');
  await world.apply([manifest('Policy', 'no-lineage', { cedar: forbid('lineage:read') })], p.name);
  expect(await codeOf(graph(`model-version:${model}/1`, {}, viewer))).toBe('forbidden');
});

test('other projects have a separate lineage', async () => {
  const { run } = await train();
  const other = await world.project();
  expect(await codeOf(other.call('lineage.get', { node: `run:${run.id}` }))).toBe('not_found');
  expect(await codeOf(other.call('lineage.get', { node: 'entry-point:train.py' }))).toBe('not_found');
});

test('a graph has the requested number of nodes, and reports that there are more', async () => {
  const origin = 'many.py';
  for (let n = 0; n < 12; n++) {
    await p.call('run.create', { experimentId: '0', tags: { 'mlflow.source.name': origin } });
  }
  const some = await graph(`entry-point:${origin}`, { limit: 10 });
  expect([some.nodes.length, some.edges.length, some.truncated]).toEqual([10, 9, true]);
  const all = await graph(`entry-point:${origin}`, { limit: 13 });
  expect([all.nodes.length, all.truncated]).toEqual([13, false]);
  // Runs of the same program are neither upstream nor downstream of each other.
  const [, one] = all.nodes;
  expect((await graph(one?.node ?? '')).nodes).toHaveLength(2);
});

test('terminates on cycles', async () => {
  await transact(world.test.database, { mode: 'write', projectId: p.id }, async ({ sql }) => {
    await sql.query(
      `insert into lineage.edge (project_id, source, target, relation, at, external)
       values ($1, 'job:a/a', 'job:a/b', 'child', 0, true), ($1, 'job:a/b', 'job:a/a', 'child', 0, true)`,
      [p.id],
    );
  });
  const round = await graph('job:a/a', { depth: 50 });
  expect([round.nodes.length, round.edges.length]).toEqual([2, 2]);
});

test.each([
  'run',
  'cat:1',
  ':x',
  'run:',
  'dataset:none',
  'model-version:none/1',
  'model-version:9',
  "run:' or 1=1",
  'run:\u{1F600}',
])('rejects the node %j', async (node) => {
  const { code, message } = await errorOf(graph(node));
  expect(['invalid_request', 'not_found']).toContain(code);
  expect(message).not.toMatch(/undefined/);
});

test('the lineage of a project is deleted with it', async () => {
  const ended = await world.project();
  const { id } = await ended.call<Run>('run.create', { experimentId: '0', tags: { 'mlflow.source.name': 'end.py' } });
  await ended.call('run.delete', { id });
  await world.dais.call('project.delete', { name: ended.name }, { principal: p.context.principal! });
  const rows = await world.test.asAdmin(`select 1 as one from lineage.edge where project_id = '${ended.id}'`);
  expect(rows).toEqual([]);
});
