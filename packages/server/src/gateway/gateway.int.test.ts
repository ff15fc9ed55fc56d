import { connect } from 'node:net';
import { readPredictionId, type ServedEndpoint } from '@dais/api/gateway';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { endpoint, model, snapshot, startWorld, sumsBody, type GatewayWorld } from './testing/gateway-world.ts';

const MIB = 2 ** 20;

let world: GatewayWorld;
beforeEach(async () => {
  world = await startWorld();
});
afterEach(async () => {
  for (const go of world.engine.waiting) go();
  await world.stop();
});

const sum = (models = [model('sum')]) => snapshot(1, models, [endpoint('sum', [['stable', 'sum', 10_000]])]);
/** State of a gated model. */
const runsOf = (name: string) => world.engine.runs.filter((run) => run.model === name).map(({ rows }) => rows);

describe('routes', () => {
  test('predicts, and names variant, version and prediction', async () => {
    await world.gateway.swap(sum());
    const { status, headers, json } = await world.sums('sum', [
      [1, 2],
      [3, 4],
    ]);
    expect(json).toMatchObject({
      model_name: 'sum',
      model_version: '1',
      outputs: [{ name: 'y', shape: [2], data: [3, 7] }],
    });
    expect(status).toBe(200);
    expect(headers).toMatchObject({ 'dais-variant': 'stable', 'dais-model-version': '1' });
    expect(readPredictionId(String(headers['dais-prediction-id']))).toMatchObject({ gateway: 7 });
  });

  test('splits by hash: a key stays on its variant, and more canary weight only moves keys to the canary', async () => {
    const split = (revision: number, canary: number) =>
      snapshot(
        revision,
        [model('sum'), model('sum-2', { version: '2' })],
        [
          endpoint('sum', [
            ['stable', 'sum', 10_000 - canary],
            ['canary', 'sum-2', canary],
          ]),
        ],
      );
    const who = async () => {
      const variants: string[] = [];
      for (let id = 0; id < 100; id++) {
        const { headers } = await world.sums('sum', [[1, 2]], { id: `user-${id}` });
        variants.push(String(headers['dais-variant']));
      }
      return variants;
    };
    await world.gateway.swap(split(1, 1000));
    const first = await who();
    expect(await who()).toEqual(first);
    await world.gateway.swap(split(2, 4000));
    const second = await who();
    const canaries = (variants: readonly string[]) => variants.filter((name) => name === 'canary').length;
    expect(canaries(first)).toBeGreaterThan(0);
    expect(canaries(second)).toBeGreaterThan(canaries(first));
    const moved = first.filter((variant, index) => variant === 'canary' && second[index] !== 'canary');
    expect(moved).toEqual([]);
  });

  test('selects by version, alias, variant or pin', async () => {
    const models = [model('sum'), model('sum-2', { version: '2', aliases: ['next'] })];
    await world.gateway.swap(
      snapshot(1, models, [
        endpoint(
          'sum',
          [
            ['stable', 'sum', 10_000],
            ['dark', 'sum-2', 0],
          ],
          { pins: [{ header: 'Dais-Variant', value: 'dark', variant: 'dark' }] },
        ),
      ]),
    );
    for (const version of ['2', 'next', 'dark']) {
      const { headers } = await world.ask(`/v2/models/sum/versions/${version}/infer`, { body: sumsBody([[1, 2]]) });
      expect(headers['dais-model-version']).toBe('2');
    }
    const pinned = await world.sums('sum', [[1, 2]], { headers: { 'dais-variant': 'dark' } });
    expect(pinned.headers['dais-variant']).toBe('dark');
    const unknown = await world.ask('/v2/models/sum/versions/9/infer', { body: sumsBody([[1, 2]]) });
    expect(unknown).toMatchObject({
      status: 404,
      json: { error: 'The endpoint "sum" has no version "9". Available versions: 1 (stable), 2 (dark).' },
    });
  });

  test('below a project, and without one if the name is unique', async () => {
    const models = [model('sum')];
    const variants = [['stable', 'sum', 10_000]] as const;
    await world.gateway.swap(
      snapshot(1, models, [
        endpoint('only', variants, { project: 'a', uid: '1' }),
        endpoint('both', variants, { project: 'a', uid: '2' }),
        endpoint('both', variants, { project: 'b', uid: '3' }),
      ]),
    );
    expect((await world.sums('only', [[1, 2]])).status).toBe(200);
    expect((await world.sums('both', [[1, 2]])).json).toEqual({
      error: 'The endpoint name "both" exists in the projects a, b. Use the path /p/PROJECT/ to select one.',
    });
    expect((await world.ask('/p/b/v2/models/both/infer', { body: sumsBody([[1, 2]]) })).status).toBe(200);
    expect((await world.ask('/p/b/v2/models/only/infer', { body: sumsBody([[1, 2]]) })).status).toBe(404);
  });

  test('loads a new model before it is used, and unloads the old one afterwards', async () => {
    await world.gateway.swap(sum());
    let loaded = () => {};
    world.engine.loading.set('sum-2', new Promise<void>((resolve) => (loaded = resolve)));
    const models = [model('sum-2', { version: '2' })];
    const swapping = world.gateway.swap(snapshot(2, models, [endpoint('sum', [['stable', 'sum-2', 10_000]])]));
    await expect.poll(() => world.engine.loads).toContain('sum-2');
    expect((await world.sums('sum', [[1, 2]])).headers['dais-model-version']).toBe('1');
    loaded();
    expect((await swapping).failed.size).toBe(0);
    expect((await world.sums('sum', [[1, 2]])).headers['dais-model-version']).toBe('2');
    await expect.poll(() => world.engine.closed).toEqual(['sum']);
  });

  test('reports why a model cannot be loaded, and keeps the endpoint unchanged', async () => {
    await world.gateway.swap(sum());
    const models = [model('broken', { version: '2' }), model('other')];
    const { failed } = await world.gateway.swap(
      snapshot(2, models, [
        endpoint('sum', [['stable', 'broken', 10_000]]),
        endpoint('other', [['stable', 'other', 10_000]]),
        endpoint('new', [['stable', 'broken', 10_000]]),
      ]),
    );
    expect(failed.get('broken')).toContain('The file is not a model.');
    expect((await world.sums('sum', [[1, 2]])).headers['dais-model-version']).toBe('1');
    expect((await world.sums('other', [[1, 2]])).status).toBe(200);
    expect(await world.sums('new', [[1, 2]])).toMatchObject({
      status: 503,
      headers: { 'retry-after': '1' },
      json: { error: 'The model could not be loaded: The file is not a model.' },
    });
  });

  test('rejects older snapshots, and those with unknown models', async () => {
    await world.gateway.swap(snapshot(5, [model('sum')], [endpoint('sum', [['stable', 'sum', 10_000]])]));
    await expect(world.gateway.swap(sum())).rejects.toThrow('older');
    await expect(world.gateway.swap(snapshot(6, [], [endpoint('sum', [['stable', 'sum', 10_000]])]))).rejects.toThrow(
      'refers to the model sum',
    );
    expect((await world.sums('sum', [[1, 2]])).status).toBe(200);
  });

  test('serves from the local snapshot after a restart, without a control plane', async () => {
    await world.gateway.swap(sum());
    await world.restart();
    expect((await world.sums('sum', [[1, 2]])).status).toBe(200);
    expect((await world.ask('/readyz')).status).toBe(200);
  });
});

