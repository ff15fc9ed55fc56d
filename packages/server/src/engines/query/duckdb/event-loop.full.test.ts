import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { expect, test } from 'vitest';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import type { Relation } from '../model/query-tree.ts';
import { openDuckdbQuery } from './duckdb-query.ts';

const RESOLUTION_MS = 10;

test('100,000 rows of a heavy query never block the event loop for 50 ms', async () => {
  const root = await mkdtemp(path.join(tmpdir(), 'dais-query-loop-'));
  const engine = openDuckdbQuery({ folder: root, memoryMb: 1024, tempMb: 4096, clock: systemClock, log: silentLog });
  const sql = `SELECT range AS n, sha256(range::VARCHAR) AS a, 'some text of a row' AS b FROM range(3000000) ORDER BY a`;
  const query: Relation = { type: 'sql', dialect: 'duckdb', sql, views: {} };
  const late = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  late.enable();
  const { rows } = await engine.run({ tables: {}, query, output: { type: 'rows', limit: 100_000 } });
  late.disable();
  expect(rows).toHaveLength(100_000);
  expect(late.percentile(99) / 1e6 - RESOLUTION_MS).toBeLessThan(50);
  await engine.close();
  await rm(root, { recursive: true });
});
