import { afterAll, beforeAll, expect, test } from 'vitest';
import { schemaState } from './schema-state.ts';
import { startTestDatabase, type TestDatabase } from './testing.ts';

let server: TestDatabase;
const slice = { schema: 'shelf', migrations: [{ id: '0001-shelf', sql: 'create table shelf.book (id int)' }] };
beforeAll(async () => {
  server = await startTestDatabase([slice]);
});
afterAll(async () => await server.stop());

test('a program matches the database that it migrated', async () => {
  expect(await schemaState(server.database, [slice], '1.0.0')).toEqual([]);
});

test('names missing migrations', async () => {
  const grown = { ...slice, migrations: [...slice.migrations, { id: '0002-more', sql: 'select 1' }] };
  expect(await schemaState(server.database, [grown], '1.0.0')).toEqual(['shelf/0002-more']);
});

test('reports a program that is too old', async () => {
  await server.asAdmin(
    `insert into dais.migration (slice, id, checksum, program_version, minimum_version)
     values ('shelf', '0003-contract', 'x', '2.0.0', '2.0.0')`,
  );
  await expect(schemaState(server.database, [slice], '1.0.0')).rejects.toMatchObject({ code: 'data_version' });
  expect(await schemaState(server.database, [slice], '2.0.0')).toEqual([]);
});