describe('batches', () => {
  test('batches requests that arrive during a run, counted in rows', async () => {
    await world.gateway.swap(
      snapshot(
        1,
        [model('gated')],
        [endpoint('sum', [['stable', 'gated', 10_000]], { batching: { rows: 6, delayMs: 0 } })],
      ),
    );
    const first = world.sums('sum', [[1, 2]]);
    await expect.poll(() => runsOf('gated')).toEqual([1]);
    const others = [1, 2, 3, 4].map((n) =>
      world.sums('sum', [
        [n, 1],
        [n, 2],
      ]),
    );
    await expect.poll(() => world.gateway.stats().models[0]?.waitingRows).toBe(8);
    world.engine.waiting.shift()?.();
    await expect.poll(() => runsOf('gated')).toEqual([1, 6]);
    world.engine.waiting.shift()?.();
    await expect.poll(() => runsOf('gated')).toEqual([1, 6, 2]);
    world.engine.waiting.shift()?.();
    await first;
    for (const [index, answer] of (await Promise.all(others)).entries()) {
      expect(answer.json).toMatchObject({ outputs: [{ shape: [2], data: [index + 2, index + 3] }] });
    }
  });

  test('one invalid row fails alone', async () => {
    await world.gateway.swap(snapshot(1, [model('picky')], [endpoint('sum', [['stable', 'picky', 10_000]])]));
    const answers = await Promise.all([1, -1, 3].map((n) => world.sums('sum', [[n, 1]])));
    expect(answers.map(({ status }) => status)).toEqual([200, 400, 200]);
    expect(answers[1]?.json).toEqual({ error: 'The model does not accept values below 0.' });
  });

  test('a model that loses rows never returns the prediction of another request', async () => {
    await world.gateway.swap(snapshot(1, [model('forgetful')], [endpoint('sum', [['stable', 'forgetful', 10_000]])]));
    const answers = await Promise.all([1, 2, 3].map((n) => world.sums('sum', [[n, 1]])));
    expect(answers.map(({ json }) => json)).toMatchObject([1, 2, 3].map((n) => ({ outputs: [{ data: [n + 1] }] })));
    expect(
      (
        await world.sums('sum', [
          [1, 1],
          [2, 2],
        ])
      ).status,
    ).toBe(500);
  });
});

