/** Limits of requests, order of loading and quarantine, with an engine whose models behave as their names say. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { credentials, Client, Metadata } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { endpoint, model, snapshot, startWorld, type GatewayWorld } from './testing/gateway-world.ts';

let world: GatewayWorld;
beforeEach(async () => {
  world = await startWorld();
});
afterEach(async () => {
  await world.stop();
});

const serves = (...names: string[]) =>
  snapshot(
    1,
    names.map((name) => model(name)),
    names.map((name) => endpoint(name, [['stable', name, 10_000]])),
  );
const rows = (count: number): (readonly [number, number])[] => Array.from({ length: count }, () => [1, 2]);
const stateOf = (key: string) => world.gateway.stats().models.find((one) => one.key === key)?.state;

describe('limits of one request', () => {
  beforeEach(async () => {
    const limited = endpoint('sum', [['stable', 'sum', 10_000]], { input: { rows: 100, bytes: 4000 } });
    await world.gateway.swap(
      snapshot(
        1,
        [model('sum'), model('identity-FP32')],
        [limited, endpoint('identity', [['stable', 'identity-FP32', 10_000]], { input: { rows: 100, bytes: 4000 } })],
      ),
    );
  });

  test('rejects too many rows with 413 in the format of each protocol, before the model receives them', async () => {
    expect((await world.sums('sum', rows(100))).status).toBe(200);
    const before = world.engine.runs.length;
    const refused = await world.sums('sum', rows(101));
    expect(refused).toMatchObject({
      status: 413,
      json: { error: expect.stringContaining('accepts 100 per request') },
    });
    const scored = await world.ask('/endpoints/sum/invocations', {
      body: JSON.stringify({ inputs: rows(101) }),
      headers: { 'content-type': 'application/json' },
    });
    expect(scored).toMatchObject({ status: 413, json: { message: expect.stringContaining('101 rows') } });
    const first = await world.ask('/v1/models/sum:predict', { body: JSON.stringify({ instances: rows(101) }) });
    expect(first).toMatchObject({ status: 413, json: { error: expect.stringContaining('spec.input.rows') } });
    expect(world.engine.runs).toHaveLength(before);
  });

  test('too many bytes, and large shapes without elements', async () => {
    const ask = async (shape: readonly number[], data: readonly number[]) => {
      const body = JSON.stringify({ inputs: [{ name: 'INPUT0', shape, datatype: 'FP32', data }] });
      return (await world.ask('/v2/models/identity/infer', { body })).status;
    };
    const many = Array.from({ length: 1001 }, () => 1);
    expect(await ask([1, 1000], many.slice(1))).toBe(200);
    expect(await ask([1, 1001], many)).toBe(413);
    expect(await ask([0, 1_000_000_000], [])).toBe(413);
    expect(await ask([1_000_000_000, 0], [])).toBe(413);
    expect(await ask([0, 3], [])).toBe(200);
  });
});

describe('a starting gateway', () => {
  test('accepts connections immediately; each model serves as soon as it is loaded, others return a retry delay', async () => {
    await world.gateway.swap(serves('sum', 'slow'));
    // The previous load took long: the retry delay is returned immediately.
    let loaded = () => {};
    const slowly = new Promise<void>((resolve) => (loaded = resolve));
    world.engine.loading.set('slow', slowly);
    await world.restart();
    expect((await world.sums('sum', [[1, 2]])).status).toBe(200);
    expect((await world.ask('/v2/health/ready')).status).toBe(200);
    expect((await world.ask('/v2/models/sum/ready')).status).toBe(200);
    expect((await world.ask('/v2/models/slow/ready')).status).toBe(503);
    expect(stateOf('slow')).toBe('loading');
    const refused = await world.sums('slow', [[1, 2]]);
    expect(refused).toMatchObject({
      status: 503,
      headers: { 'retry-after': expect.stringMatching(/^\d+$/) as string },
      json: { error: expect.stringContaining('is loading') },
    });
    loaded();
    await expect.poll(async () => (await world.sums('slow', [[1, 2]])).status).toBe(200);
    expect((await world.ask('/v2/models/slow/ready')).status).toBe(200);
  });

  test('returns UNAVAILABLE over gRPC for a loading model', async () => {
    await world.gateway.swap(serves('slow'));
    let loaded = () => {};
    world.engine.loading.set('slow', new Promise<void>((resolve) => (loaded = resolve)));
    await world.restart();
    const client = new Client(`127.0.0.1:${world.gateway.grpcPort}`, credentials.createInsecure());
    // model_name = "slow"
    const message = Buffer.concat([Buffer.from([0x0a, 4]), Buffer.from('slow')]);
    const pass = (bytes: Buffer) => bytes;
    const code = await new Promise((resolve) => {
      client.makeUnaryRequest(
        '/inference.GRPCInferenceService/ModelInfer',
        pass,
        pass,
        message,
        new Metadata(),
        (error) => resolve(error?.code),
      );
    });
    client.close();
    loaded();
    expect(code).toBe(14);
  });
});

describe('quarantine', () => {
  test('quarantines a model whose process ends twice during loading; others are served, also after a restart', async () => {
    const { failed } = await world.gateway.swap(serves('sum', 'bomb'));
    expect(failed.get('bomb')).toMatch(/quarantined.*twice in a row.*exceeded its memory limit/);
    expect(world.engine.loads.filter((name) => name === 'bomb')).toHaveLength(2);
    expect(stateOf('bomb')).toBe('quarantined');
    const refused = await world.sums('bomb', [[1, 2]]);
    expect(refused).toMatchObject({ status: 503, headers: { 'retry-after': '60' } });
    expect(JSON.stringify(refused.json)).toContain('exceeded its memory limit');
    expect((await world.ask('/metrics')).bytes.toString()).toContain(
      'dais_gateway_model_quarantined{model="bomb",project="default",name="bomb",version="1"} 1',
    );
    await world.restart();
    expect((await world.sums('sum', [[1, 2]])).status).toBe(200);
    expect((await world.sums('bomb', [[1, 2]])).status).toBe(503);
    expect(world.engine.loads.filter((name) => name === 'bomb')).toHaveLength(2);
    // A user resumes it: it is loaded again, and quarantined again.
    const expected = serves('sum', 'bomb');
    const models = expected.models.map((one) => ({ ...one, resumes: 1 }));
    await world.gateway.swap({ ...expected, revision: 2, models });
    expect(world.engine.loads.filter((name) => name === 'bomb')).toHaveLength(4);
    expect(stateOf('bomb')).toBe('quarantined');
    expect(await readdir(join(world.folder, 'loading'))).toEqual([]);
  });

  test('quarantines a serving model after two ends; its requests fail alone, and a user can resume it', async () => {
    await world.gateway.swap(serves('sum', 'fragile'));
    expect((await world.sums('fragile', [[1, 2]])).status).toBe(200);
    expect((await world.sums('fragile', [[-1, 2]])).status).toBe(503);
    expect((await world.sums('fragile', [[1, 2]])).status).toBe(200);
    expect((await world.sums('fragile', [[-1, 2]])).status).toBe(503);
    expect(stateOf('fragile')).toBe('quarantined');
    await expect.poll(() => world.engine.closed).toEqual(['fragile']);
    const refused = await world.sums('fragile', [[1, 2]]);
    expect([refused.status, JSON.stringify(refused.json)]).toEqual([503, expect.stringContaining('SIGSEGV')]);
    expect((await world.sums('sum', [[1, 2]])).status).toBe(200);
    const expected = serves('sum', 'fragile');
    await world.gateway.swap({
      ...expected,
      revision: 2,
      models: expected.models.map((one) => ({ ...one, resumes: 1 })),
    });
    expect((await world.sums('fragile', [[1, 2]])).status).toBe(200);
  });
});
