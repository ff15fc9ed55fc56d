import { createHash } from 'node:crypto';
import { DaisError } from '@dais/api/errors';
import type { ClientBase } from 'pg';
import type { Migration, Slice } from './contract.ts';

/** Returns the migrations applied to this database; empty for a database that Dais has never used. */
export async function readApplied(client: ClientBase): Promise<AppliedMigration[]> {
  // Not to_regclass: its cache may miss a table that another starter has just committed.
  const exists = await client.query<{ there: boolean }>(
    `select exists (select from pg_class where relname = 'migration' and relnamespace =
       (select oid from pg_namespace where nspname = 'dais')) as there`,
  );
  if (exists.rows[0]?.there !== true) return [];
  const found = await client.query<AppliedMigration>(
    `select slice, id, checksum, minimum_version as "minimumVersion" from dais.migration order by slice, id`,
  );
  return found.rows;
}

export interface AppliedMigration {
  readonly slice: string;
  readonly id: string;
  readonly checksum: string;
  readonly minimumVersion: string | null;
}

export interface PendingMigration {
  readonly schema: string;
  readonly migration: Migration;
  readonly checksum: string;
}

/** SHA-256 of the SQL, in hex: detects an edited migration. */
export function migrationChecksum(migration: Migration): string {
  return createHash('sha256').update(migration.sql).digest('hex');
}

/**
 * Returns the pending migrations in order: by slice as listed, then by id.
 * @throws DaisError `data_version` when the program is older than the schema allows, when a migration was edited after it was
 *   applied, or when program and database are of different release lines.
 */
export function planMigrations(
  slices: readonly Slice[],
  applied: readonly AppliedMigration[],
  programVersion: string,
): PendingMigration[] {
  checkSlices(slices);
  const known = new Map(
    slices.flatMap((slice) =>
      slice.migrations.map((migration) => [`${slice.schema}/${migration.id}`, migration] as const),
    ),
  );
  refuseOldProgram(applied, programVersion);
  for (const row of applied) {
    const migration = known.get(`${row.slice}/${row.id}`);
    if (migration !== undefined && migrationChecksum(migration) !== row.checksum) {
      throw new DaisError(
        'data_version',
        `The migration ${row.slice}/${row.id} differs from the one that was applied to this database. ` +
          'A released migration never changes: install the version of Dais that created this database, or a newer release of the same line.',
      );
    }
  }
  const done = new Set(applied.map((row) => `${row.slice}/${row.id}`));
  const pending = slices.flatMap((slice) =>
    slice.migrations
      .filter((migration) => !done.has(`${slice.schema}/${migration.id}`))
      .map((migration) => ({ schema: slice.schema, migration, checksum: migrationChecksum(migration) })),
  );
  const unknown = applied.filter((row) => !known.has(`${row.slice}/${row.id}`));
  if (pending.length > 0 && unknown.length > 0) {
    throw new DaisError(
      'data_version',
      `Another release line of Dais changed this database: it contains ${unknown[0]!.slice}/${unknown[0]!.id}, which ` +
        `version ${programVersion} does not know, and lacks ${pending[0]!.schema}/${pending[0]!.migration.id}. ` +
        'Install a version that includes both.',
    );
  }
  return pending;
}

function refuseOldProgram(applied: readonly AppliedMigration[], programVersion: string): void {
  for (const { slice, id, minimumVersion } of applied) {
    if (minimumVersion !== null && compareVersions(programVersion, minimumVersion) < 0) {
      throw new DaisError(
        'data_version',
        `This database needs Dais ${minimumVersion} or newer (since ${slice}/${id}); this is ${programVersion}. ` +
          'Install that version, or restore the backup from before the update.',
      );
    }
  }
}

/** Checks for programming errors. */
function checkSlices(slices: readonly Slice[]): void {
  const schemas = new Set<string>();
  for (const { schema, migrations } of slices) {
    if (!/^[a-z][a-z0-9_]*$/.test(schema)) throw new Error(`not a schema name: ${schema}`);
    if (schemas.has(schema)) throw new Error(`two slices own the schema ${schema}`);
    schemas.add(schema);
    for (const [index, { id }] of migrations.entries()) {
      if (!/^\d{4}-[a-z0-9-]+$/.test(id)) throw new Error(`not a migration id: ${schema}/${id}`);
      const before = migrations[index - 1];
      if (before !== undefined && before.id >= id) throw new Error(`${schema}/${id} must come before ${before.id}`);
    }
  }
}

/**
 * Compares two semantic versions (semver.org §11, without build metadata): negative when `a` is older. Missing parts count as 0; a
 * pre-release is older than its release.
 */
export function compareVersions(a: string, b: string): number {
  const [coreA, preA] = split(a);
  const [coreB, preB] = split(b);
  for (let index = 0; index < 3; index += 1) {
    const difference = Number(coreA[index] ?? 0) - Number(coreB[index] ?? 0);
    if (difference !== 0) return difference;
  }
  if (preA.length === 0 || preB.length === 0) return preB.length - preA.length;
  for (let index = 0; index < Math.max(preA.length, preB.length); index += 1) {
    const order = compareParts(preA[index], preB[index]);
    if (order !== 0) return order;
  }
  return 0;
}

function split(version: string): [string[], string[]] {
  const [withoutBuild = ''] = version.split('+');
  const dash = withoutBuild.indexOf('-');
  if (dash < 0) return [withoutBuild.split('.'), []];
  return [withoutBuild.slice(0, dash).split('.'), withoutBuild.slice(dash + 1).split('.')];
}

/** Numbers precede words; a shorter list of parts precedes a longer one. */
function compareParts(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? -1 : 1;
  const [numberA, numberB] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (numberA && numberB) return Number(a) - Number(b);
  if (numberA !== numberB) return numberA ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}
