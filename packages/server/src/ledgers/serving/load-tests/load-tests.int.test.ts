import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCli } from '#testing/cli.ts';
import { servingClient, type SeenStatus, type ServingClient } from '#testing/serving-client.ts';
import { sharedDais, type SharedDais } from '#testing/shared-dais.ts';

let folder: string;
let dais: SharedDais;
let url: string;
let client: ServingClient;

const WAIT_MS = 100;
const stableIs = (model: string) => (status: SeenStatus) =>
  status.rollout === undefined && status.variants?.find(({ name }) => name === 'stable')?.model === model;
const poll = async (expected: object, endpoint = 'loaded') =>
  await client.call('POST', `/api/v1/serving/endpoints/${endpoint}/load-test`, expected);
const done = async (expected: object, endpoint = 'loaded') => {
  for (;;) {
    const answer = await poll(expected, endpoint);
    if (answer.body['state'] !== 'running') return answer;
    await new Promise((resolve) => void setTimeout(resolve, WAIT_MS));
  }
};

const cli = async (...words: readonly string[]) => await runCli(dais.root, '-p', dais.project, ...words);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-load-tests-'));
  dais = await sharedDais();
  url = dais.url;
  client = servingClient(url);
  await client.register('m', 2, { example: { inputs: [[5]] } });
  await client.register('m', 3, { example: { inputs: [[5]] } });
  await client.register('plain', 2);
  await client.call('POST', '/api/v1/serving/endpoints/loaded/deploy', { model: 'models:/m/1' });
  await client.settled('loaded', stableIs('models:/m/1'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

test('a load test sends many concurrent requests, which are not recorded as predictions', async () => {
  const { status, body } = await done({ run: randomUUID(), connections: 4, seconds: 600, requests: 200 });
  expect(status).toBe(200);
  expect(body).toMatchObject({ state: 'succeeded', requests: 200, failed: 0, connections: 4 });
  const { p50Ms, p90Ms, p99Ms, cpuMicrosPerRequest } = body as Record<string, number>;
  expect([p50Ms, p90Ms, p99Ms].toSorted((a, b) => Number(a) - Number(b))).toEqual([p50Ms, p90Ms, p99Ms]);
  expect(cpuMicrosPerRequest).toBeGreaterThan(0);
  const counted = await client.call('POST', '/api/v1/predictions/endpoints/loaded/query', {
    sql: 'select count(*) as n from predictions',
  });
  expect(counted).toMatchObject({ status: 200, body: { rows: [[0]] } });
});

test('a rate spaces requests evenly; a custom body is sent, and rejected requests count as failed', async () => {
  const even = await done({ run: randomUUID(), connections: 16, seconds: 600, requests: 40, rate: 40 });
  expect(even.body).toMatchObject({ state: 'succeeded', requests: 40, failed: 0, rate: 40 });
  // 40 at 40 per second start within 0.975 s, not sooner.
  expect(Number(even.body['seconds'])).toBeGreaterThanOrEqual(0.9);
  const refused = await done({ run: randomUUID(), requests: 10, seconds: 600, body: { inputs: [['text']] } });
  expect(refused.body).toMatchObject({
    requests: 10,
    failed: 10,
    failure: expect.stringMatching(/^400: /) as string,
  });
});

test('a load test can be stopped; a second one at the same time is rejected', async () => {
  const run = randomUUID();
  expect((await poll({ run, seconds: 600 })).body).toMatchObject({ state: 'running' });
  expect(await poll({ run: randomUUID() })).toMatchObject({ status: 503, body: { code: 'overloaded' } });
  await poll({ run, seconds: 600, stop: true });
  expect((await done({ run, seconds: 600 })).body).toMatchObject({ state: 'canceled' });
});

test('rejects an unknown variant, a missing example, and an unknown endpoint', async () => {
  expect(await poll({ run: randomUUID(), variant: 'canary' })).toMatchObject({
    status: 409,
    body: { detail: expect.stringContaining('Active variants: stable') as string },
  });
  await client.call('POST', '/api/v1/serving/endpoints/plain/deploy', { model: 'models:/plain/1' });
  await client.settled('plain', stableIs('models:/plain/1'));
  expect(await poll({ run: randomUUID() }, 'plain')).toMatchObject({
    status: 409,
    body: { detail: expect.stringContaining('has no input example') as string },
  });
  expect((await poll({ run: randomUUID() }, 'nothing')).status).toBe(404);
});

test('the command prints rates and latencies, and fails if requests failed', async () => {
  const good = await cli('endpoint', 'load-test', 'loaded', '--requests', '50', '--duration', '5m');
  expect([good.code, good.out]).toEqual([0, expect.stringMatching(/\n50 +0 +[\d.]+ +[\d.]+ ms +[\d.]+ ms +[\d.]+ ms/)]);
  const file = join(folder, 'body.json');
  await writeFile(file, '{"inputs": [["text"]]}');
  const bad = await cli('endpoint', 'load-test', 'loaded', '--requests', '5', '--duration', '5m', '-f', file);
  expect([bad.code, bad.err]).toEqual([1, expect.stringContaining('First failed request: 400')]);
});

test('a version that is too slow under load receives no traffic', async () => {
  const apply = async (maxP99Ms: number) => {
    const rollout = { gates: { loadTest: { requests: 100, connections: 4, seconds: 120, maxP99Ms } } };
    const manifest = {
      apiVersion: 'dais.dev/v1',
      kind: 'Endpoint',
      metadata: { name: 'gated' },
      spec: { model: 'models:/m/1', rollout },
    };
    const sources = [{ file: 'gated.yaml', text: JSON.stringify(manifest) }];
    expect((await client.call('POST', '/api/v1/apply', { sources })).status).toBe(200);
  };
  await apply(600_000);
  await client.settled('gated', stableIs('models:/m/1'));
  expect((await client.lastRollout('gated')).steps[0]?.message).toMatch(
    /^The version is loaded and returned a prediction for its input example. 0 of 100 requests on 4 connections failed, p99 latency [\d.]+ ms\.$/,
  );
  await apply(0.001);
  await client.call('POST', '/api/v1/serving/endpoints/gated/deploy', { model: 'models:/m/2' });
  await client.settled('gated', ({ conditions }) => conditions?.some(({ reason }) => reason === 'HeldBack') === true);
  expect(await client.lastRollout('gated')).toMatchObject({
    state: 'rolledBack',
    reason: expect.stringMatching(/p99 latency [\d.]+ ms\. The limit is 0\.001 ms\.$/) as string,
  });
});
