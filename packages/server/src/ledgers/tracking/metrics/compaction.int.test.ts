import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTrackingWorld, type TrackingWorld } from '../testing/tracking-world.ts';

let world: TrackingWorld;
beforeAll(async () => {
  world = await startTrackingWorld();
});
afterAll(async () => {
  await world?.stop();
});

const log = async (id: string, key: string, from: number, n: number) => {
  const metrics = Array.from({ length: n }, (_, index) => ({
    key,
    value: index,
    timestamp: from + index,
    step: from + index,
  }));
  await world.dais.call('run.log', { id, metrics });
};

/** Returns, by metric, the number of points in the tail and in each chunk. */
const layout = async (id: string) => {
  const rows = await world.test.asAdmin(
    `select m.key, m.tail_n, (select count(*)::int from tracking.metric_tail t where t.series = m.series) as tail,
       array(select c.n from tracking.metric_chunk c where c.series = m.series order by c.first_ts) as chunks
     from tracking.metric m join tracking.run r on r.num = m.run where r.id = '${id}' order by m.key`,
  );
  return Object.fromEntries(rows.map((row) => [row['key'], { tail: row['tail'], chunks: row['chunks'] }]));
};

test('many points of one metric in a call become a chunk, and few are rows until they fill one', async () => {
  const { id } = await world.run();
  await log(id, 'one call', 0, 256);
  for (let call = 0; call < 5; call++) await log(id, 'several calls', call * 240, 240);
  await log(id, 'few', 0, 240);
  await expect
    .poll(() => layout(id))
    .toEqual({
      'one call': { tail: 0, chunks: [256] },
      'several calls': { tail: 0, chunks: [600, 600] },
      few: { tail: 240, chunks: [] },
    });
});

test('after the end of a run, all points that are smaller as a chunk are compacted', async () => {
  const { id } = await world.run();
  await log(id, 'loss', 0, 64);
  await log(id, 'accuracy', 0, 63);
  await world.dais.call('run.update', { id, status: 'FINISHED', endedAt: 2000 });
  await expect.poll(() => layout(id)).toEqual({ accuracy: { tail: 63, chunks: [] }, loss: { tail: 0, chunks: [64] } });
});

test('the sweep finds tails without a job', async () => {
  const { id } = await world.run();
  await log(id, 'loss', 0, 100);
  // As a process leaves it that ends between the two.
  await world.test.asAdmin(`update tracking.run set status = 'FAILED' where id = '${id}'`);
  expect(await layout(id)).toEqual({ loss: { tail: 100, chunks: [] } });
  await world.test.asAdmin(
    `update kernel.job set run_at = clock_timestamp() where queue = 'metric compaction sweep'; notify dais_job`,
  );
  await expect.poll(() => layout(id)).toEqual({ loss: { tail: 0, chunks: [100] } });
});
