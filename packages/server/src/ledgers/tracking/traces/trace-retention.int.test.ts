import type { Trace } from '@dais/api/tracking';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { JobIo } from '#kernel/job-runner.ts';
import { manifest } from '#kernel/testing/test-kernel.ts';
import { systemClock } from '#lib/clock.ts';
import { startTrackingWorld, TEST_OPTIONS, type TrackingWorld } from '../testing/tracking-world.ts';
import { hex, makeSpan } from './testing/span-maker.ts';
import { traceRetention } from './trace-delete.ts';

let world: TrackingWorld;
beforeAll(async () => {
  world = await startTrackingWorld();
  await world.dais.apply([manifest('Project', 'lab')]);
});
afterAll(async () => await world?.stop());

const DAY = 86_400_000;

test('traces older than the retention time are deleted in every project, with their spans', async () => {
  const now = Date.now();
  const left = async (project: string) => {
    const context = { projects: [project] };
    const { items } = await world.dais.call<{ items: Trace[] }>('trace.search', { experimentIds: ['0'] }, context);
    return items.map(({ requestedAt }) => Math.round((now - requestedAt) / DAY));
  };
  for (const project of ['default', 'lab']) {
    const context = { projects: [project] };
    for (const days of [1, 9, 11, 400]) {
      const traceId = hex(16);
      const startNs = String(BigInt(now - days * DAY) * 1_000_000n);
      const resources = [{ spans: [makeSpan(traceId, { startNs, endNs: startNs })] }];
      await world.dais.call('span.log', { experimentId: '0', resources }, context);
    }
  }
  const io: Pick<JobIo, 'signal' | 'write'> = {
    signal: new AbortController().signal,
    write: async (work) => await world.dais.write(work),
  };
  const run = async (days: number) =>
    await traceRetention(days, { options: TEST_OPTIONS, clock: systemClock }).run({} as never, io as JobIo);
  expect(await run(0)).toEqual({ removed: 0 });
  expect(await run(10)).toEqual({ removed: 4 });
  for (const project of ['default', 'lab']) expect(await left(project)).toEqual([1, 9]);
  const [rows] = await world.test.asAdmin('select count(*)::int as n from tracking.trace_spans');
  expect(rows).toEqual({ n: 4 });
  expect(await run(10)).toEqual({ removed: 0 });
});
