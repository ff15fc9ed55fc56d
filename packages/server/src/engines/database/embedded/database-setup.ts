import { Client } from 'pg';
import { clientConfig } from '../client-config.ts';
import type { ConnectionOptions } from '../contract.ts';
import { APP_ROLE, OWNER_ROLE, quoteIdentifier } from '../roles.ts';
import { SUPERUSER } from './cluster.ts';

/**
 * Creates, as the superuser, the login of Dais: a login role that is not a superuser and inherits nothing, its database, and
 * its two roles. Idempotent.
 * @returns `server_version_num`
 */
export async function setUpDatabase(connection: ConnectionOptions): Promise<number> {
  const { host, port, user, database } = connection;
  const client = new Client(clientConfig({ host, port, user: SUPERUSER, database: 'postgres' }, 'dais setup'));
  client.on('error', () => {});
  try {
    await client.connect();
    const found = await client.query<{ version: string; login: boolean; database: boolean; roles: string }>(
      `select current_setting('server_version_num') as version,
         exists (select from pg_roles where rolname = $1) as login,
         exists (select from pg_database where datname = $2) as database,
         (select count(*)::text from pg_roles where rolname in ('${OWNER_ROLE}', '${APP_ROLE}')) as roles`,
      [user, database],
    );
    const state = found.rows[0]!;
    const [login, name] = [quoteIdentifier(user), quoteIdentifier(database)];
    if (!state.login) await client.query(`create role ${login} login noinherit`);
    if (state.roles !== '2') {
      for (const role of [OWNER_ROLE, APP_ROLE]) {
        await client.query(
          `do $$ begin create role ${role} nologin; exception when duplicate_object then null; end $$`,
        );
      }
      await client.query(`grant ${OWNER_ROLE}, ${APP_ROLE} to ${login}`);
    }
    if (!state.database) await client.query(`create database ${name}`);
    const ready = await client.query<{ ready: boolean }>(
      `select has_database_privilege('${OWNER_ROLE}', $1, 'create') as ready`,
      [database],
    );
    if (ready.rows[0]?.ready !== true) {
      // By default every role may create temporary tables, which the application role does not need.
      await client.query(`revoke temporary on database ${name} from public`);
      // Last, because it marks the setup as complete.
      await client.query(`grant create on database ${name} to ${OWNER_ROLE}`);
    }
    return Number(state.version);
  } finally {
    await client.end().catch(() => {});
  }
}
