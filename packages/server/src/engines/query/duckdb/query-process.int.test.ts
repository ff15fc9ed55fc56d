import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import type { QueryEngine, QueryJob, QueryResult } from '../contract.ts';
import { aggregate, call, column, literal, named, scan } from '../model/build.ts';
import { QueryError } from '../model/query-error.ts';
import type { Relation } from '../model/query-tree.ts';
import { isAlive } from '#testing/dais-process.ts';
import { expectFailure } from '../suite-bench.testing.ts';
import { openDuckdbQuery } from './duckdb-query.ts';

let root: string;
let engine: QueryEngine;
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'dais-query-process-'));
  await mkdir(path.join(root, 'out'));
  engine = open();
});
afterEach(async () => {
  await engine.close();
  await rm(root, { recursive: true });
});

function open(idleMs?: number): QueryEngine {
  const folder = path.join(root, 'scratch');
  return openDuckdbQuery({
    folder,
    memoryMb: 1024,
    tempMb: 1024,
    callerSeconds: 1,
    clock: systemClock,
    log: silentLog,
    ...(idleMs && { idleMs }),
  });
}

const numbers = {
  columns: [{ name: 'n', type: 'int64' as const }],
  rows: Array.from({ length: 20_000 }, (_, n) => [n]),
};

const few: QueryJob = {
  tables: { t: numbers },
  query: { type: 'aggregate', from: scan('t'), by: [], columns: [named('n', aggregate('count'))] },
  output: { type: 'rows', limit: 1 },
};

/** Writes a file first, then computes for a long time. */
function endless(): QueryJob {
  const pairs = (right: Relation): Relation => ({
    type: 'join',
    kind: 'cross',
    left: scan('t'),
    right,
    take: [{ column: 'n', as: 'm' }],
  });
  const sum = aggregate('sum', [call('sqrt', call('+', column('n'), column('m')))]);
  return {
    ...few,
    query: scan('t'),
    output: { type: 'parquet', folder: path.join(root, 'out'), name: 'part' },
    more: [
      {
        query: { type: 'aggregate', from: pairs(pairs(scan('t'))), by: [], columns: [named('x', sum)] },
        output: { type: 'none' },
      },
    ],
  };
}

test('a caller has two concurrent queries, a bounded queue and its own time limit', async () => {
  const slow = { ...endless(), caller: 'user:ada' };
  const first = engine.run(slow).catch((error: unknown) => error);
  const second = engine.run(slow).catch((error: unknown) => error);
  // On a busy machine, a small query can reach the time limit too.
  const run = async (): Promise<QueryResult> =>
    await engine.run({ ...few, caller: 'user:ada' }).catch(async (error: unknown) => {
      if (error instanceof QueryError && error.code === 'query_limit') return await run();
      throw error;
    });
  const waiting = Array.from({ length: 16 }, run);
  await expect(engine.run({ ...few, caller: 'user:ada' })).rejects.toMatchObject({
    code: 'rate_limited',
    retryAfter: 5,
  });
  expect(await first).toMatchObject({ code: 'query_limit', message: 'The query exceeded its time limit of 1 s.' });
  expect(await second).toMatchObject({ code: 'query_limit' });
  expect((await Promise.all(waiting)).map(({ rows }) => rows)).toEqual(waiting.map(() => [[20_000]]));
  expect((await run()).rows).toEqual([[20_000]]);
});

test('runs no process before the first job, and none after an idle time', async () => {
  await engine.close();
  engine = open(300);
  expect(engine.state()).toEqual({ pids: [], running: 0, waiting: 0, version: '' });
  await engine.run(few);
  expect(engine.state()).toMatchObject({
    pids: [expect.any(Number)],
    version: expect.stringMatching(/^v1\./) as string,
  });
  await expect.poll(() => engine.state().pids).toEqual([]);
  expect((await engine.run(few)).rows).toEqual([[20_000]]);
});

test('starts a new process for a job that arrives while an idle one ends', async () => {
  await engine.close();
  engine = open(1);
  for (let round = 0; round < 4; round++) {
    await engine.run(few);
    // Between the kill signal and the end of the process.
    await delay(2);
    await expect(engine.run(few)).resolves.toMatchObject({ rows: [[20_000]] });
  }
});

test('a killed process fails its job, its files are removed, and the next job has a new process', async () => {
  await engine.run(few);
  const [first] = engine.state().pids;
  let killed = false;
  const running = engine.run(endless(), {
    progress: ({ phase }) => {
      if (phase !== 'running' || killed) return;
      killed = true;
      process.kill(first ?? 0, 'SIGKILL');
    },
  });
  const waiting = engine.run(few);
  expect(await expectFailure(running)).toMatchObject({ code: 'query_failed', retryable: true });
  expect((await waiting).rows).toEqual([[20_000]]);
  expect(engine.state().pids).not.toContain(first);
  expect(await readdir(path.join(root, 'out'))).toEqual([]);
});

test('close removes processes and scratch files', async () => {
  const running = expectFailure(engine.run(endless()));
  await expect.poll(() => engine.state().pids).toHaveLength(1);
  const [pid = 0] = engine.state().pids;
  await engine.close();
  expect((await running).code).toBe('shutting_down');
  // It was killed; on a busy machine, its entry in the process table remains for a moment.
  await expect.poll(() => isAlive(pid)).toBe(false);
  expect(await readdir(path.join(root, 'scratch'))).toEqual([]);
  expect((await expectFailure(engine.run(few))).code).toBe('shutting_down');
});

test('the process has no variables of the server, and is killed first when memory runs out', async () => {
  await engine.run(few);
  const [pid = 0] = engine.state().pids;
  const names = (await readFile(`/proc/${pid}/environ`, 'utf8')).split('\0').map((line) => line.split('=')[0]);
  expect(names.filter((name) => name !== '').toSorted((a = '', b = '') => a.localeCompare(b))).toEqual([
    'HOME',
    'PATH',
    'TZ',
  ]);
  expect(await readFile(`/proc/${pid}/oom_score_adj`, 'utf8')).toBe('1000\n');
});

test('rejects jobs beyond the queue limit, and alternates owners', async () => {
  const abort = new AbortController();
  const blocking = engine.run(endless(), { signal: abort.signal }).catch(() => undefined);
  const order: string[] = [];
  const ask = async (owner: string) => {
    await engine.run({ ...few, owner, query: { type: 'project', from: scan('t'), columns: [named('x', literal(1))] } });
    order.push(owner);
  };
  const request = [...Array.from({ length: 3 }, async () => await ask('many')), ask('one')];
  await expect.poll(() => engine.state().waiting).toBe(4);
  const rest = Array.from(
    { length: 60 },
    async () => await engine.run({ ...few, owner: 'rest' }, { signal: abort.signal }).catch(() => undefined),
  );
  await expect.poll(() => engine.state().waiting).toBe(64);
  expect(await expectFailure(engine.run(few))).toMatchObject({ code: 'overloaded' });
  abort.abort(new Error('enough'));
  await Promise.all([blocking, ...request, ...rest]);
  expect(order.indexOf('one')).toBeLessThan(2);
});
