/** Tests of polls that every implementation must pass. */
import { expect, test } from 'vitest';
import type { ConnectionOptions, Sql } from './contract.ts';
import { openDatabase } from './database.ts';

export function testPolls(connection: () => ConnectionOptions): void {
  test('rings at notifications and while work is due, with one transaction for all checks, until it ends', async () => {
    // Its checks are the only ones of this pool.
    const database = openDatabase(connection(), { poolSize: 1 });
    const transactions = { first: [] as string[], second: [] as string[] };
    const rings = { first: 0, second: 0, broken: 0, other: 0 };
    let isDue = true;
    const check = (name: 'first' | 'second', due: () => boolean) => async (sql: Sql) => {
      const [row] = await sql.query<{ id: string }>('select now()::text as id');
      transactions[name].push(row?.id ?? '');
      return due();
    };
    const stopFirst = await database.poll(
      'suite_poll',
      check('first', () => isDue),
      () => (rings.first += 1),
    );
    const stopSecond = await database.poll(
      undefined,
      check('second', () => false),
      () => (rings.second += 1),
    );
    await expect.poll(() => rings.first).toBeGreaterThan(1);
    isDue = false;
    const before = transactions.second.length;
    await expect.poll(() => transactions.second.length).toBeGreaterThan(before + 1);
    expect(new Set(transactions.second).size).toBe(transactions.second.length);
    expect(transactions.first.slice(0, transactions.second.length)).toEqual(transactions.second);
    expect(rings.second).toBe(0);
    const { first } = rings;
    await database.statement({ mode: 'write', scope: 'all' }, `select pg_notify('suite_poll', '')`);
    await expect.poll(() => rings.first).toBe(first + 1);
    // A check that fails rings all: each loop then reports the error of its own turn.
    const stopBroken = await database.poll(
      undefined,
      async (sql) => (await sql.query('select 1 / 0')).length > 0,
      () => (rings.broken += 1),
    );
    await expect.poll(() => Math.min(rings.broken, rings.second)).toBeGreaterThan(0);
    for (const stop of [stopBroken, stopFirst, stopSecond]) await stop();
    const ended = transactions.second.length;
    const stopOther = await database.poll(
      undefined,
      async () => true,
      () => (rings.other += 1),
    );
    await expect.poll(() => rings.other).toBeGreaterThan(1);
    expect(transactions.second.length).toBe(ended);
    await stopOther();
    await database.close();
  });
}
