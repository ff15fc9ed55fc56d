/** Series in tails and chunks against the plain set of what was logged: whatever is logged, compacted and read. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isLongRun } from '#testing/long-run.ts';
import { appendAhead, appendMetrics, canAppendAhead } from './append.ts';
import { chartSeries } from './chart.ts';
import { readHistory } from './history.ts';
import type { MetricRun } from './logged-points.ts';
import type { Point } from './points.ts';
import { evenRanks, sampleSeries } from './sample.ts';
import { list, ModelSeries, named, startMetricWorld, type MetricWorld } from './testing/metric-world.ts';

let world: MetricWorld;
beforeAll(async () => {
  world = await startMetricWorld();
});
afterAll(async () => {
  await world.test.stop();
});

const GIVEN = fc.readConfigureGlobal()?.numRuns ?? 100;
const RUNS = isLongRun ? GIVEN : 40;
const KEYS = ['loss', 'accuracy'] as const;

/** A part of a training: a usual continuation, a repetition, or random points. */
const stretch = fc.record({
  keys: fc.constantFrom<readonly string[]>(['loss'], ['accuracy'], KEYS),
  from: fc.integer({ min: -3, max: 6 }).map((position) => position * 300),
  n: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 200, max: 1000 })),
  every: fc.constantFrom(0, 1, 3),
  time: fc.constantFrom(0, 5),
  value: fc.constantFrom('ramp', 'single', 'nan', 'same'),
  calls: fc.constantFrom('one', 'each', 'all'),
});
type Stretch = typeof stretch extends fc.Arbitrary<infer T> ? T : never;

const doing = fc.oneof(
  { weight: 6, arbitrary: stretch.map((log) => ({ log })) },
  { weight: 2, arbitrary: fc.nat().map((again) => ({ again })) },
  { weight: 2, arbitrary: fc.constant({ compact: true }) },
  { weight: 1, arbitrary: fc.constant({ end: true }) },
);

type Logged = Point & { readonly key: string };

function pointsOf({ keys, from, n, every, time, value }: Stretch): Logged[] {
  const points = Array.from({ length: n }, (_, index) => {
    const step = from + index * every;
    const timestamp = time === 0 ? 7 : 1_700_000_000_000 + step * time + index;
    const number = { ramp: index / 7, single: index / 8, nan: index % 3 === 0 ? Number.NaN : index, same: 1 }[value];
    return { step, timestamp, value: number };
  });
  return points.flatMap((point) => keys.map((key) => ({ key, ...point })));
}

/** The first point of each metric in separate calls, which are sent with the commit. */
function callsOf(points: readonly Logged[], how: Stretch['calls']): (readonly Logged[])[] {
  if (how === 'all') return [points];
  const first = new Map(points.toReversed().map((point) => [point.key, point]));
  const ahead = [...first.values()];
  const rest = points.filter((point) => !ahead.includes(point));
  return [...(how === 'each' ? [ahead] : ahead.map((point) => [point])), rest];
}

async function log(run: MetricRun & { readonly id: string }, points: readonly Logged[]): Promise<void> {
  const logged = points.map(wire);
  await world.write(run, async (tx) => {
    if (!tx.sql.careful && canAppendAhead(logged)) appendAhead(tx, run.id, logged);
    else await appendMetrics(tx, run, logged);
  });
}

const wire = (point: Logged) => ({ ...point, value: Number.isNaN(point.value) ? ('NaN' as const) : point.value });

test('a series returns exactly the logged points, each once and in order, also sampled and aggregated', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(doing, { minLength: 1, maxLength: 12 }),
      fc.integer({ min: 1, max: 700 }),
      fc.option(fc.tuple(fc.integer({ min: -1000, max: 2000 }), fc.integer({ min: 0, max: 2000 }))),
      async (actions, limit, cut) => {
        const run = await world.newRun();
        const models = new Map(KEYS.map((key) => [key as string, new ModelSeries()]));
        const calls: Logged[][] = [];
        for (const action of actions) {
          if ('compact' in action) await world.compact(run);
          else if ('end' in action) await world.end(run);
          else {
            const points = 'log' in action ? pointsOf(action.log) : calls[action.again % calls.length];
            if (points === undefined) continue;
            calls.push(points);
            for (const call of callsOf(points, 'log' in action ? action.log.calls : 'all')) await log(run, call);
            for (const key of KEYS) models.get(key)?.add(points.filter((point) => point.key === key));
          }
        }
        for (const key of KEYS) {
          const model = models.get(key)!;
          if (model.sorted('time').length > 0) await compare(run, key, model, limit, cut ?? undefined);
        }
      },
    ),
    { numRuns: RUNS },
  );
});

async function compare(
  run: MetricRun,
  key: string,
  model: ModelSeries,
  limit: number,
  cut?: readonly [number, number],
) {
  const series = await world.seriesOf(run, key);
  const byTime = model.sorted('time');
  const byStep = model.sorted('step');
  expect((await wholeHistory(run, series, limit)).map(named)).toEqual(byTime.map(named));
  await compareRow(run, series, byStep);

  const spans = [{ from: undefined, to: undefined }];
  const inCut = { from: cut?.[0], to: cut === undefined ? undefined : cut[0] + cut[1] };
  for (const span of cut === undefined ? spans : [...spans, inCut]) {
    const within = (position: number) => position >= (span.from ?? -Infinity) && position <= (span.to ?? Infinity);
    const expected = byStep.filter(({ step }) => within(step));
    const sampled = await world.read(run, ({ sql }) => sampleSeries(sql, [series], span, limit));
    expect(sampled.get(series)?.map(named)).toEqual(
      evenRanks(expected.length, limit).map((rank) => named(expected[rank]!)),
    );
    // Buckets so fine that no chunk counts as a whole, unless all of it is at one place.
    await compareChart(run, series, expected, 'step', span, 30_000);
    await compareTotals(run, series, expected, 'step', span, limit);
  }
  await compareTotals(run, series, byTime, 'time', spans[0]!, limit);
}

