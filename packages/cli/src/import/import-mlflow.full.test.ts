/** A real `mlflow server`, filled by its own client, imported into Dais and compared by the client. */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startMlflowServer } from '../../../../conformance/mlflow/mlflow-server.ts';
import { ALL, NOTHING, PATIENCE, startMlflowSource, type MlflowSource, type Report } from './mlflow-source.testing.ts';

let source: MlflowSource;
let dais: MlflowSource['dais'];
let mlflow: MlflowSource['mlflow'];
let folder: string;
beforeAll(async () => {
  source = await startMlflowSource();
  ({ dais, mlflow, folder } = source);
}, PATIENCE);
afterAll(async () => await source?.stop());

const imported = async (...words: string[]) => await source.imported(...words);
const differences = async (to: string) => await source.differences(to);

test(
  'over HTTP everything is imported, a second import changes nothing, and the client sees no difference',
  { timeout: PATIENCE },
  async () => {
    const from = ['--from', mlflow.url];
    expect(await imported(...from, '--dry-run')).toMatchObject({ found: ALL, written: ALL, problems: [] });
    expect(await imported(...from)).toMatchObject({ found: ALL, written: ALL, problems: [] });
    expect(await imported(...from)).toMatchObject({ found: ALL, written: NOTHING, problems: [] });
    const { counts, differences: differing } = (await differences(dais.server.url)) as {
      counts: Record<string, number>;
      differences: string[];
    };
    expect(differing).toEqual([]);
    expect(counts).toMatchObject({ runs: 13, models: 3, versions: 6, traces: 5, datasets: 2, records: 5, scorers: 2 });
    expect(counts['points']).toBeGreaterThan(7500);
    expect(counts['spans']).toBeGreaterThan(15);
    expect(counts['assessments']).toBe(7);
  },
);

type Question = Readonly<Record<string, unknown>> & { readonly aggregations: readonly (string | number)[] };

// Only Dais counts spans in files: the comparison uses those of other traces.
test('both return the same aggregates of the traces, and reject the same requests', async () => {
  const text = await readFile(
    new URL('../../../../conformance/mlflow/trace-metric-questions.json', import.meta.url),
    'utf8',
  );
  const ask = async (server: string, question: Question) => {
    const post = async (path: string, body: object) => {
      const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
      const answer = await fetch(`${server}/api/${path}`, init);
      return { status: answer.status, payload: (await answer.json()) as Record<string, unknown> };
    };
    const named = await fetch(`${server}/api/2.0/mlflow/experiments/get-by-name?experiment_name=traced`);
    const { experiment } = (await named.json()) as { experiment: { experiment_id: string } };
    const aggregations = question.aggregations.map((one) =>
      typeof one === 'number' ? { aggregation_type: 'PERCENTILE', percentile_value: one } : { aggregation_type: one },
    );
    const { status, payload } = await post('3.0/mlflow/traces/metrics', {
      ...question,
      aggregations,
      experiment_ids: [experiment.experiment_id],
    });
    // There, the available aggregations and dimensions are a set, listed in any order.
    const message =
      typeof payload['message'] === 'string' ? payload['message'].replace(/(Supported|Valid).*$/s, '') : undefined;
    return status === 200 ? payload : { status, code: payload['error_code'], message };
  };
  const [there, here]: unknown[][] = [[], []];
  for (const question of JSON.parse(text) as Question[]) {
    there?.push({ question, answer: await ask(mlflow.url, question) });
    here?.push({ question, answer: await ask(dais.server.url, question) });
  }
  expect(here).toEqual(there);
});

test(
  'imported content can be exported again: a second mlflow server opens the export with the same content',
  { timeout: PATIENCE },
  async () => {
    const store = join(folder, 'exported');
    await mkdir(store);
    const early = await dais.run(['export', 'mlflow', '--to', store]);
    expect(early).toMatchObject({ code: 4, err: expect.stringContaining('mlflow experiments search') });
    await mlflow.python('empty_store.py', [], { MLFLOW_TRACKING_URI: `sqlite:///${store}/mlflow.db` });
    const { aliases: _aliases, ...counts } = ALL;
    for (const _time of [1, 2]) {
      const { out, err } = await dais.run(['export', 'mlflow', '-q', '-o', 'json', '--to', store]);
      expect(err).toBe('');
      expect(JSON.parse(out)).toMatchObject(counts);
    }
    const second = await startMlflowServer(store);
    try {
      expect(await differences(second.url)).toMatchObject({ differences: [] });
    } finally {
      await second.stop();
    }
  },
);

