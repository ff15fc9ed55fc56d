/** Dais implements MLflow's protocol itself: one project is imported into another one through it. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CliFixture } from '#testing/cli-fixture.ts';

let dais: CliFixture;
let runId: string;
beforeAll(async () => {
  dais = await CliFixture.sharedDefault();
  const projects = ['there', 'here'].map((name) => ({
    apiVersion: 'dais.dev/v1',
    kind: 'Project',
    metadata: { name },
    spec: {},
  }));
  for (const project of projects) await dais.run(['apply', '-f', '-'], { stdin: JSON.stringify(project) });
  const { id: experimentId } = await ask('there', 'POST', 'tracking/experiments', { name: 'flights' });
  runId = (await ask('there', 'POST', 'tracking/runs', { experimentId, name: 'a run', startedAt: 1_600_000_000_000 }))
    .id;
  const metrics = Array.from({ length: 1200 }, (_, step) => ({
    key: 'loss',
    value: 1 / (step + 1),
    step,
    timestamp: step,
  }));
  await ask('there', 'POST', `tracking/runs/${runId}/log`, {
    metrics: metrics.slice(0, 1000),
    params: [{ key: 'p', value: '1' }],
  });
  await ask('there', 'POST', `tracking/runs/${runId}/log`, { metrics: metrics.slice(1000) });
  await ask('there', 'POST', 'registry/models', { name: 'net' });
  await ask('there', 'POST', 'registry/models/net/versions', { source: `runs:/${runId}/model`, runId });
  await ask('there', 'PUT', 'registry/models/net/aliases/champion', { version: '1' });
  await fetch(`${address('there')}/tracking/artifacts/content?path=${experimentId}/${runId}/artifacts/model/a.bin`, {
    method: 'PUT',
    body: randomBytes(2_000_000),
  });
  await fillTraces(experimentId);
});
afterAll(async () => await dais?.stop());

const HEX = 'ab'.repeat(16);
const SPAN = {
  traceId: HEX,
  id: '00000000000000a1',
  name: 'step',
  startNs: '1790000000000000001',
  endNs: '1790000000000000003',
  status: 'OK',
  // Numbers that plain JSON does not distinguish.
  attributes: { whole: { '@': ['double', 1] }, large: { '@': ['int', '9007199254740993'] }, list: [1, null, 'x'] },
};

async function fillTraces(experimentId: string): Promise<void> {
  await ask('there', 'POST', 'tracking/spans', { experimentId, resources: [{ spans: [SPAN] }] });
  await ask('there', 'POST', `tracking/traces/tr-${HEX}/tags`, { tags: { t: '1' } });
  const source = { type: 'HUMAN', id: 'ada' };
  const judged = { name: 'correct', kind: 'feedback', value: 0.5, source };
  await ask('there', 'POST', `tracking/traces/tr-${HEX}/assessments`, judged);
  await ask('there', 'POST', `tracking/runs/${runId}/traces`, { ids: [`tr-${HEX}`] });
  const dataset = await ask('there', 'POST', 'tracking/evaluation-datasets', {
    name: 'q',
    experimentIds: [experimentId],
  });
  await ask('there', 'POST', `tracking/evaluation-datasets/${dataset.id}/records`, { records: [{ inputs: { a: 1 } }] });
  await ask('there', 'POST', 'tracking/scorers', { experimentId, name: 'polite', definition: '{"a": 1}' });
}

const address = (project: string) => `${dais.server.url}/p/${project}/api/v1`;

async function ask(project: string, method: string, path: string, body?: object) {
  const answer = await fetch(`${address(project)}/${path}`, {
    method,
    ...(body !== undefined && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  const reported = (await answer.json()) as { id: string; items: object[]; points: object[] };
  if (!answer.ok) throw new Error(JSON.stringify(reported));
  return reported;
}

const importing = async (...words: string[]) =>
  await dais.run(['import', 'mlflow', '-q', '--from', `${dais.server.url}/p/there`, '-p', 'here', ...words]);

test('everything is imported once, and is compared', async () => {
  expect(await importing('--dry-run')).toMatchObject({ code: 0, out: expect.stringMatching(/^Would import:\n/) });
  const first = await importing();
  expect(first).toMatchObject({ code: 0, err: '' });
  expect(first.out).toContain('1 run, 1 new or changed');
  expect(first.out).toContain('1,200 points');
  expect(first.out).toContain('1 file (1.9 MiB); counts and digests agree.');
  expect((await importing()).out).toContain('1 run, none new or changed');
  expect((await importing('--all')).out).toContain('1 run, 1 new or changed');
  const run = await ask('here', 'GET', `tracking/runs/${runId}`);
  expect(run).toMatchObject({ name: 'a run', startedAt: 1_600_000_000_000, params: { p: '1' } });
  expect(await ask('here', 'GET', 'registry/models/net')).toMatchObject({ aliases: { champion: 1 } });
  expect(first.out).toContain('1 span, 1 assessment, 1 record');
  const [there, here] = await Promise.all(
    ['there', 'here'].map(async (project) => await ask(project, 'GET', `tracking/traces/tr-${HEX}`)),
  );
  const {
    experimentId: _there,
    artifactUri: _uri,
    ...trace
  } = there as { experimentId?: string; artifactUri?: string };
  expect(here).toMatchObject(trace);
  expect((await ask('here', 'GET', `tracking/traces/tr-${HEX}/spans`)).items).toEqual([SPAN]);
  const links = await ask('here', 'POST', 'tracking/search/traces/links', { ids: [`tr-${HEX}`] });
  expect(links.items).toEqual([{ id: `tr-${HEX}`, runIds: [runId], prompts: [] }]);
});

test('an identical existing trace is only recorded, under any URL of its server', async () => {
  const from = `${dais.server.url.replace('127.0.0.1', 'localhost')}/p/there`;
  const { out, err } = await dais.run(['import', 'mlflow', '-q', '--from', from, '-p', 'here']);
  expect(err).toBe('');
  expect(out).toContain('1 run, 1 new or changed');
  expect(out).toContain('1 trace, none new or changed');
});

test('the URL and the credentials of the other server are separate', async () => {
  const from = async (address: string) => await dais.run(['import', 'mlflow', '-q', '--from', address]);
  for (const address of ['http://u:hunter2@127.0.0.1:9', 'ftp://x', 'sqlite:///none/such.db', 'http://']) {
    const { code, err } = await from(address);
    expect([address, code === 7 || code === 3]).toEqual([address, true]);
    expect(err).not.toContain('hunter2');
  }
  expect((await dais.run(['import', 'mlflow'])).code).toBe(2);
});

test('an error that affects everything ends the import; a single failure is reported', async () => {
  // A project that has a run of another experiment with the same id.
  const { id: other } = await ask('default', 'POST', 'tracking/experiments', { name: 'other' });
  await ask('default', 'POST', 'tracking/runs', { experimentId: other, id: runId });
  const { code, err } = await dais.run(['import', 'mlflow', '-q', '--from', `${dais.server.url}/p/there`]);
  expect(code).toBe(1);
  expect(err).toContain(`run ${runId} of experiment "flights": Run "`);
});
