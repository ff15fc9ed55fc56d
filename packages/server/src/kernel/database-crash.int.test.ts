import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TestDatabase } from '#engines/database/testing.ts';
import { crashUnderLoad } from './testing/database-crashes.ts';
import { startKernelDatabase, startTestKernel, type TestKernel } from './testing/test-kernel.ts';

let test_: TestDatabase;
let dais: TestKernel;

beforeAll(async () => {
  test_ = await startKernelDatabase();
  dais = await startTestKernel(test_, { leaseMs: 2000 });
});
afterAll(async () => {
  await dais.stop();
  await test_.stop();
});

test('PostgreSQL crashes under load: calls fail as unavailable, nothing acknowledged is lost, all loops recover', async () => {
  const { acknowledged, ...report } = await crashUnderLoad(test_, dais, 2);
  expect(acknowledged).toBeGreaterThan(30);
  expect(report).toEqual({ codes: ['database_unavailable'], lost: [], watcherProblems: [], errorsLogged: [] });
});
