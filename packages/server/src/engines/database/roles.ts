/** The database roles and the SQL that creates them; the same for every implementation. */
import type { ClientBase } from 'pg';
import { DaisError } from '@dais/api/errors';

/** Owns every schema and runs migrations. */
export const OWNER_ROLE = 'dais_owner';
/** Runs the statements of the application: without DDL, with row security. */
export const APP_ROLE = 'dais_app';

interface RoleState {
  readonly login: string;
  readonly database: string;
  readonly owner_exists: boolean;
  readonly app_exists: boolean;
  readonly member: boolean;
  readonly owner_may_create: boolean;
}

/**
 * Creates the two roles, grants them to the login user and lets the owner create schemas. Idempotent; changes nothing when
 * everything exists, so that a login user without CREATEROLE works once an operator has run the SQL.
 * @throws DaisError `database_setup` with that SQL when the login user is not allowed to run it.
 */
export async function ensureRoles(client: ClientBase): Promise<void> {
  const before = await readState(client);
  if (isReady(before)) return;
  const sql = setupSql(before);
  let refusal: unknown;
  try {
    await client.query(sql);
  } catch (error) {
    refusal = error;
  }
  // Another starter may have created the roles concurrently, so the state is checked again.
  const after = await readState(client);
  if (isReady(after)) return;
  throw new DaisError(
    'database_setup',
    `The database user "${after.login}" is not allowed to create the roles that Dais needs` +
      `${refusal instanceof Error ? ` (${refusal.message})` : ''}. ` +
      `Let an administrator of the database run, connected to "${after.database}":\n\n${setupSql(after)}`,
    { cause: refusal },
  );
}

async function readState(client: ClientBase): Promise<RoleState> {
  // pg_has_role(…, 'set') exists only from PostgreSQL 16; there it differs from 'member', so the member check is completed with
  // SET ROLE.
  const found = await client.query<RoleState>(
    `select session_user as login, current_database() as database,
       exists (select from pg_roles where rolname = '${OWNER_ROLE}') as owner_exists,
       exists (select from pg_roles where rolname = '${APP_ROLE}') as app_exists,
       false as member,
       coalesce((select has_database_privilege(oid, current_database(), 'create')
         from pg_roles where rolname = '${OWNER_ROLE}'), false) as owner_may_create`,
  );
  const state = found.rows[0]!;
  if (!state.owner_exists || !state.app_exists) return state;
  return { ...state, member: await maySetRoles(client) };
}

async function maySetRoles(client: ClientBase): Promise<boolean> {
  try {
    await client.query(`begin; set local role ${OWNER_ROLE}; reset role; set local role ${APP_ROLE}; rollback`);
    return true;
  } catch {
    await client.query('rollback');
    return false;
  }
}

function isReady(state: RoleState): boolean {
  return state.owner_exists && state.app_exists && state.member && state.owner_may_create;
}

function setupSql(state: RoleState): string {
  const login = quoteIdentifier(state.login);
  const lines: string[] = [];
  if (!state.owner_exists) lines.push(`create role ${OWNER_ROLE} nologin;`);
  if (!state.app_exists) lines.push(`create role ${APP_ROLE} nologin;`);
  if (!state.member) lines.push(`grant ${OWNER_ROLE}, ${APP_ROLE} to ${login};`);
  if (!state.owner_may_create) {
    lines.push(`grant create on database ${quoteIdentifier(state.database)} to ${OWNER_ROLE};`);
  }
  return lines.join('\n');
}

/** Quotes a name for use inside SQL text. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
