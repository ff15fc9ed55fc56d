import type { GatewayFigures } from '@dais/api/gateway';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestDatabase, type TestDatabase } from '#engines/database/testing.ts';
import { kernelSlice } from '#kernel/slice.ts';
import { findTenant } from '#kernel/tenants.ts';
import { workshopSlice } from '#kernel/testing/machine-controller.ts';
import { startTestKernel, type TestKernel } from '#kernel/testing/test-kernel.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import { servingSlice } from '../serving-slice.ts';
import { UsageCounts } from './usage-counts.ts';
import { UsageLedger } from './usage-ledger.ts';

const MINUTE = Date.UTC(2026, 0, 1, 12);

let db: TestDatabase;
let dais: TestKernel;
let projectId: string;

beforeAll(async () => {
  db = await startTestDatabase([kernelSlice, workshopSlice, servingSlice]);
  dais = await startTestKernel(db, { start: 'none' });
  projectId = (await dais.write(async ({ sql }) => await findTenant(sql, 'default')))?.id ?? '';
});
afterAll(async () => {
  await dais.stop();
  await db.stop();
});

const figures = (requests: number): GatewayFigures => ({
  startedAt: '2026-01-01T00:00:00Z',
  revision: 1,
  at: '2026-01-01T00:00:00Z',
  cpuMs: requests * 10,
  memoryBytes: 900,
  variants: [
    {
      project: 'default',
      endpoint: 'scored',
      variant: 'stable',
      model: 'm',
      requests,
      failed: 0,
      refused: 0,
      latency: [],
      busyMs: requests,
    },
  ],
  models: [{ key: 'm', state: 'ready', workers: 1, inFlight: 0, memoryBytes: 300, cpuMs: 0 }],
});

test('usage at the end of a minute is found when the gateway reports it in the next minute', async () => {
  const counts = new UsageCounts();
  const ledger = new UsageLedger({ database: db.database, clock: systemClock, log: silentLog, counts });
  counts.record(figures(0), MINUTE - 300);
  // The response is 100 ms before the minute, the report 200 ms after it.
  counts.record(figures(1), MINUTE + 200);
  const answered = { projectId, endpoint: 'scored', from: MINUTE - 5000, until: MINUTE - 99 };
  expect(await ledger.between(answered)).toEqual({ requests: 1, cpuMs: 10, memoryBytes: 300, gatewayBytes: 900 });
  // A window that ended well before does not contain it.
  expect(await ledger.between({ ...answered, from: MINUTE - 70_000, until: MINUTE - 10_000 })).toBeUndefined();
});
