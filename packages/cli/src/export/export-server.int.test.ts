/** Dais implements MLflow's protocol itself: one project is exported into another one through it. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CliFixture } from '#testing/cli-fixture.ts';

let dais: CliFixture;
let runId: string;
let experimentId: string;
const HEX = 'cd'.repeat(16);
const TRACE = `tr-${HEX}`;
const PICTURE = randomBytes(1_500_000);

const address = (project: string) => `${dais.server.url}/p/${project}`;

interface Reported {
  readonly id: string;
  readonly items: readonly Record<string, unknown>[];
  readonly assessments: readonly { readonly id: string; readonly valid: boolean; readonly value: unknown }[];
  readonly [name: string]: unknown;
}

async function ask(project: string, method: string, path: string, body?: object): Promise<Reported> {
  const answer = await fetch(`${address(project)}/api/v1/${path}`, {
    method,
    ...(body !== undefined && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  const reported = (await answer.json()) as Reported;
  if (!answer.ok) throw new Error(`${path}: ${JSON.stringify(reported)}`);
  return reported;
}

const post = async (path: string, body: object) => await ask('from', 'POST', path, body);

async function fillRuns(): Promise<void> {
  experimentId = (await post('tracking/experiments', { name: 'flights', tags: { owner: 'ada' } })).id;
  runId = (await post('tracking/runs', { experimentId, name: 'a run', startedAt: 1_600_000_000_000 })).id;
  await post('tracking/runs', { experimentId, name: 'its child', tags: { 'mlflow.parentRunId': runId } });
  const metrics = Array.from({ length: 1000 }, (_, step) => ({
    key: 'loss',
    value: 1 / (step + 1),
    step,
    timestamp: step,
  }));
  await post(`tracking/runs/${runId}/log`, { metrics, params: [{ key: 'p', value: '1' }] });
  await post(`tracking/runs/${runId}/log`, { metrics: [{ key: 'odd', value: 'NaN', step: 0, timestamp: 1 }] });
  const path = `${experimentId}/${runId}/artifacts/model/ä b.bin`;
  await fetch(`${address('from')}/api/v1/tracking/artifacts/content?path=${encodeURIComponent(path)}`, {
    method: 'PUT',
    body: PICTURE,
  });
  const { id: gone } = await post('tracking/experiments', { name: 'gone' });
  await post('tracking/runs', { experimentId: gone, name: 'gone with it' });
  await ask('from', 'DELETE', `tracking/experiments/${gone}`);
}

async function fillRest(): Promise<void> {
  await post('registry/models', { name: 'net', description: 'a model' });
  for (const _version of [1, 2, 3])
    await post('registry/models/net/versions', { source: `runs:/${runId}/model`, runId });
  await ask('from', 'DELETE', 'registry/models/net/versions/2');
  await ask('from', 'PUT', 'registry/models/net/aliases/champion', { version: '3' });
  const span = {
    traceId: HEX,
    id: '00000000000000a1',
    name: 'step',
    startNs: '1790000000000000001',
    endNs: '1790000000000000003',
    status: 'OK',
    attributes: { whole: { '@': ['double', 1] } },
  };
  await post('tracking/spans', { experimentId, resources: [{ spans: [span] }] });
  await post('tracking/traces', {
    experimentId,
    id: TRACE,
    requestedAt: 1_790_000_000_000,
    durationMs: 7,
    state: 'OK',
  });
  await post(`tracking/runs/${runId}/traces`, { ids: [TRACE] });
  const source = { type: 'HUMAN', id: 'ada' };
  const judged = { name: 'right', kind: 'feedback', source };
  const { id: overrides } = await post(`tracking/traces/${TRACE}/assessments`, { ...judged, value: 0.5 });
  await post(`tracking/traces/${TRACE}/assessments`, { ...judged, value: 1, overrides });
  const { id: dataset } = await post('tracking/evaluation-datasets', { name: 'q', experimentIds: [experimentId] });
  await post(`tracking/evaluation-datasets/${dataset}/records`, {
    records: [{ inputs: { a: 1 }, expectations: { b: 2 } }],
  });
  await post('tracking/scorers', { experimentId, name: 'polite', definition: '{"a": 1}' });
}

beforeAll(async () => {
  dais = await CliFixture.sharedDefault();
  const projects = ['from', 'to'].map((name) => ({
    apiVersion: 'dais.dev/v1',
    kind: 'Project',
    metadata: { name },
    spec: {},
  }));
  for (const project of projects) await dais.run(['apply', '-f', '-'], { stdin: JSON.stringify(project) });
  await fillRuns();
  await fillRest();
});
afterAll(async () => await dais?.stop());

interface Report {
  readonly found: Readonly<Record<string, number>>;
  readonly written: Readonly<Record<string, number>>;
  readonly problems: readonly { readonly what: string; readonly why: string }[];
}

async function exported(): Promise<Report> {
  const { out, err } = await dais.run(['export', 'mlflow', '-q', '-o', 'json', '--to', address('to'), '-p', 'from']);
  expect(err).toBe('');
  return JSON.parse(out) as Report;
}

const ALL = {
  // The default experiment too.
  experiments: 3,
  runs: 3,
  loggedModels: 0,
  traces: 1,
  models: 1,
  versions: 2,
  aliases: 1,
  evaluationDatasets: 1,
  scorers: 1,
};
const NOTHING = Object.fromEntries(Object.keys(ALL).map((name) => [name, 0]));

const search = async (what: string, body: object) => (await ask('to', 'POST', `tracking/search/${what}`, body)).items;

async function runThere(old: string): Promise<Record<string, unknown>> {
  const experiments = await search('experiments', { view: 'all' });
  const experimentIds = experiments.map(({ id }) => id);
  const runs = await search('runs', { experimentIds, view: 'all' });
  const found = runs.find((run) => (run['tags'] as Record<string, string>)['dais.id'] === old);
  expect(found).toBeDefined();
  return found!;
}

test('an interrupted export continues; everything is then there under new ids, and a repetition changes nothing', async () => {
  const stop = new AbortController();
  const words = ['export', 'mlflow', '--to', address('to'), '-p', 'from'];
  const early = dais.run(words, { signal: stop.signal });
  const names = async () => (await search('experiments', { view: 'all' })).map(({ name }) => name);
  await expect.poll(names).toContain('flights');
  stop.abort();
  await early;
  expect(await exported()).toMatchObject({ found: ALL, problems: [] });
  expect(await exported()).toMatchObject({ found: ALL, written: NOTHING, problems: [] });
  const run = await runThere(runId);
  expect(run).toMatchObject({
    name: 'a run',
    startedAt: 1_600_000_000_000,
    params: { p: '1' },
    metrics: expect.arrayContaining([expect.objectContaining({ key: 'odd', value: 'NaN' })]),
  });
  const runs = await search('runs', { experimentIds: [run['experimentId']] });
  const child = runs.find((one) => one['name'] === 'its child');
  expect(child).toMatchObject({ tags: { 'mlflow.parentRunId': run['id'] } });
  const path = `${String(run['artifactUri']).replace(/^mlflow-artifacts:\/*/, '')}/model/ä b.bin`;
  const file = await fetch(`${address('to')}/api/v1/tracking/artifacts/content?path=${encodeURIComponent(path)}`);
  expect(Buffer.from(await file.arrayBuffer()).equals(PICTURE)).toBe(true);
});

test('version numbers, a correction, links and a deleted experiment are preserved', async () => {
  const run = await runThere(runId);
  const { items: versions } = await ask('to', 'POST', 'registry/search/versions', {});
  const source = `runs:/${String(run['id'])}/model`;
  const numbered = versions.map((one) => ({ version: one['version'], source: one['source'] }));
  expect(numbered).toEqual(expect.arrayContaining([1, 3].map((version) => ({ version, source }))));
  expect(versions).toHaveLength(2);
  expect(await ask('to', 'GET', 'registry/models/net')).toMatchObject({
    aliases: { champion: 3 },
    description: 'a model',
  });
  const [there, here] = await Promise.all([
    ask('from', 'GET', `tracking/traces/${TRACE}`),
    ask('to', 'GET', `tracking/traces/${TRACE}`),
  ]);
  expect(here).toMatchObject({
    durationMs: 7,
    requestedAt: 1_790_000_000_000,
    state: 'OK',
    assessments: there.assessments,
  });
  expect(here.assessments.filter(({ valid }) => valid)).toHaveLength(1);
  const spans = async (project: string) => (await ask(project, 'GET', `tracking/traces/${TRACE}/spans`)).items;
  expect(await spans('to')).toEqual(await spans('from'));
  expect((await ask('to', 'POST', 'tracking/search/traces/links', { ids: [TRACE] })).items).toEqual([
    { id: TRACE, runIds: [run['id']], prompts: [] },
  ]);
  const gone = (await search('experiments', { view: 'deleted' })).map(({ name }) => name);
  expect(gone).toEqual(['gone']);
  expect(await search('scorers', {})).toMatchObject([{ name: 'polite', definition: '{"a": 1}' }]);
  const [dataset] = await search('evaluation-datasets', {});
  expect(dataset).toMatchObject({ name: 'q', records: 1 });
});

test('only changes are exported; a correction stays one', async () => {
  await post(`tracking/runs/${runId}/log`, { tags: [{ key: 'checked', value: 'yes' }] });
  await post(`tracking/traces/${TRACE}/tags`, { tags: { t: '1' } });
  expect(await exported()).toMatchObject({ written: { ...NOTHING, runs: 1, traces: 1 }, problems: [] });
  expect(await runThere(runId)).toMatchObject({ tags: { checked: 'yes' } });
  const again = await ask('to', 'GET', `tracking/traces/${TRACE}`);
  expect(again).toMatchObject({ tags: { t: '1' } });
  expect(again.assessments.filter(({ valid }) => valid)).toHaveLength(1);
});

test('an unreachable or refusing server ends the export', async () => {
  const to = async (where: string) => await dais.run(['export', 'mlflow', '-q', '--to', where, '-p', 'from']);
  const { code, err } = await to('http://u:hunter2@127.0.0.1:9');
  expect([code === 0, err.includes('hunter2')]).toEqual([false, false]);
  expect((await to(`${dais.server.url}/p/none`)).err).toContain('none');
});
