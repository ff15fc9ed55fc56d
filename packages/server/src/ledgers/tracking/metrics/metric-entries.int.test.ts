import type { MetricPoint, Run } from '@dais/api/tracking';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { codeOf } from '#kernel/testing/test-kernel.ts';
import { startTrackingWorld, type TrackingWorld } from '../testing/tracking-world.ts';

interface Series {
  readonly id: string;
  readonly points: readonly MetricPoint[];
}
interface Chart {
  readonly id: string;
  readonly points: number;
  readonly buckets: readonly Record<string, unknown>[];
}

let world: TrackingWorld;
beforeAll(async () => {
  world = await startTrackingWorld();
});
afterAll(async () => {
  await world?.stop();
});

const call = async <Output>(...args: Parameters<TrackingWorld['dais']['call']>) =>
  await world.dais.call<Output>(...args);
const log = async (id: string, points: readonly (MetricPoint & { readonly modelId?: string })[], key = 'loss') =>
  await call('run.log', { id, metrics: points.map((point) => ({ key, ...point })) });
const at = (step: number, value: MetricPoint['value'] = step, timestamp = 1000 + step): MetricPoint => ({
  value,
  timestamp,
  step,
});
const steps = (from: number, n: number) => Array.from({ length: n }, (_, index) => at(from + index));
const history = async (id: string, more: object = {}) =>
  await call<{ items: MetricPoint[]; nextCursor?: string }>('metric.history', { id, key: 'loss', ...more });

describe('a history', () => {
  test('is ordered by time, then step, then value, without duplicates', async () => {
    const { id } = await world.run();
    const points = [at(3, 1, 10), at(1, 5, 20), at(1, 4, 20), at(2, 'NaN', 10), at(9, -1, 5)];
    for (const sent of [points, points.slice(1, 3), points.toReversed()]) await log(id, sent);
    expect((await history(id)).items).toEqual([
      at(9, -1, 5),
      at(2, 'NaN', 10),
      at(3, 1, 10),
      at(1, 4, 20),
      at(1, 5, 20),
    ]);
  });

  test('has pages over the tail and chunks', async () => {
    const { id } = await world.run();
    await log(id, steps(0, 1000));
    await log(id, steps(1000, 255));
    const seen: MetricPoint[] = [];
    let cursor: string | undefined;
    let pages = 0;
    do {
      const page: Awaited<ReturnType<typeof history>> = await history(id, {
        limit: 300,
        ...(cursor !== undefined && { cursor }),
      });
      seen.push(...page.items);
      cursor = page.nextCursor;
      pages++;
    } while (cursor !== undefined);
    expect(seen).toEqual(steps(0, 1255));
    expect(pages).toBe(5);
  });

  test('is empty for an unknown metric, an error for a missing run, and available for a deleted run', async () => {
    const { id } = await world.run();
    await log(id, [at(1)]);
    expect(await call('metric.history', { id, key: 'accuracy' })).toEqual({ items: [] });
    expect(await codeOf(history('nope'))).toBe('not_found');
    await call('run.delete', { id });
    expect((await history(id)).items).toEqual([at(1)]);
    expect(await codeOf(log(id, [at(2)]))).toBe('invalid_state');
  });

  test('rejects foreign cursors', async () => {
    const { id } = await world.run();
    await log(id, steps(0, 3));
    const { nextCursor } = await history(id, { limit: 1 });
    const [binding] = JSON.parse(Buffer.from(nextCursor!, 'base64url').toString('utf8')) as string[];
    const forged = (position: string) => Buffer.from(JSON.stringify([binding, position])).toString('base64url');
    const wrong = ['garbage', forged('1.5 0 0'), forged('1 2'), forged('x y z'), forged('9'.repeat(20) + ' 0 0')];
    for (const cursor of wrong) expect(await codeOf(history(id, { cursor }))).toBe('invalid_cursor');
    const other = call('metric.history', { id, key: 'accuracy', cursor: nextCursor });
    expect(await codeOf(other)).toBe('invalid_cursor');
  });
});

