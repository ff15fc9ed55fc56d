import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { TestDatabase } from '#engines/database/testing.ts';
import type { Retention } from './retention.ts';
import { startKernelDatabase, startTestKernel, type TestKernel } from './testing/test-kernel.ts';
import { freshProject } from './testing/test-project.ts';
import { seqOf, watchFrom } from './testing/test-watcher.ts';

let test_: TestDatabase;
let running: TestKernel[] = [];

beforeAll(async () => {
  test_ = await startKernelDatabase();
});
afterEach(async () => {
  await Promise.all(running.map((dais) => dais.stop()));
  running = [];
});
afterAll(async () => {
  await test_.stop();
});

const SOON = { timeout: 60_000, interval: 10 };
const KEEP: Retention = { eventDays: 400, revisions: 100, jobDays: 14, idempotencyHours: 24 };

async function start(retention: Partial<Retention> = {}): Promise<TestKernel> {
  const dais = await startTestKernel(test_, { retention: { ...KEEP, ...retention } });
  running.push(dais);
  return dais;
}

const count = async (sql: string) => Number((await test_.asAdmin(`select count(*)::int as n from ${sql}`))[0]!['n']);
const ended = () => count(`kernel.job where queue = 'retention' and state = 'succeeded'`);

/** Lets the clean-up that waits run now, and waits for its end. */
async function cleanUp(): Promise<void> {
  const before = await ended();
  await test_.asAdmin(`update kernel.job set run_at = now() where queue = 'retention' and state = 'pending'`);
  await test_.asAdmin(`select pg_notify('dais_job', '')`);
  await expect.poll(ended, SOON).toBe(before + 1);
}

test('one clean-up is waiting at any time, and each enqueues the next', async () => {
  const waiting = () =>
    test_.asAdmin(
      `select extract(epoch from run_at - now())::int > 3000 as later from kernel.job where queue = 'retention' and state = 'pending'`,
    );
  await Promise.all([start(), start(), start()]);
  expect(await waiting()).toHaveLength(1);
  await cleanUp();
  expect(await waiting()).toEqual([{ later: true }]);
  await cleanUp();
  expect(await waiting()).toEqual([{ later: true }]);
});

test('the newest revisions of existing resources stay; those of deleted ones are removed with their events', async () => {
  const dais = await start({ revisions: 3 });
  const p = await freshProject(dais);
  await p.create('a', { size: 1 });
  for (let size = 2; size <= 8; size++) await p.update('a', { size });
  await p.create('dead');
  await p.remove('dead');
  await p.create('long dead');
  await p.remove('long dead');
  await test_.asAdmin(`update kernel.revision set at = now() - interval '401 days' where name = 'long dead'`);
  await cleanUp();
  expect((await p.history('a')).items.map((revision) => revision.generation)).toEqual([8, 7, 6]);
  expect(await p.get('a')).toMatchObject({ spec: { size: 8 } });
  expect(await count(`kernel.revision where name = 'dead'`)).toBe(1);
  expect(await count(`kernel.revision where name = 'long dead'`)).toBe(0);
});

test('ended jobs and stored outputs are deleted after their retention, and no others', async () => {
  const dais = await start();
  const p = await freshProject(dais);
  for (const key of ['old', 'new']) {
    await dais.call(
      'part.create',
      { manifest: { apiVersion: 'dais.dev/v1', kind: 'Part', metadata: { name: key }, spec: {} } },
      { ...p.context, idempotencyKey: key },
    );
  }
  await test_.asAdmin(`update kernel.idempotency set at = now() - interval '25 hours' where key = 'old'`);
  const job = (state: string, at: string) =>
    `(gen_random_uuid(), 'old jobs', gen_random_uuid(), '{}', '${state}', now() - interval '${at}', 1, ${state === 'succeeded' ? `now() - interval '${at}'` : 'null'})`;
  await test_.asAdmin(
    `insert into kernel.job (id, queue, project_id, payload, state, run_at, max_attempts, finished_at)
     values ${[job('succeeded', '15 days'), job('succeeded', '13 days'), job('pending', '15 days')].join()}`,
  );
  await cleanUp();
  expect(await test_.asAdmin(`select key from kernel.idempotency where key in ('old', 'new')`)).toEqual([
    { key: 'new' },
  ]);
  expect(await test_.asAdmin(`select state from kernel.job where queue = 'old jobs' order by 1`)).toEqual([
    { state: 'pending' },
    { state: 'succeeded' },
  ]);
});

test('events are deleted by month; an older watch must list again', async () => {
  const dais = await start();
  const p = await freshProject(dais);
  const stand = async () => {
    await expect.poll(async () => (await dais.kernel.health()).unsequenced, SOON).toBe(0);
    return (await p.list()).resourceVersion;
  };
  await p.create('a');
  const early = await stand();
  // An old month with its own partition, and one whose events are in the default partition.
  await test_.asAdmin(
    `create table kernel.event_202001 partition of kernel.event for values from ('2020-01-01 00:00:00+00') to ('2020-02-01 00:00:00+00')`,
  );
  await test_.asAdmin('alter table kernel.event_202001 owner to dais_owner');
  const event = (at: string) =>
    test_.asAdmin(
      `insert into kernel.event (at, type, v, project_id, actor, data) values ('${at}', 'resource.created', 1, '${randomUUID()}', '{"type":"system","id":"x"}', '{}')`,
    );
  await event('2020-01-15');
  const afterMonth = await stand();
  await event('2019-05-05');
  const afterStray = await stand();
  await p.create('b');
  const present = await stand();
  await cleanUp();
  expect(await count(`pg_class where relname = 'event_202001'`)).toBe(0);
  expect(await count(`kernel.event where at < '2021-01-01'`)).toBe(0);
  expect(await count(`kernel.event where project_id = (select id from kernel.tenant where name = '${p.name}')`)).toBe(
    2,
  );
  const oldest = BigInt((await test_.asAdmin('select oldest::text from kernel.cursor'))[0]!['oldest'] as string);
  expect(oldest).toBe(seqOf(afterStray));
  for (const position of [early, afterMonth]) {
    expect(await watchFrom(dais, 'part', { resourceVersion: position }, p.context).whenEnded()).toMatchObject({
      code: 'cursor_expired',
    });
  }
  const watcher = watchFrom(dais, 'part', { resourceVersion: afterStray }, p.context);
  await expect.poll(() => watcher.lines, SOON).toEqual(['added b']);
  await watcher.stop();
  expect(seqOf(present)).toBeGreaterThan(oldest);
});

test('the partitions of this month and the next ones are created in time, also repeatedly', async () => {
  await start();
  await test_.asAdmin(
    `drop table kernel.event_${(await test_.asAdmin(`select to_char(date_trunc('month', now() at time zone 'UTC') + interval '2 months', 'YYYYMM') as m`))[0]!['m'] as string}`,
  );
  await cleanUp();
  const names = await test_.asAdmin(
    `select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'kernel.event'::regclass order by 1`,
  );
  const months = await test_.asAdmin(
    `select 'event_' || to_char(date_trunc('month', now() at time zone 'UTC') + make_interval(months => n), 'YYYYMM') as name from generate_series(0, 2) n`,
  );
  // A database that was created last month has its partition, too.
  const first = String(months[0]?.['name']);
  const made = names.map((row) => String(row['name'])).filter((name) => name >= first);
  expect(made).toEqual([...months.map((row) => row['name']), 'event_default']);
});
