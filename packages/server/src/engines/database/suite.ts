/** Tests that every implementation of the database engine must pass. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DaisError } from '@dais/api/errors';
import type { Database, DatabaseEngine, RunningDatabase, Slice, TransactionOptions } from './contract.ts';
import { openDatabase } from './database.ts';
import { migrate } from './migrate.ts';
import { testDeferred } from './suite-deferred.ts';
import { testPolls } from './suite-polls.ts';

const ALPHA = '01900000-0000-7000-8000-00000000000a';
const BETA = '01900000-0000-7000-8000-00000000000b';

const probeSlice: Slice = {
  schema: 'probe',
  migrations: [
    {
      id: '0001-probe',
      sql: `
create table probe.note (id int primary key, project_id uuid not null, text text not null);
select dais.protect('probe.note');
create table probe.shared (id int primary key, n bigint not null default 0);
grant select, insert, update on probe.shared to dais_app;
create table probe.hidden (id int primary key);
create table probe.deferred (id int primary key, of int references probe.shared (id) deferrable initially deferred);
grant select, insert on probe.deferred to dais_app;
`,
    },
  ],
};

const READ: TransactionOptions = { mode: 'read', scope: 'all' };
const WRITE: TransactionOptions = { mode: 'write', scope: 'all' };
const inAlpha: TransactionOptions = { mode: 'write', scope: { project: ALPHA } };
const inBeta: TransactionOptions = { mode: 'write', scope: { project: BETA } };

/** `make` returns an engine with a separate server, and its cleanup. */
export function databaseSuite(
  name: string,
  make: () => Promise<{ readonly engine: DatabaseEngine; readonly clean: () => Promise<void> }>,
): void {
  describe(name, () => {
    let engine: DatabaseEngine;
    let clean: () => Promise<void>;
    let running: RunningDatabase;
    let database: Database;

    beforeAll(async () => {
      ({ engine, clean } = await make());
      running = await engine.start();
      await migrate(running.connection, [probeSlice], '1.0.0');
      database = openDatabase(running.connection);
    });

    afterAll(async () => {
      await database.close();
      await running.stop();
      await clean();
    });

    test('start is idempotent and returns the version', async () => {
      expect((await engine.start()).connection).toEqual(running.connection);
      expect(running.serverVersion).toBeGreaterThanOrEqual(140_000);
    });

    describe('values', () => {
      test('returns int8, timestamps, json and bytes in their JavaScript types', async () => {
        const rows = await database.statement(
          READ,
          `select 9007199254740993::int8 as big, array[1, null, 3]::int8[] as bigs, 7::int4 as small, 0.1::float8 as real,
             '2026-01-02T03:04:05.678Z'::timestamptz as at, date '2026-01-02' as day, '{"a":[1]}'::jsonb as doc,
             '\\x00ff'::bytea as bytes, null::text as nothing, array['a"b', 'c\\d', null]::text[] as texts`,
        );
        expect(rows).toEqual([
          {
            big: 9_007_199_254_740_993n,
            bigs: [1n, null, 3n],
            small: 7,
            real: 0.1,
            at: new Date('2026-01-02T03:04:05.678Z'),
            day: '2026-01-02',
            doc: { a: [1] },
            bytes: Buffer.from([0, 255]),
            nothing: null,
            texts: ['a"b', 'c\\d', null],
          },
        ]);
      });

      test('passes parameters of every type', async () => {
        const at = new Date('2026-01-02T03:04:05.678Z');
        const values = [
          1n << 60n,
          1.5,
          true,
          null,
          undefined,
          at,
          Buffer.from('x'),
          { a: 'b' },
          ['a"', '\\', null],
          [1n, 2n],
        ];
        const rows = await database.statement(
          READ,
          `select $1::int8 as a, $2::float8 as b, $3::bool as c, $4::text as d, $5::text as e, $6::timestamptz as f,
             $7::bytea as g, $8::jsonb as h, $9::text[] as i, $10::int8[] as j`,
          values,
        );
        expect(rows).toEqual([
          {
            a: 1n << 60n,
            b: 1.5,
            c: true,
            d: null,
            e: null,
            f: at,
            g: Buffer.from('x'),
            h: { a: 'b' },
            i: ['a"', '\\', null],
            j: [1n, 2n],
          },
        ]);
        const bytes = await database.statement(READ, 'select $1::bytea[] as a', [
          [Buffer.from([1, 92]), new Uint8Array([2])],
        ]);
        expect(bytes).toEqual([{ a: [Buffer.from([1, 92]), Buffer.from([2])] }]);
      });

      test('fails only the statement of a value that cannot be sent', async () => {
        const circular: Record<string, unknown> = {};
        circular['self'] = circular;
        await database.transaction(READ, async (sql) => {
          await expect(sql.query('select $1::jsonb', [circular])).rejects.toThrow('circular');
          expect(await sql.query('select 1 as one')).toEqual([{ one: 1 }]);
        });
      });
    });

    describe('transactions', () => {
      test('commits when the function resolves and rolls back when it throws', async () => {
        await database.transaction(WRITE, (sql) => sql.query('insert into probe.shared values (1)'));
        const broken = database.transaction(WRITE, async (sql) => {
          await sql.query('insert into probe.shared values (2)');
          throw new Error('changed my mind');
        });
        await expect(broken).rejects.toThrow('changed my mind');
        expect(await database.statement(READ, 'select id from probe.shared where id in (1, 2)')).toEqual([{ id: 1 }]);
      });

      test('rejects writes in a read transaction', async () => {
        const insert = 'insert into probe.shared values (3)';
        await expect(database.statement(READ, insert)).rejects.toMatchObject({ code: '25006' });
        await expect(database.transaction(READ, (sql) => sql.query(insert))).rejects.toMatchObject({ code: '25006' });
      });

      test('fails the transaction when the function ignores an error', async () => {
        const swallowed = database.transaction(WRITE, async (sql) => {
          await sql.query('insert into probe.shared values (4)');
          await sql.query('select 1/0').catch(() => {});
        });
        await expect(swallowed).rejects.toThrow('division by zero');
        expect(await database.statement(READ, 'select from probe.shared where id = 4')).toEqual([]);
      });

      testDeferred(() => database);

      test('reports violations of deferred constraints at the commit', async () => {
        const insert = 'insert into probe.deferred values (1, 999)';
        await expect(database.transaction(WRITE, (sql) => sql.query(insert))).rejects.toMatchObject({ code: '23503' });
        await expect(database.statement(WRITE, insert)).rejects.toMatchObject({ code: '23503' });
        expect(await database.statement(READ, 'select from probe.deferred')).toEqual([]);
      });

      test('a snapshot reads one consistent state', async () => {
        await database.statement(WRITE, 'insert into probe.shared values (5, 0)');
        const count = 'select n from probe.shared where id = 5';
        await database.transaction({ ...READ, snapshot: true }, async (sql) => {
          const before = await sql.query(count);
          await database.statement(WRITE, 'update probe.shared set n = n + 1 where id = 5');
          expect(await sql.query(count)).toEqual(before);
        });
        expect(await database.statement({ ...READ, snapshot: true }, count)).toEqual([{ n: 1n }]);
      });

      test('returns the prelude with the first statement, with the visibility of the transaction', async () => {
        const prelude = {
          text: `select current_setting('transaction_read_only') || current_user`,
          name: 'suite_prelude',
        };
        for (const _ of ['parsed', 'prepared']) {
          const seen = await database.transaction({ ...READ, prelude }, async (sql) => {
            const before = sql.prelude;
            const first = await sql.query('select 1 as one');
            const prelude = sql.prelude;
            await sql.query('select 2 as two');
            return [before, first, prelude, sql.prelude];
          });
          expect(seen).toEqual([undefined, [{ one: 1 }], 'ondais_app', 'ondais_app']);
        }
        const failing = { text: 'select 1 / 0', name: 'suite_prelude_fails' };
        const failed = database.transaction({ ...READ, prelude: failing }, (sql) => sql.query('select 1'));
        await expect(failed).rejects.toMatchObject({ code: '22012' });
        const without = await database.transaction(READ, async (sql) => [
          await sql.query('select 1 as one'),
          sql.prelude,
        ]);
        expect(without).toEqual([[{ one: 1 }], undefined]);
      });

      test('retries after a serialization failure', async () => {
        await database.statement(WRITE, 'insert into probe.shared values (6, 0)');
        let runs = 0;
        await database.transaction({ ...WRITE, snapshot: true }, async (sql) => {
          runs += 1;
          await sql.query('select 1');
          if (runs === 1) await database.statement(WRITE, 'update probe.shared set n = 10 where id = 6');
          await sql.query('update probe.shared set n = n + 1 where id = 6');
        });
        expect(runs).toBe(2);
        expect(await database.statement(READ, 'select n from probe.shared where id = 6')).toEqual([{ n: 11n }]);
      });

      test('resolves deadlocks', async () => {
        await database.statement(WRITE, 'insert into probe.shared values (7, 0), (8, 0)');
        const meet = rendezvous(2);
        const both = (first: number, second: number): Promise<void> =>
          database.transaction(WRITE, async (sql) => {
            await sql.query('update probe.shared set n = n + 1 where id = $1', [first]);
            await meet();
            await sql.query('update probe.shared set n = n + 1 where id = $1', [second]);
          });
        await Promise.all([both(7, 8), both(8, 7)]);
        expect(await database.statement(READ, 'select sum(n)::int as n from probe.shared where id in (7, 8)')).toEqual([
          { n: 4 },
        ]);
      });

      test('rejects incorrect use', async () => {
        let leaked: { query(text: string): Promise<object[]> } | undefined;
        await database.transaction(READ, async (sql) => {
          leaked = sql;
          const first = sql.query('select 1');
          await expect(sql.query('select 2')).rejects.toThrow('one statement at a time');
          await first;
        });
        await expect(leaked!.query('select 1')).rejects.toThrow('has ended');
        await expect(database.statement({ mode: 'read', scope: { project: 'all' } }, 'select 1')).rejects.toThrow(
          'not a project id',
        );
      });

      test('rejects a second text for a statement name, and accepts a name whose statement failed', async () => {
        const divide = (by: number): Promise<object[]> =>
          database.statement(READ, 'select 1 / $1::int as n', [by], 'suite_divide');
        await expect(divide(0)).rejects.toThrow('division by zero');
        expect(await divide(1)).toEqual([{ n: 1 }]);
        expect(await divide(1)).toEqual([{ n: 1 }]);
        await expect(database.statement(READ, 'selekt', [], 'suite_typo')).rejects.toMatchObject({ code: '42601' });
        expect(await database.statement(READ, 'select 1 as n', [], 'suite_typo')).toEqual([{ n: 1 }]);
        const second = database.statement(READ, 'select 2 as n', [], 'suite_typo');
        // Without prepared statements, names have no effect.
        const expected =
          running.connection.preparedStatements === false ? '[{"n":2}]' : 'already used for another text';
        expect(await second.then(JSON.stringify, String)).toContain(expected);
      });

      test('prepares a statement again after its table changes', async () => {
        const all = (): Promise<object[]> =>
          database.statement(READ, 'select * from probe.shared where id = 9', [], 'suite_all');
        await database.statement(WRITE, 'insert into probe.shared values (9, 9)');
        expect(await all()).toEqual([{ id: 9, n: 9n }]);
        await migrate(running.connection, [widened], '1.0.0');
        expect(await all()).toEqual([{ id: 9, n: 9n, extra: 'x' }]);
      });

      test('stops a statement at its time limit', async () => {
        const slow = database.statement({ ...READ, timeoutMs: 50 }, 'select pg_sleep(30)');
        await expect(slow).rejects.toMatchObject({ code: 'overloaded' });
        const later = database.transaction({ ...READ, timeoutMs: 50 }, async (sql) => {
          await sql.query('select 1');
          await sql.query('select pg_sleep(30)');
        });
        await expect(later).rejects.toMatchObject({ code: 'overloaded' });
      });

      test('runs many statements at the same time', async () => {
        const runs = Array.from({ length: 200 }, (_, n) =>
          database.statement(READ, 'select $1::int as n', [n], 'suite_many'),
        );
        expect((await Promise.all(runs)).flat()).toEqual(runs.map((_, n) => ({ n })));
        expect(database.stats().total).toBeLessThanOrEqual(10);
      });
    });

    describe('row security', () => {
      test('limits a project to its own rows', async () => {
        await database.statement(inAlpha, 'insert into probe.note values (1, $1, $2)', [ALPHA, 'of alpha']);
        await database.statement(inBeta, 'insert into probe.note values (2, $1, $2)', [BETA, 'of beta']);
        const notes = 'select id from probe.note order by id';
        expect(await database.statement(inAlpha, notes)).toEqual([{ id: 1 }]);
        expect(await database.transaction(inBeta, (sql) => sql.query(notes))).toEqual([{ id: 2 }]);
        expect(await database.statement(READ, notes)).toEqual([{ id: 1 }, { id: 2 }]);
        await database.statement(inAlpha, `update probe.note set text = 'taken'`);
        await database.statement(inAlpha, 'delete from probe.note where id = 2');
        expect(await database.statement(inBeta, 'select text from probe.note')).toEqual([{ text: 'of beta' }]);
        const foreign = database.statement(inAlpha, 'insert into probe.note values (3, $1, $2)', [BETA, 'smuggled']);
        await expect(foreign).rejects.toMatchObject({ code: '42501' });
        const moved = database.statement(inAlpha, 'update probe.note set project_id = $1', [BETA]);
        await expect(moved).rejects.toMatchObject({ code: '42501' });
      });

      test('returns no rows without a project', async () => {
        for (const missing of ['', 'not-set-at-all']) {
          await database.transaction(WRITE, async (sql) => {
            await sql.query(missing === '' ? `select set_config('dais.project', '', true)` : 'reset dais.project');
            expect(await sql.query('select from probe.note')).toEqual([]);
          });
        }
        const insert = database.transaction(WRITE, async (sql) => {
          await sql.query('reset dais.project');
          await sql.query('insert into probe.note values (4, $1, $2)', [ALPHA, '']);
        });
        await expect(insert).rejects.toMatchObject({ code: '42501' });
      });

      test('leaves no state of a transaction on its connection', async () => {
        const single = openDatabase(running.connection, { poolSize: 1 });
        await single.statement(inAlpha, 'select 1');
        await single.transaction(inAlpha, (sql) => sql.query('select 1'));
        // A statement as the login role: BEGIN sets the role, RESET resets it inside the transaction.
        const seen = await single.transaction(READ, async (sql) => {
          await sql.query('reset role');
          return await sql.query<{ who: string }>('select current_user as who');
        });
        expect(seen[0]?.who).not.toBe('dais_app');
        await expect(
          single.transaction(READ, async (sql) => {
            await sql.query('reset role');
            await sql.query('select from probe.hidden');
          }),
        ).rejects.toMatchObject({ code: '42501' });
        await single.close();
      });

      test.each([
        'create table probe.mine (id int)',
        'create schema mine',
        'drop table probe.note',
        'alter table probe.note no force row level security',
        'alter table probe.note disable row level security',
        'drop policy project on probe.note',
        'truncate probe.note',
        'select from probe.hidden',
        'delete from probe.shared',
        `select dais.protect('probe.note')`,
        'update dais.migration set checksum = null',
      ])('the application role cannot: %s', async (sql) => {
        await expect(database.statement(WRITE, sql)).rejects.toMatchObject({ code: '42501' });
      });

      test('returns an error, not rows, when row security is off', async () => {
        const off = database.transaction(inAlpha, async (sql) => {
          await sql.query('set local row_security = off');
          await sql.query('select from probe.note');
        });
        await expect(off).rejects.toMatchObject({ code: '42501' });
      });
    });

    describe('notifications', () => {
      test('are delivered until the listener stops', async () => {
        const received: string[] = [];
        const stop = await database.listen('suite channel', (payload) => received.push(payload));
        await database.statement(WRITE, `select pg_notify('suite channel', 'first')`);
        await expect.poll(() => received).toEqual(['first']);
        await stop();
        await database.statement(WRITE, `select pg_notify('suite channel', 'second')`);
        const later: string[] = [];
        const stopLater = await database.listen('suite later', (payload) => later.push(payload));
        await database.statement(WRITE, `select pg_notify('suite later', 'end')`);
        await expect.poll(() => later).toEqual(['end']);
        expect(received).toEqual(['first']);
        await stopLater();
      });

      test('reopens a lost connection and wakes every listener', async () => {
        const received: string[] = [];
        const stop = await database.listen('suite_lost', (payload) => received.push(payload));
        await cutListeners(database);
        await expect.poll(() => received).toContain('');
        await database.statement(WRITE, `select pg_notify('suite_lost', 'again')`);
        await expect.poll(() => received).toContain('again');
        await stop();
      });
    });

    describe('polls', () => {
      testPolls(() => running.connection);
    });

    test('ping succeeds', async () => {
      await database.ping(5_000);
      await cutListeners(database);
      await expect
        .poll(async () =>
          database.ping(5_000).then(
            () => 'ok',
            () => 'no',
          ),
        )
        .toBe('ok');
    });

    test('close waits for running transactions and rejects later ones', async () => {
      const own = openDatabase(running.connection, { poolSize: 1 });
      const slow = own.statement(READ, 'select pg_sleep(0.1), 1 as one');
      const waiting = own.statement(READ, 'select 2 as two');
      const closed = own.close();
      await expect(own.statement(READ, 'select 3')).rejects.toMatchObject({ code: 'shutting_down' });
      await closed;
      expect(await slow).toMatchObject([{ one: 1 }]);
      expect(await waiting).toEqual([{ two: 2 }]);
      await own.close();
      expect(own.stats()).toEqual({ total: 0, idle: 0, waiting: 0 });
    });

    test('reports a full pool', async () => {
      const own = openDatabase(running.connection, { poolSize: 1, acquireTimeoutMs: 1_000 });
      await own.transaction(READ, async (sql) => {
        await sql.query('select 1');
        const second = own.statement(READ, 'select 2');
        await expect(second).rejects.toSatisfy(
          (error) => error instanceof DaisError && error.code === 'database_unavailable' && error.retryAfter === 1,
        );
      });
      await own.close();
    });
  });
}

/** Ends the sessions that listen or ping. Only the login role can see their statements. */
async function cutListeners(database: Database): Promise<void> {
  await database.transaction(WRITE, async (sql) => {
    await sql.query('reset role');
    await sql.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where usename = session_user and pid <> pg_backend_pid() and (query ilike 'listen %' or query = 'select 1')`,
    );
  });
}

const widened: Slice = {
  schema: 'probe',
  migrations: [
    ...probeSlice.migrations,
    { id: '0002-wider', sql: `alter table probe.shared add column extra text not null default 'x'` },
  ],
};

/** Resolves for all callers once `count` have arrived; later callers pass. */
function rendezvous(count: number): () => Promise<void> {
  let arrived = 0;
  let open: (() => void) | undefined;
  const all = new Promise<void>((resolve) => {
    open = resolve;
  });
  return async () => {
    arrived += 1;
    if (arrived >= count) open?.();
    await all;
  };
}
