import { existsSync } from 'node:fs';
import { chown, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeCertificates } from '#lib/crypto/certificates.testing.ts';
import { openDatabase } from '../database.ts';
import { databaseSuite } from '../suite.ts';
import { startTestDatabase, type TestDatabase, type TestServerOptions } from '../testing.ts';
import { postgresEngine } from './postgres-engine.ts';

const PASSWORD = 'a/b c@d';

async function overTcp(
  options: TestServerOptions,
  rest = '',
): Promise<{ engine: ReturnType<typeof postgresEngine>; clean: () => Promise<void> }> {
  const server = await startTestDatabase([], { tcp: true, ...options });
  await server.asAdmin(`alter role dais password '${PASSWORD}'`);
  return {
    engine: postgresEngine({ url: urlOf(server, 'dais', PASSWORD, 'dais') + rest }),
    clean: () => server.stop(),
  };
}

function urlOf(server: TestDatabase, user: string, password: string, database: string): string {
  return `postgres://${user}:${encodeURIComponent(password)}@127.0.0.1:${server.connection.port}/${database}`;
}

databaseSuite('postgres by URL, with a password over TCP', () => overTcp({}));

// Like behind an old transaction pooler: the suite must pass without prepared statements.
databaseSuite('postgres without prepared statements', () => overTcp({}, '?prepared_statements=false'));

const debian15 = '/usr/lib/postgresql/15/bin';
describe.runIf(existsSync(debian15))('an older server', () => {
  databaseSuite('PostgreSQL 15', () => overTcp({ postgresBin: debian15 }));
});

describe('an external server', () => {
  let server: TestDatabase;
  beforeAll(async () => {
    server = await startTestDatabase([], { tcp: true });
  });
  afterAll(async () => {
    await server.stop();
  });

  const start = async (user: string, database: string, rest = ''): Promise<string> => {
    try {
      await postgresEngine({ url: urlOf(server, user, PASSWORD, database) + rest }).start();
      return 'started';
    } catch (error) {
      const { code, message } = error as { code?: string; message: string };
      expect(message).not.toContain(PASSWORD);
      return `${code}: ${message}`;
    }
  };

  test('returns sufficient SQL for the operator when the user cannot create roles', async () => {
    await server.asAdmin(`create role plain login password '${PASSWORD}'`);
    await server.asAdmin('create database plain_data');
    const refused = await start('plain', 'plain_data');
    expect(refused).toMatch(/^database_setup: The database user "plain" is not allowed to create the roles/);
    const sql = refused.slice(refused.indexOf('\n\n') + 2);
    expect(sql).toBe(`grant dais_owner, dais_app to "plain";\ngrant create on database "plain_data" to dais_owner;`);
    await server.asAdminIn('plain_data', sql);
    expect(await start('plain', 'plain_data')).toBe('started');
  });

  test('a user who can create roles needs no operator', async () => {
    const roles = await startTestDatabase([], { tcp: true });
    try {
      for (const sql of [
        'drop database dais',
        'drop role dais_owner, dais_app',
        `create role maker login createrole password '${PASSWORD}'`,
        'create database made owner maker',
      ]) {
        await roles.asAdminIn('postgres', sql);
      }
      const engine = postgresEngine({ url: urlOf(roles, 'maker', PASSWORD, 'made') });
      expect((await engine.start()).serverVersion).toBeGreaterThan(140_000);
      const found = await roles.asAdminIn(
        'postgres',
        `select rolname from pg_roles where rolname like 'dais%' order by 1`,
      );
      expect(found.map((row) => row['rolname'])).toEqual(['dais', 'dais_app', 'dais_owner']);
    } finally {
      await roles.stop();
    }
  });

  test('distinguishes wrong passwords, missing databases and missing TLS', async () => {
    expect(await start('nobody_known', 'dais')).toMatch(/^database_setup: .*password authentication failed/);
    await server.asAdmin(`alter role dais password '${PASSWORD}'`);
    expect(await start('dais', 'nowhere')).toMatch(/^database_setup: .*"nowhere" does not exist/);
    expect(await start('dais', 'dais', '?sslmode=require')).toMatch(/^database_setup: .*does not support TLS/);
    expect(await start('dais', 'dais', '?sslmode=verify-full&sslrootcert=/nowhere')).toMatch(
      /^invalid_config: .*\/nowhere/,
    );
    const nobody = postgresEngine({ url: 'postgres://dais@127.0.0.1:1/dais' });
    await expect(nobody.start()).rejects.toMatchObject({ code: 'database_unavailable' });
  });

  test('verifies TLS as set in the URL', async () => {
    const { ca, cert, key } = await makeCertificates(['db.example']);
    const folder = server.connection.host;
    const { uid, gid } = await stat(folder);
    for (const [name, text] of Object.entries({ ca, cert, key })) {
      await writeFile(path.join(folder, name), text, { mode: 0o600 });
      await chown(path.join(folder, name), uid, gid);
    }
    await server.asAdmin(`alter system set ssl_cert_file = '${folder}/cert'`);
    await server.asAdmin(`alter system set ssl_key_file = '${folder}/key'`);
    await server.asAdmin('alter system set ssl = on');
    await server.asAdmin('select pg_reload_conf()');
    await server.asAdmin(`alter role dais password '${PASSWORD}'`);
    await expect.poll(() => start('dais', 'dais', '?sslmode=require')).toBe('started');
    expect(await start('dais', 'dais', '?sslmode=verify-full')).toMatch(
      /^database_setup: The certificate .* sslrootcert/,
    );
    expect(await start('dais', 'dais', `?sslmode=verify-full&sslrootcert=${folder}/ca`)).toBe('started');
    const otherName = (mode: string): string => `?host=localhost&sslmode=${mode}&sslrootcert=${folder}/ca`;
    expect(await start('dais', 'dais', otherName('verify-full'))).toMatch(
      /^database_setup: The certificate .*localhost/,
    );
    expect(await start('dais', 'dais', otherName('verify-ca'))).toBe('started');
    const url = `${urlOf(server, 'dais', PASSWORD, 'dais')}?sslmode=verify-full&sslrootcert=${folder}/ca`;
    const { connection } = await postgresEngine({ url }).start();
    const database = openDatabase(connection);
    await database.ping(5_000);
    const sessions = await database.transaction({ mode: 'read', scope: 'all' }, async (sql) => {
      await sql.query('reset role');
      return await sql.query('select ssl from pg_stat_ssl where pid = pg_backend_pid()');
    });
    expect(sessions).toEqual([{ ssl: true }]);
    await database.close();
  });

  test('rejects a database in another encoding', async () => {
    await server.asAdmin(`create database latin encoding 'LATIN1' locale 'C' template template0`);
    expect(await start('dais', 'latin')).toMatch(/^database_setup: .*LATIN1.*create database/);
  });
});
