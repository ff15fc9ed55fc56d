import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { readApplied, planMigrations, type PendingMigration } from './migration-plan.ts';
import { baseSlice } from './base-slice.ts';
import { clientConfig } from './client-config.ts';
import type { ConnectionOptions, Slice } from './contract.ts';
import { codeOf, translate } from './database-errors.ts';
import { APP_ROLE, OWNER_ROLE } from './roles.ts';

export interface MigrateOptions {
  /** Called before any change of a database with data; when it throws, nothing changes. */
  readonly backup?: () => Promise<void>;
  /** How long one attempt waits for the locks of running transactions; default 3 s. */
  readonly lockTimeoutMs?: number;
}

/** Advisory lock for schema changes. A number that no other program uses: "dais" in ASCII. */
export const SCHEMA_LOCK = 0x64_61_69_73;
/**
 * DDL waits for running transactions, and all other statements then wait for the DDL. So it aborts after this time and retries;
 * the transactions of Dais are far shorter.
 */
const LOCK_TIMEOUT_MS = 3_000;
const LOCK_ATTEMPTS = 20;
const LOCK_PAUSE_MS = 250;

/**
 * Migrates the schemas of `slices`: all pending migrations in one transaction, as `dais_owner`. Concurrent starters apply them
 * once. Changes nothing when nothing is pending.
 * @returns the migrations that were applied, as `schema/id`.
 * @throws DaisError `data_version` (see planMigrations), `database_unavailable`, `storage_full`.
 */
export async function migrate(
  connection: ConnectionOptions,
  slices: readonly Slice[],
  programVersion: string,
  options: MigrateOptions = {},
): Promise<string[]> {
  const all = [baseSlice, ...slices];
  const client = new Client(clientConfig(connection, 'dais migrate'));
  client.on('error', () => {});
  try {
    await client.connect();
    if (planMigrations(all, await readApplied(client), programVersion).length === 0) return [];
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await applyPending(
          client,
          all,
          programVersion,
          attempt === 1 ? options : { ...options, backup: undefined },
        );
      } catch (error) {
        await client.query('rollback');
        if (codeOf(error) !== '55P03' || attempt === LOCK_ATTEMPTS) throw error;
        await delay(LOCK_PAUSE_MS);
      }
    }
  } catch (error) {
    throw translate(error);
  } finally {
    await client.end().catch(() => {});
  }
}

async function applyPending(
  client: Client,
  slices: readonly Slice[],
  programVersion: string,
  options: { readonly backup?: (() => Promise<void>) | undefined; readonly lockTimeoutMs?: number },
): Promise<string[]> {
  // Limits that the operator has set for the login role are for queries, not for migrations.
  await client.query(
    `begin; set local statement_timeout = 0; set local lock_timeout = 0;
     set local idle_in_transaction_session_timeout = 0; select pg_advisory_xact_lock(${SCHEMA_LOCK})`,
  );
  const applied = await readApplied(client);
  const pending = planMigrations(slices, applied, programVersion);
  if (pending.length === 0) {
    await client.query('rollback');
    return [];
  }
  if (applied.length > 0) await options.backup?.();
  await client.query(`set local lock_timeout = ${options.lockTimeoutMs ?? LOCK_TIMEOUT_MS}`);
  await applyMigrations(client, pending, programVersion);
  await client.query('commit');
  return pending.map(({ schema, migration }) => `${schema}/${migration.id}`);
}

/** Runs migrations inside the transaction that `client` has open. */
export async function applyMigrations(
  client: Client,
  pending: readonly PendingMigration[],
  programVersion: string,
): Promise<void> {
  // A data migration sees the rows of every project.
  await client.query(
    `set local role ${OWNER_ROLE}; set local dais.project = 'all'; set local search_path = pg_catalog`,
  );
  for (const { schema, migration, checksum } of pending) {
    await client.query(`create schema if not exists ${schema}; grant usage on schema ${schema} to ${APP_ROLE}`);
    try {
      await client.query(migration.sql);
    } catch (error) {
      if (error instanceof Error) error.message = `${schema}/${migration.id}: ${error.message}`;
      throw error;
    }
    await client.query(
      `insert into dais.migration (slice, id, checksum, program_version, minimum_version) values ($1, $2, $3, $4, $5)`,
      [schema, migration.id, checksum, programVersion, migration.minimumVersion ?? null],
    );
  }
  await refuseUnprotected(client);
}

/** Row security must protect every table with a project that the application role can read. */
async function refuseUnprotected(client: Client): Promise<void> {
  const found = await client.query<{ table: string }>(
    `select c.oid::regclass::text as table from pg_class c join pg_attribute a on a.attrelid = c.oid
     where a.attname = 'project_id' and not a.attisdropped and c.relkind in ('r', 'p')
       and not (c.relrowsecurity and c.relforcerowsecurity)
       and has_any_column_privilege('${APP_ROLE}', c.oid, 'select, insert, update')`,
  );
  const unprotected = found.rows.map((row) => row.table);
  if (unprotected.length > 0) {
    throw new Error(`tables with a project_id for which no migration calls dais.protect: ${unprotected.join(', ')}`);
  }
}