describe('limits of queue and time', () => {
  const gated = (more: Parameters<typeof endpoint>[2]) =>
    snapshot(1, [model('gated')], [endpoint('sum', [['stable', 'gated', 10_000]], more)]);

  test('a full queue returns 503, a quota 429, both with a retry delay', async () => {
    await world.gateway.swap(gated({ queue: { rows: 2, bytes: 1 << 20 }, concurrency: 4 }));
    const running = world.sums('sum', [[1, 2]]);
    await expect.poll(() => runsOf('gated')).toEqual([1]);
    const waiting = [world.sums('sum', [[1, 2]]), world.sums('sum', [[1, 2]])];
    await expect.poll(() => world.gateway.stats().models[0]?.waitingRows).toBe(2);
    const full = await world.sums('sum', [[1, 2]]);
    expect(full).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
    await world.gateway.swap({ ...gated({ queue: { rows: 9, bytes: 1 << 20 }, concurrency: 3 }), revision: 2 });
    expect(await world.sums('sum', [[1, 2]])).toMatchObject({ status: 429, headers: { 'retry-after': '1' } });
    for (const _ of [1, 2]) {
      await expect.poll(() => world.engine.waiting.length).toBeGreaterThan(0);
      world.engine.waiting.shift()?.();
    }
    expect((await Promise.all([running, ...waiting])).map(({ status }) => status)).toEqual([200, 200, 200]);
  });

  test('returns 504 after the timeout of the endpoint or the request', async () => {
    await world.gateway.swap(gated({ timeoutMs: 60_000 }));
    const body = JSON.stringify({ ...JSON.parse(sumsBody([[1, 2]])), parameters: { timeout: 50_000 } });
    expect((await world.ask('/v2/models/sum/infer', { body })).status).toBe(504);
    await world.gateway.swap({ ...gated({ timeoutMs: 50 }), revision: 2 });
    expect((await world.sums('sum', [[1, 2]])).status).toBe(504);
    expect(world.gateway.stats().variants[0]).toMatchObject({ requests: 2, failures: 2 });
  });

  test('a disconnecting client frees its place in the queue', async () => {
    await world.gateway.swap(gated({}));
    const running = world.sums('sum', [[1, 2]]);
    await expect.poll(() => runsOf('gated')).toEqual([1]);
    const gone = new AbortController();
    const left = world.sums('sum', [[5, 5]], { signal: gone.signal });
    await expect.poll(() => world.gateway.stats().models[0]?.waitingRows).toBe(1);
    gone.abort();
    await expect(left).rejects.toThrow('abort');
    await expect.poll(() => world.gateway.stats().models[0]?.waitingRows).toBe(0);
    world.engine.waiting.shift()?.();
    await running;
    expect(runsOf('gated')).toEqual([1]);
  });

  test('scaled to zero: the first requests wait for the model together', async () => {
    const sleepy = model('sum', { workers: { min: 0, max: 1, idleMs: 50 } });
    await world.gateway.swap(sum([sleepy]));
    await expect.poll(() => world.engine.closed).toEqual(['sum']);
    expect(world.gateway.stats().models[0]?.state).toBe('idle');
    expect((await world.ask('/v2/models/sum/ready')).status).toBe(200);
    const answers = await Promise.all(Array.from({ length: 10 }, () => world.sums('sum', [[1, 2]])));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(world.engine.loads).toEqual(['sum', 'sum']);
  });

  test('returns a retry delay when too many requests wait for a model that is scaled to zero', async () => {
    const sleepy = model('sum', { workers: { min: 0, max: 1, idleMs: 50 } });
    await world.gateway.swap(sum([sleepy]));
    await expect.poll(() => world.engine.closed).toEqual(['sum']);
    let loaded = () => {};
    world.engine.loading.set('sum', new Promise<void>((resolve) => (loaded = resolve)));
    const first = Array.from({ length: 1050 }, () => world.sums('sum', [[1, 2]]));
    const refused: number[] = [];
    for (const answer of first) {
      void answer.then(({ status, headers }) => {
        if (status === 503 && Number(headers['retry-after']) >= 1) refused.push(status);
      });
    }
    await expect.poll(() => refused.length).toBe(50);
    loaded();
    const statuses = (await Promise.all(first)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(1000);
  });

  test('the size of bodies counts while they wait for a model that is scaled to zero', async () => {
    const sleepy = model('sum', { workers: { min: 0, max: 1, idleMs: 50 } });
    await world.gateway.swap(
      snapshot(1, [sleepy], [endpoint('sum', [['stable', 'sum', 10_000]], { bodyBytes: 64 * MIB })]),
    );
    await expect.poll(() => world.engine.closed).toEqual(['sum']);
    let loaded = () => {};
    world.engine.loading.set('sum', new Promise<void>((resolve) => (loaded = resolve)));
    const ask = async (mib: number) =>
      await world.ask('/v2/models/sum/infer', { body: sumsBody([[1, 2]]).padEnd(mib * MIB) });
    const waiting = [ask(33)];
    await expect.poll(() => world.gateway.stats().models[0]?.waitingBytes).toBeGreaterThan(33 * MIB);
    const refused = await world.sums('sum', [[1, 2]]);
    expect([refused.status, Number(refused.headers['retry-after']) >= 1]).toEqual([503, true]);
    loaded();
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([200]);
  });
});

describe('scaling', () => {
  test('adds instances under load, up to the limit, and removes them when idle', async () => {
    const scaled = model('gated', { workers: { min: 1, max: 3, idleMs: 100 } });
    await world.gateway.swap(snapshot(1, [scaled], [endpoint('sum', [['stable', 'gated', 10_000]])]));
    const answers: Promise<{ readonly status: number }>[] = [];
    // Each new instance takes all waiting requests: the next one needs further requests.
    for (const workers of [1, 2, 3]) {
      await expect.poll(() => world.gateway.stats().models[0]?.concurrency).toBe(workers);
      answers.push(...Array.from({ length: 2 }, () => world.sums('sum', [[1, 2]])));
      await expect.poll(() => world.gateway.stats().models[0]?.running).toBe(workers);
    }
    expect((await world.ask('/metrics')).bytes.toString()).toContain('dais_gateway_workers{model="gated"} 3');
    const settle = setInterval(() => {
      for (const go of world.engine.waiting.splice(0)) go();
    }, 1);
    try {
      expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(answers.map(() => 200));
      await expect.poll(() => world.engine.scales).toEqual([2, 3, 1]);
    } finally {
      clearInterval(settle);
    }
  });
});

describe('quotas', () => {
  test('each protocol reports an exceeded quota with a retry delay', async () => {
    const one = snapshot(1, [model('sum')], [endpoint('sum', [['stable', 'sum', 10_000]])]);
    await world.gateway.swap({ ...one, quotas: [{ project: 'default', perSecond: 0.01 }] });
    expect((await world.sums('sum', [[1, 2]])).status).toBe(200);
    const refused = await world.sums('sum', [[1, 2]]);
    expect(refused).toMatchObject({
      status: 429,
      headers: { 'retry-after': expect.stringMatching(/^\d+$/) as string },
    });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(90);
    const error = 'The project "default" can make 0.01 predictions per second at this gateway. Retry later.';
    expect(refused.json).toEqual({ error });
    const scored = await world.ask('/endpoints/sum/invocations', {
      body: '{"inputs": [[1, 2]]}',
      headers: { 'content-type': 'application/json' },
    });
    expect(scored).toMatchObject({ status: 429, json: { error_code: 'REQUEST_LIMIT_EXCEEDED', message: error } });
    const first = await world.ask('/v1/models/sum:predict', { body: '{"instances": [[1, 2]]}' });
    expect(first).toMatchObject({ status: 429, json: { error } });
    // Without the limit, immediately.
    await world.gateway.swap({ ...one, revision: 2 });
    expect((await world.sums('sum', [[1, 2]])).status).toBe(200);
  });
});

describe('shadows', () => {
  test('receive copies after the response, without effects on the caller', async () => {
    const shadow = [{ name: 'try', model: 'gated', percent: 100 }];
    const capture: ServedEndpoint['capture'] = { policy: 'ack', share: 1, overflow: 'drop', omit: [] };
    const served = endpoint('sum', [['stable', 'sum', 10_000]], { shadow, capture });
    await world.gateway.swap(snapshot(1, [model('sum'), model('gated')], [served]));
    for (let n = 0; n < 300; n++) expect((await world.sums('sum', [[n, 1]])).status).toBe(200);
    expect(world.gateway.stats().variants.find(({ shadow: is }) => is)?.shadowDropped).toBe(300 - 256);
    const settle = setInterval(() => {
      for (const go of world.engine.waiting.splice(0)) go();
    }, 1);
    try {
      await expect.poll(() => world.capture.records.length).toBe(300 + 256);
    } finally {
      clearInterval(settle);
    }
    const [first] = world.capture.records;
    const copy = world.capture.records.find(({ shadowOf }) => shadowOf === first?.id);
    expect(copy).toMatchObject({ variant: 'try', status: 200, outputs: first?.outputs });
  });
});

describe('capture', () => {
  test('captures failed requests, and runs no model if predictions cannot be captured', async () => {
    const capture: ServedEndpoint['capture'] = { policy: 'ack', share: 1, overflow: 'shed', omit: [] };
    await world.gateway.swap(snapshot(1, [model('sum')], [endpoint('sum', [['stable', 'sum', 10_000]], { capture })]));
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const good = await world.sums('sum', [[1, 2]], { id: 'mine', headers: { traceparent, 'x-request-id': 'r-1' } });
    await world.ask('/v2/models/sum/infer', { body: '{"inputs": []}' });
    await world.ask('/v2/models/sum/infer', { body: '{' });
    const figures = (await world.ask('/metrics')).bytes.toString();
    expect(figures).toContain(`dais_gateway_predictions_kept_total ${world.capture.records.length}`);
    expect(figures).toContain('dais_gateway_predictions_lost_total{how="dropped"} 0');
    world.capture.fullNow = true;
    expect((await world.sums('sum', [[1, 2]])).status).toBe(503);
    expect(world.capture.records).toMatchObject([
      {
        status: 200,
        id: good.headers['dais-prediction-id'],
        callerId: 'mine',
        requestId: 'r-1',
        traceparent,
        principal: 'owner',
      },
      { status: 400, error: 'The request is missing the inputs "x" FP32 [-1,2].' },
      { status: 400, inputs: [] },
      { status: 503 },
    ]);
    expect(good.headers).toMatchObject({ 'x-request-id': 'r-1', traceparent });
  });
});

describe('shutdown', () => {
  test('finishes active requests, rejects new ones, then closes the port', async () => {
    await world.gateway.swap(snapshot(1, [model('gated')], [endpoint('sum', [['stable', 'gated', 10_000]])]));
    const running = world.sums('sum', [[1, 2]]);
    await expect.poll(() => runsOf('gated')).toEqual([1]);
    const { port } = world.gateway;
    const drained = world.gateway.drain({ noticeMs: 0, deadlineMs: 10_000 });
    world.engine.waiting.shift()?.();
    expect((await running).status).toBe(200);
    await drained;
    await expect(
      new Promise((resolve, reject) => {
        connect(Number(port), '127.0.0.1').once('connect', resolve).once('error', reject);
      }),
    ).rejects.toThrow('ECONNREFUSED');
    expect(world.engine.closed).toEqual(['gated']);
  });

  test('metrics', async () => {
    await world.gateway.swap(sum());
    await world.sums('sum', [[1, 2]]);
    const { bytes } = await world.ask('/metrics');
    const labels = 'project="default",endpoint="sum",variant="stable",version="1",shadow="false"';
    expect(bytes.toString()).toContain(`dais_gateway_requests_total{${labels}} 1`);
    expect(bytes.toString()).toContain(`dais_gateway_latency_seconds_count{${labels}} 1`);
    expect(bytes.toString()).toContain('dais_gateway_models{state="ready"} 1');
  });
});
