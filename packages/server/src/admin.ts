/** What an administrator does with a whole installation: the face of `dais admin`. */
import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { PassThrough } from 'node:stream';
import { silentLog } from '#lib/log.ts';
import { systemClock } from '#lib/clock.ts';
import { verifyBackup, type BackupManifest } from './backup/backup-manifest.ts';
import { writeBackup, type AdminProgress } from './backup/backup.ts';
import { exportDatabase, importDatabase } from './compose/database.ts';
import { verifyArchive } from './compose/content.ts';
import { loadConfig, type ConfigFlags } from './config-load.ts';
import { refuseRunningServer, requireInstallation, withInstallation } from './installation/installation.ts';
import { readBackupInto } from './backup/restore.ts';
import { programVersion } from './version.ts';

export interface AdminOptions {
  /** The configuration file; default `DAIS_CONFIG`. */
  readonly file?: string | undefined;
  readonly flags: ConfigFlags;
  readonly progress?: AdminProgress;
}

export type BackupSummary = BackupManifest;

/** Tables and rows of an exported or imported database. */
export interface DatabaseSummary {
  readonly tables: number;
  readonly rows: number;
}

/** Copies everything but the keys into the empty folder `to`, while the server runs or when it is stopped. */
export async function backupInstallation(
  options: AdminOptions & {
    readonly to: string;
    /** Continues without damaged objects and lists them in the manifest. */
    readonly skipDamaged?: boolean;
  },
): Promise<BackupSummary> {
  const config = await loadConfig(options);
  const { skipDamaged = false, progress = () => {} } = options;
  await requireInstallation(config);
  return await withInstallation(config, silentLog, { beside: true }, (installation) =>
    writeBackup(installation, options.to, { skipDamaged, progress }),
  );
}

/**
 * Fills an empty installation from a backup. The server must be stopped. The whole backup is verified before the data
 * folder is touched. @throws DaisError `backup_invalid`, and as `readBackupInto`.
 */
export async function restoreInstallation(options: AdminOptions & { readonly from: string }): Promise<BackupSummary> {
  const config = await loadConfig(options);
  const { from, progress = () => {} } = options;
  await refuseRunningServer(config);
  const manifest = await verifyBackup(from, verifyArchive, (done, total) => progress('verified', done, total, 'bytes'));
  await withInstallation(config, silentLog, { beside: false }, async (installation) => {
    await readBackupInto(installation, from, manifest, progress);
  });
  return manifest;
}

/** Writes the database alone into the file `to`: to move between PostgreSQL servers and their major versions. */
export async function exportInstallation(options: AdminOptions & { readonly to: string }): Promise<DatabaseSummary> {
  const config = await loadConfig(options);
  await requireInstallation(config);
  return await withInstallation(config, silentLog, { beside: true }, async ({ connection, slices }) => {
    const partial = `${options.to}.partial`;
    const through = new PassThrough();
    const written = pipeline(through, createWriteStream(partial, { mode: 0o600, flush: true }));
    try {
      const end = await exportDatabase(connection, slices, through, {
        programVersion: programVersion(),
        clock: systemClock,
        progress: ({ rows }) => options.progress?.('database', rows, undefined, 'rows'),
      });
      through.end();
      await written;
      await rename(partial, options.to);
      return { tables: end.tables, rows: end.rows };
    } catch (error) {
      through.destroy();
      await written.catch(() => {});
      await rm(partial, { force: true });
      throw error;
    }
  });
}

/** Fills an empty database from a file of `exportInstallation`. The server must be stopped. */
export async function importInstallation(options: AdminOptions & { readonly from: string }): Promise<DatabaseSummary> {
  const config = await loadConfig(options);
  return await withInstallation(config, silentLog, { beside: false }, async ({ connection, slices }) => {
    const end = await importDatabase(connection, slices, createReadStream(options.from), {
      programVersion: programVersion(),
      progress: ({ rows }) => options.progress?.('database', rows, undefined, 'rows'),
    });
    return { tables: end.tables, rows: end.rows };
  });
}
