/** What was released: its migrations, and rows as its kernel wrote them. */
import { readFileSync } from 'node:fs';
import { Client } from 'pg';
import { baseSlice } from '#engines/database/base-slice.ts';
import { clientConfig } from '#engines/database/client-config.ts';
import type { ConnectionOptions, Slice } from '#engines/database/contract.ts';
import { applyMigrations } from '#engines/database/migrate.ts';
import { migrationChecksum, planMigrations } from '#engines/database/migration-plan.ts';
import { openEnvKeys } from '#engines/keys/env/env-keys.ts';
import type { KeyStore } from '#engines/keys/contract.ts';
import { systemClock } from '#lib/clock.ts';
import type { Outbound } from '#lib/outbound/outbound.ts';
import { openOutbound } from '#control/open-outbound.ts';
import { loadKinds, loadSlices, type LoadedKinds } from '#compose.ts';

export const MIGRATIONS_FILE = new URL('../released-migrations.json', import.meta.url);
export const rowsFile = (version: string) => new URL(`released-rows/${version}.json`, import.meta.url);

export interface ReleasedMigration {
  readonly slice: string;
  readonly id: string;
  readonly sha256: string;
}

/** Version to the migrations that it had, in the order in which they are applied. */
export type Releases = Readonly<Record<string, readonly ReleasedMigration[]>>;

/** Table (`kernel.job`) to its rows as PostgreSQL writes them in JSON, in UTC. */
export type ReleasedRows = Readonly<Record<string, readonly object[]>>;

export function readReleases(): Releases {
  return JSON.parse(readFileSync(MIGRATIONS_FILE, 'utf8')) as Releases;
}

export function readRows(version: string): ReleasedRows {
  return JSON.parse(readFileSync(rowsFile(version), 'utf8')) as ReleasedRows;
}

/** Seals the secrets in the rows of every release. */
const KEY = 'released:ZGFpcyBzZWFscyB0aGUgcm93cyBvZiByZWxlYXNlcyE=';

export interface Program extends LoadedKinds {
  readonly keys: KeyStore;
  readonly outbound: Outbound;
  /** Every slice, the one of the migrations themselves first. */
  readonly slices: readonly Slice[];
  close(): Promise<void>;
}

/** The program of today, without a database. */
export async function openProgram(): Promise<Program> {
  const keys = openEnvKeys(KEY);
  const outbound = await openOutbound({ allowHosts: [] }, 'test');
  const loaded = await loadKinds({ keys, outbound, clock: systemClock });
  const slices = [baseSlice, ...(await loadSlices(loaded.kinds))];
  return { ...loaded, keys, outbound, slices, close: async () => await outbound.close() };
}

export function migrationsOf(slices: readonly Slice[]): ReleasedMigration[] {
  return slices.flatMap(({ schema, migrations }) =>
    migrations.map((migration) => ({ slice: schema, id: migration.id, sha256: migrationChecksum(migration) })),
  );
}

/** The slices as far as a release had them. */
export function slicesOf(released: readonly ReleasedMigration[], slices: readonly Slice[]): Slice[] {
  const ids = new Set(released.map(({ slice, id }) => `${slice}/${id}`));
  return slices
    .map(({ schema, migrations }) => ({
      schema,
      migrations: migrations.filter(({ id }) => ids.has(`${schema}/${id}`)),
    }))
    .filter(({ migrations }) => migrations.length > 0);
}

/** Creates the schemas of a release in an empty database. */
export async function installSchemas(
  connection: ConnectionOptions,
  slices: readonly Slice[],
  version: string,
): Promise<void> {
  const client = new Client(clientConfig(connection, 'release'));
  await client.connect();
  try {
    await client.query('begin');
    await applyMigrations(client, planMigrations(slices, [], version), version);
    await client.query('commit');
  } finally {
    await client.end();
  }
}

/** Lists the tables of slices, without the partitions of one and without the list of migrations. */
export const TABLES_QUERY = (slices: readonly Slice[]): string => `
  select n.nspname || '.' || c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p') and not c.relispartition and n.nspname <> 'dais'
    and n.nspname in (${slices.map(({ schema }) => `'${schema}'`).join(', ')}) order by 1`;
