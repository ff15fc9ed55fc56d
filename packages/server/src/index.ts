/** The face of @dais/server for the CLI. */
export { configSecrets, loadConfig, redactConfig } from './config-load.ts';
export type { ConfigFlags, ResolvedConfig } from './config-load.ts';
export { readServerFile } from '#supervisor/server-file.ts';
export type { ServerFile } from '#supervisor/server-file.ts';
export { tcpListener } from './lib/system/tcp-table.ts';
export type { Listener } from './lib/system/tcp-table.ts';
export { checkCompute } from './installation/compute-check.ts';
export { checkSchema } from './installation/schema-check.ts';
export type { SchemaCheck } from './installation/schema-check.ts';
export { checkQuery } from './installation/query-check.ts';
export { postgresBinaries } from './installation/postgres-location.ts';
export type { PostgresVersion } from './installation/postgres-location.ts';
export { backupInstallation, exportInstallation, importInstallation, restoreInstallation } from './admin.ts';
export type { AdminOptions, BackupSummary, DatabaseSummary } from './admin.ts';
export type { AdminProgress } from './backup/backup.ts';
export { listArchives, recoverInstallation } from './backup/recover.ts';
export type { ArchiveSummary, RecoveryOptions, RecoverySummary } from './backup/recover.ts';
