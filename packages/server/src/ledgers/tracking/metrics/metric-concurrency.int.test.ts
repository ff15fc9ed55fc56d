/** Concurrent writers, readers and compaction of one series, with lost connections. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isLongRun } from '#testing/long-run.ts';
import { appendAhead, appendMetrics, canAppendAhead } from './append.ts';
import { readHistory } from './history.ts';
import { distinctPoints } from './points.ts';
import { list, ModelSeries, named, startMetricWorld, type MetricWorld } from './testing/metric-world.ts';

let world: MetricWorld;
beforeAll(async () => {
  world = await startMetricWorld();
});
afterAll(async () => {
  await world?.test.stop();
});

const KEYS = ['loss', 'accuracy', 'rate'];
const WRITERS = 6;
/** Thirty in `npm run test:full`. */
const CALLS = isLongRun ? 30 : 12;

/** Stretches of two writers overlap by half: of each point there are two who send it. */
function pointsOf(writer: number, call: number) {
  const from = call * 400 + Math.floor(writer / 2) * 130;
  return Array.from({ length: 70 }, (_, index) => ({ step: from + index, timestamp: from + index, value: index }));
}

test('every accepted point exists once, with concurrent writes, compactions and ends of runs', async () => {
  const run = await world.newRun();
  const models = new Map(KEYS.map((key) => [key, new ModelSeries()]));
  const written = new AbortController();
  let lost = 0;

  const write = async (writer: number) => {
    for (let call = 0; call < CALLS; call++) {
      const points = pointsOf(writer, call);
      // In another order than the other writers: locks are taken in one all the same.
      const keys = writer % 2 === 0 ? KEYS : KEYS.toReversed();
      const logged = keys.flatMap((key) => points.map((point) => ({ key, ...point })));
      for (;;) {
        try {
          // As in a training: first one point of each metric, then many in one call.
          const few = keys.map((key) => ({ key, ...points[0]! }));
          await world.write(run, async (tx) => {
            if (!tx.sql.careful && canAppendAhead(few)) appendAhead(tx, run.id, few);
            else await appendMetrics(tx, run, few);
          });
          await world.write(run, (tx) => appendMetrics(tx, run, logged));
          break;
        } catch {
          // Its connection was ended: as a client does, it sends the same again.
          lost++;
        }
      }
      for (const key of KEYS) models.get(key)?.add(points);
    }
  };
  const compact = async () => {
    while (!written.signal.aborted) {
      // Chunks all the time, of the smallest tails.
      await world.end(run).catch(() => {});
      await world.compact(run).catch(() => {});
    }
  };
  const read = async () => {
    const series = await world.seriesOf(run, KEYS[0]!).catch(() => undefined);
    if (series === undefined) return;
    const known = models.get(KEYS[0]!)!.sorted('time').map(named);
    const { points } = await world.read(run, ({ sql }) => readHistory(sql, series, 1_000_000, undefined));
    const seen = new Set(list(points).map(named));
    expect(distinctPoints(points).steps.length).toBe(points.steps.length);
    expect(known.filter((name) => !seen.has(name))).toEqual([]);
  };
  const reading = async () => {
    while (!written.signal.aborted) {
      await read().catch((error: unknown) => {
        if (!isLost(error)) throw error;
      });
    }
  };
  const ending = async () => {
    while (!written.signal.aborted) {
      await world.test.asAdmin(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where application_name = 'dais' and state <> 'idle' and query not like 'listen%' order by random() limit 1`,
      );
    }
  };

  const others = [compact(), reading(), ending()];
  await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
  written.abort();
  await Promise.all(others);

  await world.compact(run);
  for (const key of KEYS) {
    const series = await world.seriesOf(run, key);
    const { points, more } = await world.read(run, ({ sql }) => readHistory(sql, series, 1_000_000, undefined));
    const expected = models.get(key)!.sorted('time');
    expect(more).toBe(false);
    expect(list(points).map(named)).toEqual(expected.map(named));
    const [row] = await world.test.asAdmin(`select n::int, tail_n from tracking.metric where series = ${series}`);
    expect(row?.['n']).toBe(expected.length);
  }
  expect(lost).toBeGreaterThan(0);
});

function isLost(error: unknown): boolean {
  return (error as { code?: string }).code === 'database_unavailable';
}