async function wholeHistory(run: MetricRun, series: bigint, limit: number): Promise<Point[]> {
  const all: Point[] = [];
  for (;;) {
    const page = await world.read(run, ({ sql }) => readHistory(sql, series, limit, all.at(-1)));
    const points = list(page.points);
    expect(points.length).toBeLessThanOrEqual(limit);
    all.push(...points);
    if (!page.more) return all;
    expect(points.length).toBeGreaterThan(0);
  }
}

async function compareRow(run: MetricRun, series: bigint, byStep: readonly Point[]) {
  const [row] = await world.read(run, ({ sql }) =>
    sql.query<Record<string, unknown>>(
      `select n::int, min, max, value, step::float8, ts::float8, first_step::float8, first_ts::float8, tail_n,
         (select count(*)::int from tracking.metric_tail t where t.series = m.series) as in_tail,
         (select coalesce(sum(c.n), 0)::int from tracking.metric_chunk c where c.series = m.series) as in_chunks
       from tracking.metric m where series = $1`,
      [series],
    ),
  );
  const numbers = byStep.map(({ value }) => value).filter((value) => !Number.isNaN(value));
  const [first, latest] = [byStep[0]!, byStep.at(-1)!];
  const tail = row?.['in_tail'] as number;
  expect(row).toEqual({
    n: byStep.length,
    min: numbers.length > 0 ? Math.min(...numbers) : null,
    max: numbers.length > 0 ? Math.max(...numbers) : null,
    value: latest.value,
    step: latest.step,
    ts: latest.timestamp,
    first_step: first.step,
    first_ts: first.timestamp,
    tail_n: tail,
    in_tail: tail,
    in_chunks: byStep.length - tail,
  });
}

type Axis = 'step' | 'time';
type Range = { readonly from: number | undefined; readonly to: number | undefined };

async function compareChart(
  run: MetricRun,
  series: bigint,
  points: readonly Point[],
  axis: Axis,
  span: Range,
  buckets: number,
) {
  const [chart] = await world.read(run, ({ sql }) => chartSeries(sql, [series], axis, span, buckets));
  const positions = points.map(({ step, timestamp }) => (axis === 'step' ? step : timestamp));
  const [from, to] = [span.from ?? Math.min(...positions), span.to ?? Math.max(...positions)];
  const expected = new Map<number, Point[]>();
  for (const [index, point] of points.entries()) {
    const width = (to - from) / buckets;
    const bucket = width > 0 ? Math.min(buckets - 1, Math.floor((positions[index]! - from) / width)) : 0;
    expected.set(bucket, [...(expected.get(bucket) ?? []), point]);
  }
  expect(chart?.points).toBe(points.length);
  expect(chart?.buckets.map(({ x, n, min, max, last }) => ({ x, n, min, max, last }))).toEqual(
    [...expected.entries()]
      .sort(([a], [b]) => a - b)
      .map(([, inBucket]) => {
        const numbers = inBucket.map(({ value }) => value).filter((value) => !Number.isNaN(value));
        const last = inBucket.at(-1)!;
        const x = axis === 'step' ? last.step : last.timestamp;
        return { x, n: numbers.length, min: Math.min(...numbers), max: Math.max(...numbers), last: last.value };
      }),
  );
}

/** However chunks fall into buckets: nothing is lost, nothing counts twice, extremes stay. */
async function compareTotals(
  run: MetricRun,
  series: bigint,
  points: readonly Point[],
  axis: Axis,
  span: Range,
  buckets: number,
) {
  const [chart] = await world.read(run, ({ sql }) => chartSeries(sql, [series], axis, span, buckets));
  const numbers = points.map(({ value }) => value).filter((value) => !Number.isNaN(value));
  const sum = (list: readonly number[]) => list.reduce((total, value) => total + value, 0);
  expect(chart?.points).toBe(points.length);
  expect(chart?.buckets.length).toBeLessThanOrEqual(buckets);
  expect(sum(chart?.buckets.map(({ n }) => n) ?? [])).toBe(numbers.length);
  expect(sum(chart?.buckets.map((bucket) => bucket.sum) ?? [])).toBeCloseTo(sum(numbers), 6);
  expect(Math.min(...(chart?.buckets.map(({ min }) => min) ?? []))).toBe(Math.min(...numbers));
  expect(Math.max(...(chart?.buckets.map(({ max }) => max) ?? []))).toBe(Math.max(...numbers));
  const xs = chart?.buckets.map(({ x }) => x) ?? [];
  expect(xs).toEqual(xs.toSorted((a, b) => a - b));
  const last = points.at(-1);
  if (last !== undefined) expect(chart?.buckets.at(-1)).toMatchObject({ last: last.value });
}
