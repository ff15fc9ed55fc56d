/** Traces of Dais itself, taken by another Dais: what several processes did for one caller is one trace. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startDaisProcess, type DaisProcess } from '#testing/dais-process.ts';
import { executionClient } from '#testing/execution-client.ts';
import { servingClient } from '#testing/serving-client.ts';
import { sharedDais } from '#testing/shared-dais.ts';

interface Seen {
  readonly name: string;
  readonly id: string;
  readonly parentId?: string;
}

const CALLER = 'b7ad6b7169203331';
let folder: string;
let dais: DaisProcess;
let collectorUrl: string;
let url: string;

const spansOf = async (trace: string): Promise<readonly Seen[]> => {
  const answer = await fetch(`${collectorUrl}/api/v1/tracking/traces/tr-${trace}/spans`);
  return answer.status === 200 ? ((await answer.json()) as { items: Seen[] }).items : [];
};
const namesOf = async (trace: string) => (await spansOf(trace)).map(({ name }) => name).toSorted();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-traces-'));
  collectorUrl = (await sharedDais()).root;
  const flags = { 'otlp.endpoint': collectorUrl, 'otlp.sampleRatio': 1 };
  dais = startDaisProcess({ ...flags, data: join(folder, 'data'), 'keys.folder': join(folder, 'keys') });
  url = await dais.ready;
});
afterAll(async () => {
  dais.process.kill('SIGTERM');
  await dais.ended;
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

test('a prediction by the main port: the control process, below it the gateway, below it queue and model', async () => {
  const trace = '0af7651916cd43dd8448eb211c80319c';
  const quiet = '1af7651916cd43dd8448eb211c80319c';
  const client = servingClient(url, { traceparent: `00-2af7651916cd43dd8448eb211c80319c-${CALLER}-00` });
  await client.register('m', 2, { example: { inputs: [[1]] } });
  await client.call('POST', '/api/v1/serving/endpoints/scaled/deploy', { model: 'models:/m/1' });
  await client.settled('scaled', ({ conditions, rollout }) => {
    return (
      rollout === undefined && conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true
    );
  });
  const predict = async (traceparent: string) => {
    const inputs = [{ name: 'x', shape: [1, 1], datatype: 'FP32', data: [1] }];
    return await servingClient(url, { traceparent }).call('POST', '/v2/models/scaled/infer', { inputs });
  };
  expect((await predict(`00-${quiet}-${CALLER}-00`)).status).toBe(200);
  expect((await predict(`00-${trace}-${CALLER}-01`)).status).toBe(200);
  await expect.poll(async () => await namesOf(trace)).toEqual(['endpoint.invoke', 'model', 'predict scaled', 'queue']);
  const spans = new Map((await spansOf(trace)).map((span) => [span.name, span]));
  const control = spans.get('endpoint.invoke');
  const gateway = spans.get('predict scaled');
  expect(control?.parentId).toBe(CALLER);
  expect(gateway?.parentId).toBe(control?.id);
  for (const part of ['queue', 'model']) expect(spans.get(part)?.parentId).toBe(gateway?.id);
  // What its caller did not want kept left no span, although all others of both processes have arrived.
  expect(await namesOf(quiet)).toEqual([]);
});

test('a step: its attempt is a span of the trace that has the id of the run, and what it calls belongs below', async () => {
  const client = executionClient(() => url);
  const program = `
    const { DAIS_URL, DAIS_TOKEN, TRACEPARENT } = process.env;
    fetch(DAIS_URL + '/api/2.0/mlflow/runs/create', {
      method: 'POST',
      headers: { authorization: 'Bearer ' + DAIS_TOKEN, traceparent: TRACEPARENT, 'content-type': 'application/json' },
      body: '{"experiment_id": "0"}',
    }).then(({ status }) => process.exit(status === 200 ? 0 : 1));`;
  const { id } = await client.submit({ main: { command: ['node', '-e', program] } });
  expect(await client.ended(id)).toMatchObject({ state: 'succeeded' });
  const trace = id.replaceAll('-', '');
  await expect.poll(async () => (await namesOf(trace)).length).toBe(2);
  const spans = await spansOf(trace);
  const step = spans.find(({ name }) => name === 'step main');
  expect(step?.parentId).toBeUndefined();
  expect(spans.filter((span) => span !== step)).toMatchObject([{ parentId: step?.id }]);
});

test('without a collector there is none of this: a step finds no TRACEPARENT', async () => {
  const client = executionClient(() => collectorUrl);
  const program = 'process.exit(process.env.TRACEPARENT === undefined ? 0 : 1)';
  const { id } = await client.submit({ main: { command: ['node', '-e', program] } });
  expect(await client.ended(id)).toMatchObject({ state: 'succeeded' });
});