test(
  'a running server accepts imported content under new ids; a second export changes nothing, and a third adds new content',
  { timeout: PATIENCE },
  async () => {
    const store = join(folder, 'running');
    await mkdir(store);
    const second = await startMlflowServer(store);
    const exported = async () => {
      const { out, err } = await dais.run(['export', 'mlflow', '-q', '-o', 'json', '--to', second.url]);
      expect(err).toBe('');
      return JSON.parse(out) as Report;
    };
    try {
      const { written, ...first } = await exported();
      expect(first).toMatchObject({ found: ALL, problems: [] });
      // The default experiment already exists, and has no tags.
      expect(written).toEqual({ ...ALL, experiments: ALL.experiments - 1 });
      expect(await exported()).toMatchObject({ found: ALL, written: NOTHING, problems: [] });
      const result = await mlflow.python('transfer_compare.py', [mlflow.url, second.url, 'names']);
      expect(JSON.parse(result)).toMatchObject({ differences: [] });
    } finally {
      await second.stop();
    }
  },
);

test('the same content comes from its database, without the server', { timeout: PATIENCE }, async () => {
  const from = ['--from', `sqlite:///${folder}/mlflow.db`, '--artifacts-folder', `${folder}/artifacts`];
  expect(await imported(...from, '-p', 'copied')).toMatchObject({ found: ALL, written: ALL, problems: [] });
  expect(await imported(...from, '-p', 'copied')).toMatchObject({ written: NOTHING });
  expect(await differences(`${dais.server.url}/p/copied`)).toMatchObject({ differences: [] });
});

test('a mirror follows new content there, and reports it', { timeout: PATIENCE }, async () => {
  const stop = new AbortController();
  let output = '';
  let [changed, hasRun, hasTrace] = [false, false, false];
  const following = dais.run(['import', 'mlflow', '--from', mlflow.url, '--follow', '--every', '1s'], {
    signal: stop.signal,
    onOut: (text) => {
      output += text;
      if (output.includes('13 runs, none new')) changed ||= true;
      if (output.includes('14 runs, 1 new or changed')) hasRun = true;
      if (output.includes('6 traces, 1 new or changed')) hasTrace = true;
      if (hasRun && hasTrace) stop.abort();
    },
  });
  await expect.poll(() => changed).toBe(true);
  const create = { experiment_id: '0', start_time: 1_700_000_000_000, run_name: 'while it is followed' };
  const answer = await fetch(`${mlflow.url}/api/2.0/mlflow/runs/create`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(create),
  });
  const { run } = (await answer.json()) as { run: { info: { run_id: string } } };
  const trace = `tr-${'c'.repeat(32)}`;
  await fetch(`${mlflow.url}/api/3.0/mlflow/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      trace: {
        trace_info: {
          trace_id: trace,
          trace_location: { type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: '0' } },
          request_time: '2026-01-02T03:04:05.006Z',
          state: 'OK',
          trace_metadata: {},
          tags: { a: 'b' },
        },
      },
    }),
  });
  const { code } = await following;
  expect(code).toBe(0);
  const here = await fetch(`${dais.server.url}/api/v1/tracking/runs/${run.info.run_id}`);
  expect(await here.json()).toMatchObject({ name: 'while it is followed', startedAt: 1_700_000_000_000 });
  const traced = await fetch(`${dais.server.url}/api/v1/tracking/traces/${trace}`);
  expect(await traced.json()).toMatchObject({
    state: 'OK',
    tags: { a: 'b' },
    requestedAt: Date.UTC(2026, 0, 2, 3, 4, 5, 6),
  });
});
