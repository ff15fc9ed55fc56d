import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OWNER_TOKEN } from '#http/testing/http-fixture.ts';
import { startMlflowWorld, type Json, type MlflowWorld } from './testing/mlflow-fixture.ts';

let world: MlflowWorld;
beforeAll(async () => {
  world = await startMlflowWorld({ accounts: {} });
});
afterAll(async () => await world?.stop());

const authorization = `Bearer ${OWNER_TOKEN}`;
const post = async (path: string, body: object): Promise<Json> =>
  (await world.post(path, body, { authorization })).json;
const ask = async (query: string, more: object = {}): Promise<Json> => {
  const answer = await world.send('POST', '/graphql', { query, ...more }, { authorization });
  expect([answer.status, answer.text]).toEqual([200, expect.any(String)]);
  return answer.json;
};

describe('queries', () => {
  let experiment: string;
  let run: string;
  beforeAll(async () => {
    experiment = (await post('experiments/create', { name: 'queried' })).experiment_id;
    const made = await post('runs/create', { experiment_id: experiment, start_time: 1 });
    run = made.run.info.run_id;
    for (const [key, value] of [
      ['loss', 0.5],
      ['none', 'NaN'],
    ]) {
      await post('runs/log-metric', { run_id: run, key, value, timestamp: 2, step: 3 });
    }
    const source = { source_type: 'local', source: 's' };
    const datasets = [{ dataset: { name: 'set', digest: 'd', ...source } }];
    await post('runs/log-inputs', { run_id: run, datasets });
  });

  test('an experiment, and a run with its experiment', async () => {
    expect(
      await ask(`{ mlflowGetExperiment(input: {experimentId: "${experiment}"}) { experiment { name tags { key } } } }`),
    ).toEqual({
      data: { mlflowGetExperiment: { experiment: { name: 'queried', tags: [] } } },
      errors: null,
    });
    const query = `query GetRun($data: MlflowGetRunInput!) @component(name: "Page") {
      mlflowGetRun(input: $data) {
        apiError { message }
        run { info { ...Info } experiment { name } data { metrics { key value timestamp step } } }
      }
    }
    fragment Info on MlflowRunInfo { status startTime endTime }`;
    const answered = await ask(query, { operationName: 'GetRun', variables: { data: { runId: run } } });
    expect(answered.errors).toBeNull();
    expect(answered.data.mlflowGetRun).toEqual({
      apiError: null,
      run: {
        info: { status: 'RUNNING', startTime: '1', endTime: '0' },
        experiment: { name: 'queried' },
        data: {
          metrics: expect.arrayContaining([
            { key: 'loss', value: 0.5, timestamp: '2', step: '3' },
            { key: 'none', value: null, timestamp: '2', step: '3' },
          ]),
        },
      },
    });
  });

  test('searches, as queries and as mutations', async () => {
    const search = `mlflowSearchRuns(input: {experimentIds: ["${experiment}"]}) { runs { info { runId } } }`;
    for (const kind of ['query', 'mutation']) {
      expect((await ask(`${kind} { ${search} }`)).data.mlflowSearchRuns.runs).toEqual([{ info: { runId: run } }]);
    }
    const sets = `mlflowSearchDatasets(input: {experimentIds: ["${experiment}"]}) { datasetSummaries { name context } }`;
    expect((await ask(`mutation { ${sets} }`)).data.mlflowSearchDatasets.datasetSummaries).toEqual([
      { name: 'set', context: '' },
    ]);
    const history = `mlflowGetMetricHistoryBulkInterval(input: {runIds: ["${run}"], metricKey: "loss"}) { metrics { key value } }`;
    expect((await ask(`{ ${history} }`)).data.mlflowGetMetricHistoryBulkInterval.metrics).toEqual([
      { key: 'loss', value: 0.5 },
    ]);
    expect((await ask(`{ mlflowListArtifacts(input: {runId: "${run}"}) { files { path } } }`)).data).toEqual({
      mlflowListArtifacts: { files: [] },
    });
    expect((await ask('{ test(inputString: "a") { output } }')).data).toEqual({ test: { output: 'a' } });
  });

  test('a missing record is an error of its field', async () => {
    const answered = await ask('{ mlflowGetRun(input: {runId: "none"}) { run { info { runId } } } }');
    expect(answered).toEqual({ data: { mlflowGetRun: null }, errors: [expect.stringContaining('none')] });
  });
});

test.each([
  ['no GraphQL', '{', /Syntax Error/],
  ['an unknown field', '{ mlflowGetSecrets { a } }', /Cannot query field "mlflowGetSecrets"/],
  [
    'too many root fields',
    `{ ${Array.from({ length: 11 }, (_, n) => `a${n}: test { output }`).join(' ')} }`,
    /at most 10 root fields/,
  ],
  [
    'too many aliases',
    `{ test { ${Array.from({ length: 11 }, (_, n) => `a${n}: output`).join(' ')} } }`,
    /at most 10 aliases, got 11/,
  ],
  [
    'aliases in fragments',
    `{ test { ...A ... on Test { ${Array.from({ length: 6 }, (_, n) => `b${n}: output`).join(' ')} } } }
     fragment A on Test { ...A ${Array.from({ length: 6 }, (_, n) => `a${n}: output`).join(' ')} }`,
    /at most 10 aliases, got 12/,
  ],
  ['too deep a query', `{ ${'a { '.repeat(11)} b ${'} '.repeat(11)} }`, /maximum depth of 10/],
  ['too many selections', `{ test { ${'output '.repeat(1001)} } }`, /maximum total selections of 1000/],
  ['too many tokens', `{ test { ${'output '.repeat(30_000)} } }`, /tokens/],
])('rejects %s', async (_what, query, message) => {
  const answered = await ask(query);
  expect(answered).toEqual({ data: null, errors: [expect.stringMatching(message)] });
});

test('a request without a query, or without a credential, is rejected', async () => {
  const none = await world.send('POST', '/graphql', {}, { authorization });
  expect([none.status, none.json.error_code]).toEqual([400, 'INVALID_PARAMETER_VALUE']);
  const stranger = await world.send('POST', '/graphql', { query: '{ test { output } }' });
  expect([stranger.status, stranger.json.error_code]).toEqual([401, 'UNAUTHENTICATED']);
});
