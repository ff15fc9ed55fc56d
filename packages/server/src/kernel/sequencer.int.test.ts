import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '#engines/database/contract.ts';
import type { TestDatabase } from '#engines/database/testing.ts';
import { acquireLease, guardedWrite, LeaseLost, releaseLease } from './leases.ts';
import { sequenceBatch } from './sequencer.ts';
import { gate, openGates } from './testing/gates.ts';
import { codeOf, manifest, startKernelDatabase, startTestKernel } from './testing/test-kernel.ts';
import { freshProject } from './testing/test-project.ts';
import { watchFrom } from './testing/test-watcher.ts';
import { transact } from './transaction.ts';

let test_: TestDatabase;

beforeAll(async () => {
  test_ = await startKernelDatabase();
});
afterEach(openGates);
afterAll(async () => {
  await test_.stop();
});

const SOON = { timeout: 60_000, interval: 10 };

/** The order as a whole: numbered without gaps from 1, each once. */
async function expectWholeOrder(): Promise<void> {
  const [order] = await test_.asAdmin(
    `select count(*)::int as n, count(distinct seq)::int as numbered, coalesce(max(seq), 0)::int as last, min(seq)::int as first,
       (select seq::int from kernel.cursor) as cursor from kernel.event`,
  );
  expect(order).toEqual({ n: order!['n'], numbered: order!['n'], last: order!['n'], first: 1, cursor: order!['n'] });
}

describe('the order of events', () => {
  test('is the order of commits: the first written and last committed is not lost', async () => {
    const dais = await startTestKernel(test_);
    const p = await freshProject(dais);
    const watcher = watchFrom(dais, 'part', {}, p.context);
    await expect.poll(() => watcher.caughtUp, SOON).toBe(true);
    const { promise: held, resolve: letGo } = gate();
    const { promise: written, resolve: hasWritten } = gate();
    const [tenant] = await test_.asAdmin(`select id from kernel.tenant where name = '${p.name}'`);
    // A slow transaction: its event has a lower id than all that follow, and becomes visible after them.
    const slow = transact(test_.database, { mode: 'write', projectId: 'all' }, async (tx) => {
      await tx.sql.query(
        `insert into kernel.event (type, v, project_id, subject_kind, subject_name, subject_uid, data, actor)
         values ('resource.updated', 1, $1, 'Part', 'early', $2, '{}', '{"type":"system","id":"dais"}')`,
        [tenant!['id'], randomUUID()],
      );
      hasWritten();
      await held;
    });
    await written;
    for (let n = 0; n < 5; n++) await p.create(`late${n}`);
    await expect.poll(() => watcher.lines.length, SOON).toBe(5);
    letGo();
    await slow;
    await expect.poll(async () => (await dais.kernel.health()).unsequenced, SOON).toBe(0);
    const order = await test_.asAdmin(
      `select subject_name as name from kernel.event where project_id = '${tenant!['id'] as string}' order by seq`,
    );
    expect(order.map((event) => event['name'])).toEqual(['late0', 'late1', 'late2', 'late3', 'late4', 'early']);
    const byId = await test_.asAdmin(
      `select subject_name as name from kernel.event where project_id = '${tenant!['id'] as string}' order by id`,
    );
    expect(byId[0]!['name']).toBe('early');
    await watcher.stop();
    await dais.stop();
    await expectWholeOrder();
  });

  test('is one for all processes: of two sequencers one leads, and releases the lease when it stops', async () => {
    const [one, two] = [await startTestKernel(test_), await startTestKernel(test_)];
    const leads = async () => [(await one.kernel.health()).sequencing, (await two.kernel.health()).sequencing];
    await expect.poll(leads, SOON).toEqual([true, false]);
    const p = await freshProject(one);
    const writing = Promise.all(
      [one, two].flatMap((dais, side) =>
        Array.from({ length: 4 }, async (_, writer) => {
          for (let n = 0; n < 15; n++) {
            await dais.call('part.create', { manifest: manifest('Part', `n${side}-${writer}-${n}`) }, p.context);
          }
        }),
      ),
    );
    await one.kernel.stop();
    await writing;
    await expect.poll(async () => (await two.kernel.health()).unsequenced, SOON).toBe(0);
    expect((await two.kernel.health()).sequencing).toBe(true);
    await two.stop();
    await expectWholeOrder();
  });

  test('does not depend on notifications: without any, events arrive within a poll', async () => {
    const deaf: Database = Object.create(test_.database, {
      listen: { value: async () => async () => {} },
      transaction: { value: test_.database.transaction.bind(test_.database) },
      statement: { value: test_.database.statement.bind(test_.database) },
      poll: { value: test_.database.poll.bind(test_.database) },
    }) as Database;
    const dais = await startTestKernel(test_, { database: deaf });
    const p = await freshProject(dais);
    const watcher = watchFrom(dais, 'part', {}, p.context);
    await expect.poll(() => watcher.caughtUp, SOON).toBe(true);
    await p.create('a');
    await dais.apply([manifest('Machine', 'm', { cells: 2 })], {}, p.context);
    await expect.poll(() => watcher.lines, SOON).toEqual(['added a']);
    await expect
      .poll(async () => (await dais.call('machine.get', { name: 'm' }, p.context)).status, SOON)
      .toMatchObject({ cells: 2 });
    await watcher.stop();
    await dais.stop();
  });

  test('more than fit one batch are all numbered', async () => {
    const quiet = await startTestKernel(test_, { start: 'none' });
    const p = await freshProject(quiet);
    await p.apply(Array.from({ length: 2500 }, (_, n) => manifest('Part', `n${n}`)));
    await quiet.stop();
    const dais = await startTestKernel(test_);
    await expect.poll(async () => (await dais.kernel.health()).unsequenced, SOON).toBe(0);
    await dais.stop();
    await expectWholeOrder();
  });
});

