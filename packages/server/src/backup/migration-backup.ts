/** The copy of the database before migrations: `backups/before-VERSION-TIME.dais`. */
import { createWriteStream } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ConnectionOptions, Slice } from '#engines/database/contract.ts';
import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';
import { exportDatabase, migrate } from '#compose/database.ts';
import type { ControlSetup } from '#control/control-setup.ts';

export interface MigrationBackupDependencies {
  readonly connection: ConnectionOptions;
  readonly slices: readonly Slice[];
  /** The data folder. */
  readonly data: string;
  /** Maximum number of these copies; 0 disables them. */
  readonly keep: number;
  readonly version: string;
  readonly clock: Clock;
}

/** Migrates the database to this version, after a copy of it where anything changes. */
export async function migrateWithBackup(
  { connection, version, config }: Pick<ControlSetup, 'connection' | 'version' | 'config'>,
  { slices, clock, log }: { readonly slices: readonly Slice[]; readonly clock: Clock; readonly log: Log },
): Promise<void> {
  await migrate(connection, slices, version, {
    backup: async () => {
      const keep = config.retention.migrationBackups;
      const file = await backupBeforeMigration({ connection, slices, data: config.data, keep, version, clock });
      if (file !== undefined) log.info('the database was backed up before the migration', { file });
    },
  });
}

/**
 * Writes the copy, then deletes the oldest beyond `keep`. `dais admin import FILE` reads it. Returns its path;
 * undefined if copies are disabled. @throws DaisError `storage_full`, `database_unavailable`.
 */
export async function backupBeforeMigration(dependencies: MigrationBackupDependencies): Promise<string | undefined> {
  if (dependencies.keep === 0) return undefined;
  const folder = join(dependencies.data, 'backups');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const time = new Date(dependencies.clock.now()).toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const file = join(folder, `before-${dependencies.version}-${time}.dais`);
  const partial = `${file}.partial`;
  const through = new PassThrough();
  const written = pipeline(through, createWriteStream(partial, { mode: 0o600, flush: true }));
  try {
    await Promise.all([
      exportDatabase(dependencies.connection, dependencies.slices, through, {
        programVersion: dependencies.version,
        clock: dependencies.clock,
      }).then(() => through.end()),
      written,
    ]);
    await rename(partial, file);
  } catch (error) {
    through.destroy();
    await written.catch(() => {});
    await rm(partial, { force: true });
    throw error;
  }
  const copies = (await readdir(folder)).filter((name) => /^before-.*\.dais$/.test(name));
  const byTime = copies.toSorted((a, b) => timeOf(a).localeCompare(timeOf(b)));
  for (const old of byTime.slice(0, Math.max(0, byTime.length - dependencies.keep)))
    await rm(join(folder, old), { force: true });
  return file;
}

function timeOf(name: string): string {
  return /-(\d{8}T\d{6}Z)\.dais$/.exec(name)?.[1] ?? '';
}