test('infinity becomes the largest number, NaN is kept, and the latest point has the highest step, then time, then value', async () => {
  const { id } = await world.run();
  await log(id, [at(5, 'Infinity', 7), at(5, '-Infinity', 8)]);
  await log(id, [at(5, 'NaN', 8), at(4, 100, 99)]);
  const { metrics } = await call<Run>('run.get', { id });
  expect(metrics).toEqual([{ key: 'loss', value: 'NaN', timestamp: 8, step: 5 }]);
  expect((await history(id)).items.map(({ value }) => value)).toEqual([
    Number.MAX_VALUE,
    -Number.MAX_VALUE,
    'NaN',
    100,
  ]);
});

test.each([Number.MAX_SAFE_INTEGER + 1, 1.5])('a step of %d is rejected with its whole call', async (step) => {
  const { id } = await world.run();
  expect(await codeOf(log(id, [at(1), at(step)]))).toBe('invalid_request');
  expect(await history(id)).toEqual({ items: [] });
});

describe('a sample', () => {
  const sample = async (ids: readonly string[], more: object) =>
    (await call<{ series: Series[] }>('metric.sample', { ids, key: 'loss', ...more })).series;

  test('has the first point of each of the requested groups, and the last point', async () => {
    const [many, few] = [await world.run(), await world.run()];
    await log(many.id, steps(0, 1000));
    await log(few.id, steps(0, 2));
    const [a, b] = await sample([many.id, few.id], { limit: 4 });
    expect(a).toEqual({ id: many.id, points: [0, 250, 500, 999].map((step) => at(step)) });
    expect(b).toEqual({ id: few.id, points: steps(0, 2) });
    expect((await sample([many.id], { limit: 1 }))[0]?.points).toEqual([at(999)]);
    expect((await sample([many.id], { limit: 3, fromStep: 10, toStep: 19 }))[0]?.points).toEqual([
      at(10),
      at(14),
      at(19),
    ]);
  });

  test('has the same size with many points at one step', async () => {
    const { id } = await world.run();
    await log(
      id,
      Array.from({ length: 1000 }, (_, index) => at(0, index)),
    );
    expect((await sample([id], { limit: 2 }))[0]?.points).toEqual([at(0, 0), at(0, 999)]);
  });

  test('is an error for a missing run, and empty for a run without the metric', async () => {
    const { id } = await world.run();
    expect(await codeOf(sample([id, 'nope'], {}))).toBe('not_found');
    expect(await sample([id], {})).toEqual([{ id, points: [] }]);
  });
});

describe('a chart', () => {
  const chart = async (ids: readonly string[], more: object = {}) =>
    (await call<{ series: Chart[] }>('metric.chart', { ids, key: 'loss', ...more })).series;

  test('has the extremes of each bucket, with the same buckets for all runs', async () => {
    const [long, short, empty] = [await world.run(), await world.run(), await world.run()];
    await log(long.id, steps(0, 100));
    await log(short.id, [at(0, 'NaN'), at(1, 4), at(9, 2), at(10, 'NaN')]);
    expect(await chart([long.id, short.id, empty.id], { buckets: 10 })).toEqual([
      {
        id: long.id,
        points: 100,
        buckets: Array.from({ length: 10 }, (_, bucket) => {
          const [first, last] = [Math.ceil(bucket * 9.9), bucket === 9 ? 99 : Math.ceil((bucket + 1) * 9.9) - 1];
          const n = last - first + 1;
          return { x: last, n, min: first, max: last, mean: (first + last) / 2, last };
        }),
      },
      {
        id: short.id,
        points: 4,
        buckets: [
          { x: 9, n: 2, min: 2, max: 4, mean: 3, last: 2 },
          { x: 10, n: 0, last: 'NaN' },
        ],
      },
      { id: empty.id, points: 0, buckets: [] },
    ]);
  });

  test('can be over time and over a part', async () => {
    const { id } = await world.run();
    await log(id, steps(0, 10));
    const part = { axis: 'time', from: 1002, to: 1005, buckets: 1 };
    const bucket = { x: 1005, n: 4, min: 2, max: 5, mean: 3.5, last: 5 };
    expect(await chart([id], part)).toEqual([{ id, points: 4, buckets: [bucket] }]);
  });

  test('has no mean if the sum is not finite', async () => {
    const { id } = await world.run();
    await log(id, [at(0, 'Infinity'), at(0, Number.MAX_VALUE, 5)]);
    const bucket = { x: 0, n: 2, min: Number.MAX_VALUE, max: Number.MAX_VALUE, last: Number.MAX_VALUE };
    expect(await chart([id])).toEqual([{ id, points: 2, buckets: [bucket] }]);
  });
});