describe('leases', () => {
  const freshLease = () => `lease ${randomUUID()}`;
  const expire = (name: string) =>
    test_.asAdmin(`update kernel.lease set expires_at = now() - interval '1 second' where name = '${name}'`);

  test('one lease owner at a time; an extension keeps the epoch, a change of owner increases it', async () => {
    const name = freshLease();
    const first = await acquireLease(test_.database, name, 'a', 60_000);
    expect(await acquireLease(test_.database, name, 'b', 60_000)).toBeUndefined();
    expect(await acquireLease(test_.database, name, 'a', 60_000)).toEqual(first);
    await expire(name);
    const second = await acquireLease(test_.database, name, 'b', 60_000);
    expect(second).toMatchObject({ holder: 'b', epoch: first!.epoch + 1n });
    expect(await acquireLease(test_.database, name, 'a', 60_000)).toBeUndefined();
  });

  test('of concurrent claims of a free lease, one succeeds', async () => {
    const name = freshLease();
    const got = await Promise.all(
      Array.from({ length: 8 }, (_, n) => acquireLease(test_.database, name, `h${n}`, 60_000)),
    );
    expect(got.filter((lease) => lease !== undefined)).toHaveLength(1);
  });

  test('an expired lease returns with a new epoch: another process may have held it', async () => {
    const name = freshLease();
    const first = await acquireLease(test_.database, name, 'a', 60_000);
    await expire(name);
    const again = await acquireLease(test_.database, name, 'a', 60_000);
    expect(again!.epoch).toBe(first!.epoch + 1n);
    await expect(guardedWrite(test_.database, first!, async () => 'late')).rejects.toBeInstanceOf(LeaseLost);
    expect(await guardedWrite(test_.database, again!, async () => 'in time')).toBe('in time');
  });

  test('a released lease is free immediately; a late release does not affect the next owner', async () => {
    const name = freshLease();
    const first = await acquireLease(test_.database, name, 'a', 60_000);
    await releaseLease(test_.database, first!);
    await expect(guardedWrite(test_.database, first!, async () => 'late')).rejects.toBeInstanceOf(LeaseLost);
    const second = await acquireLease(test_.database, name, 'b', 60_000);
    expect(second).toBeDefined();
    await releaseLease(test_.database, first!);
    expect(await guardedWrite(test_.database, second!, async () => 'ours')).toBe('ours');
  });

  test('a guarded write holds the lease until it has committed: a takeover waits for it', async () => {
    const name = freshLease();
    const lease = await acquireLease(test_.database, name, 'a', 60_000);
    const order: string[] = [];
    const { promise: inside, resolve: isInside } = gate();
    const { promise: waiting, resolve: isWaiting } = gate();
    const write = guardedWrite(test_.database, lease!, async ({ sql }) => {
      isInside();
      await waiting;
      await sql.query('select 1');
      order.push('written');
    });
    await inside;
    const takeOver = acquireLease(test_.database, name, 'a', 60_000).then(() => order.push('taken'));
    await expect
      .poll(
        () =>
          test_.asAdmin(
            `select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like '%kernel.lease%'`,
          ),
        SOON,
      )
      .toHaveLength(1);
    isWaiting();
    await Promise.all([write, takeOver]);
    expect(order).toEqual(['written', 'taken']);
  });

  test('a sequencer that was paused past its lease assigns no numbers when it resumes', async () => {
    const quiet = await startTestKernel(test_, { start: 'none' });
    const p = await freshProject(quiet);
    await p.create('a');
    const old = await acquireLease(test_.database, 'sequencer', 'paused', 60_000);
    await expire('sequencer');
    const present = await acquireLease(test_.database, 'sequencer', 'awake', 60_000);
    expect(await sequenceBatch(test_.database, present!)).toBeGreaterThan(0);
    await p.create('b');
    expect(await codeOf(sequenceBatch(test_.database, old!))).toContain('held by another process');
    expect(await sequenceBatch(test_.database, present!)).toBe(1);
    await releaseLease(test_.database, present!);
    await quiet.stop();
    await expectWholeOrder();
  });

  test('numbering a few events reads only those events', async () => {
    const quiet = await startTestKernel(test_, { start: 'none' });
    const p = await freshProject(quiet);
    const lease = await acquireLease(test_.database, 'sequencer', 'many', 60_000);
    const [tenant] = await test_.asAdmin(`select id from kernel.tenant where name = '${p.name}'`);
    const insert = async (count: number) =>
      await test_.asAdmin(
        `insert into kernel.event (type, v, project_id, data, actor)
         select 'resource.updated', 1, '${tenant!['id'] as string}', '{}', '{"type":"system","id":"dais"}' from generate_series(1, ${count})`,
      );
    await insert(EVENTS);
    while ((await sequenceBatch(test_.database, lease!)) > 0);
    await test_.asAdmin('vacuum analyze kernel.event');
    const read = async () => {
      const [row] = await test_.asAdmin(
        `select sum(seq_tup_read)::int as rows, sum(idx_scan)::int as polls from pg_stat_user_tables where relname ~ '^event_'`,
      );
      return row as { rows: number; polls: number };
    };
    await expect.poll(async () => (await read()).polls, SOON).toBeGreaterThan(0);
    const before = await read();
    for (let round = 0; round < 20; round++) {
      await insert(3);
      expect(await sequenceBatch(test_.database, lease!)).toBe(3);
    }
    // A connection reports its snapshot with a delay.
    await expect.poll(async () => (await read()).polls - before.polls, SOON).toBeGreaterThanOrEqual(20);
    expect((await read()).rows - before.rows).toBeLessThan(EVENTS);
    await releaseLease(test_.database, lease!);
    await quiet.stop();
    await expectWholeOrder();
  });
});

/** So many that reading them all for each batch is seen. */
const EVENTS = 20_000;
