/** Tests of deferred statements that every implementation must pass. */
import { expect, test } from 'vitest';
import type { Database, Sql, TransactionOptions } from './contract.ts';

const READ: TransactionOptions = { mode: 'read', scope: 'all' };
const WRITE: TransactionOptions = { mode: 'write', scope: 'all' };

/** In the database of the suite: writes into `probe.shared`. */
export function testDeferred(opened: () => Database): void {
  test('runs deferred statements before the next statement or with the commit', async () => {
    const database = opened();
    const insert = (id: number) => [`insert into probe.shared values ($1)`, [id], 'suite_defer'] as const;
    await database.transaction(WRITE, async (sql) => {
      sql.defer(...insert(20));
      sql.defer(...insert(21));
      expect(await sql.query('select id from probe.shared where id in (20, 21) order by id')).toEqual([
        { id: 20 },
        { id: 21 },
      ]);
      sql.defer(...insert(22));
    });
    // Nothing else: it is still a transaction.
    await database.transaction(WRITE, async (sql) => sql.defer(...insert(23)));
    const broken = database.transaction(WRITE, async (sql) => {
      sql.defer(...insert(24));
      throw new Error('changed my mind');
    });
    await expect(broken).rejects.toThrow('changed my mind');
    expect(
      await database.statement(READ, 'select id from probe.shared where id between 22 and 24 order by id'),
    ).toEqual([{ id: 22 }, { id: 23 }]);
  });

  test('rolls back the transaction when a deferred statement fails', async () => {
    const database = opened();
    const divide = ['select 1 / $1::int', [0], 'suite_defer_fails'] as const;
    const insert = 'insert into probe.shared values (25)';
    const atCommit = database.transaction(WRITE, async (sql) => {
      await sql.query(insert);
      sql.defer(...divide);
    });
    await expect(atCommit).rejects.toMatchObject({ code: '22012' });
    const before = database.transaction(WRITE, async (sql) => {
      sql.defer(...divide);
      await sql.query(insert);
    });
    await expect(before).rejects.toMatchObject({ code: '22012' });
    const swallowed = database.transaction(WRITE, async (sql) => {
      await sql.query('select 1 / 0').catch(() => {});
      sql.defer(insert);
    });
    await expect(swallowed).rejects.toMatchObject({ code: '22012' });
    // On every connection of the pool: none is left inside a transaction.
    const all = await Promise.all(
      Array.from({ length: 20 }, () => database.statement(READ, 'select from probe.shared where id = 25')),
    );
    expect(all.flat()).toEqual([]);
  });

  test('restarts a transaction in careful mode when it finds an unexpected state', async () => {
    const database = opened();
    const seen: boolean[] = [];
    const expecting = (sql: Sql) =>
      sql.defer(`do $$ begin raise exception using errcode = 'DA001', message = 'not so'; end $$`);
    await database.transaction(WRITE, async (sql) => {
      seen.push(sql.careful);
      sql.defer('insert into probe.shared values (26)');
      if (!sql.careful) expecting(sql);
    });
    // Also where it runs before the commit.
    await database.transaction(WRITE, async (sql) => {
      seen.push(sql.careful);
      if (!sql.careful) expecting(sql);
      await sql.query('insert into probe.shared values (27)');
    });
    expect(seen).toEqual([false, true, false, true]);
    expect(await database.statement(READ, 'select id from probe.shared where id in (26, 27) order by id')).toEqual([
      { id: 26 },
      { id: 27 },
    ]);
  });

  test('returns an error of the catalog that a database function raises', async () => {
    const database = opened();
    const refuse = (code: string) =>
      [
        `do $$ begin raise exception using errcode = 'DA000', detail = '${code}', message = 'It is gone.'; end $$`,
      ] as const;
    const atCommit = database.transaction(WRITE, async (sql) => sql.defer(...refuse('not_found')));
    await expect(atCommit).rejects.toMatchObject({ code: 'not_found', message: 'It is gone.' });
    const before = database.transaction(WRITE, async (sql) => {
      sql.defer(...refuse('invalid_state'));
      await sql.query('select 1');
    });
    await expect(before).rejects.toMatchObject({ code: 'invalid_state', message: 'It is gone.' });
    // An unknown code is an internal error.
    const unknown = database.transaction(WRITE, async (sql) => sql.defer(...refuse('constructor')));
    await expect(unknown).rejects.toMatchObject({ code: 'DA000' });
  });
}
