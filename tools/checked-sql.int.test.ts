/** Every statement of the server is prepared on the migrated schema, and the declared type of its rows is compared. */
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clientConfig } from '../packages/server/src/engines/database/client-config.ts';
import { startTestDatabase, type TestDatabase } from '../packages/server/src/engines/database/testing.ts';
import { openProgram } from '../packages/server/src/testing/releases.ts';
import { checkNames, checkStatement } from './checked-sql/check-statement.ts';
import { collectStatements, type Statement } from './checked-sql/collect-statements.ts';
import { StatementDescriber } from './checked-sql/describe-statement.ts';

const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');

/** Statements whose text the source does not determine: each with the reason. */
const ALLOWED: ReadonlyMap<string, string> = new Map([
  ['packages/server/src/engines/database/database.ts', 'runs a statement of its caller as a transaction of its own'],
]);

let server: TestDatabase;
let client: Client;
let describer: StatementDescriber;
beforeAll(async () => {
  const program = await openProgram();
  server = await startTestDatabase(program.slices.slice(1));
  await program.close();
  client = new Client(clientConfig(server.admin, 'test'));
  await client.connect();
  describer = await StatementDescriber.open(client);
});
afterAll(async () => {
  await client.end();
  await server.stop();
});

describe('statements of the server', () => {
  const statements = collectStatements(root);

  test('are found', () => {
    expect(statements.length).toBeGreaterThan(900);
  });

  test('have texts that the source determines', () => {
    const open = statements.filter(({ at, texts }) => texts === undefined && !ALLOWED.has(at.replace(/:\d+$/, '')));
    expect(
      open.map(({ at, reason }) => `${at}: ${reason}. Write the text out, or build it with composeStatement.`),
    ).toEqual([]);
  });

  test('are valid, and their rows have the declared types', async () => {
    const problems: string[] = [];
    for (const statement of statements) problems.push(...(await checkStatement(describer, statement)));
    expect(problems).toEqual([]);
  });

  test('have names of their own', () => {
    expect(checkNames(statements)).toEqual([]);
  });
});

describe('the check', () => {
  const example = { at: 'example.ts:1', method: 'query', values: undefined, names: [] };
  const checked = async (text: string, properties: Record<string, { family: string; nullable?: boolean }>) =>
    await checkStatement(describer, {
      ...example,
      texts: [text],
      row: {
        text: 'Row',
        open: false,
        generic: false,
        properties: Object.entries(properties).map(([name, { family, nullable = false }]) => ({
          name,
          nullable,
          optional: false,
          families: [family],
          text: nullable ? `${family} | null` : family,
        })),
      },
    } satisfies Statement);

  test('reports a statement that PostgreSQL refuses', async () => {
    expect(await checked('select nothing from kernel.job', {})).toEqual([
      expect.stringContaining('example.ts:1: column "nothing" does not exist'),
    ]);
  });

  test('reports another number of values, and a name of two texts', async () => {
    const statement = { ...example, row: undefined, values: 1, names: ['n'], texts: ['select $1::int + $2::int'] };
    expect(await checkStatement(describer, statement)).toEqual([
      'example.ts:1: 1 values are passed, and the statement takes 2',
    ]);
    expect(checkNames([statement, { ...statement, at: 'other.ts:2', texts: ['select 1'] }])).toEqual([
      'other.ts:2: the name "n" is that of another statement at example.ts:1',
    ]);
  });

  test('reports missing and undeclared columns, and other types', async () => {
    const properties = { id: { family: 'number' }, gone: { family: 'string' } };
    expect(await checked('select id, queue from kernel.job', properties)).toEqual([
      'example.ts:1: id: declared number, but uuid is read as string',
      'example.ts:1: gone: declared, but no result column',
      'example.ts:1: queue: a result column of type text that the row type lacks',
    ]);
  });

  test.each([
    ['a nullable column', 'select finished_at as v from kernel.job', true],
    [
      'a nullable column that the condition requires',
      'select finished_at as v from kernel.job where finished_at > now()',
      false,
    ],
    [
      'the optional side of a join',
      'select r.at as v from kernel.job j left join kernel.revision r on r.uid = j.id',
      true,
    ],
    [
      'the optional side of a join that the condition requires',
      'select r.at as v from kernel.job j left join kernel.revision r on r.uid = j.id where r.generation > 1',
      false,
    ],
    ['an aggregate without groups', 'select max(finished_at) as v from kernel.job where finished_at is not null', true],
    ['coalesce', 'select coalesce(finished_at, now()) as v from kernel.job', false],
    [
      'a value that the statement assigns',
      'update kernel.job set finished_at = now() returning finished_at as v',
      false,
    ],
    [
      'a parameter that the statement assigns',
      'update kernel.job set finished_at = $1 returning finished_at as v',
      true,
    ],
    ['a subquery', 'select v from (select finished_at as v from kernel.job) s', true],
    ['a common table expression', 'with s as (select at as v from kernel.revision) select v from s', false],
    ['one side of a union', 'select at as v from kernel.revision union all select finished_at from kernel.job', true],
  ])('determines whether a result can be null: %s', async (_, text, nullable) => {
    expect(await checked(text, { v: { family: 'Date' } })).toEqual(
      nullable ? ['example.ts:1: v: declared Date, but the column can be null'] : [],
    );
    expect(await checked(text, { v: { family: 'Date', nullable: true } })).toEqual([]);
  });
});
