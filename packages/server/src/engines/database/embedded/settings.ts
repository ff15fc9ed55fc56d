/** One entry per line of postgresql.conf. */
export type Settings = Readonly<Record<string, string | number | boolean>>;

/**
 * Settings that differ from the defaults of PostgreSQL, for a machine that is shared with the rest of Dais. Measured memory
 * (PSS of all processes): 10 MB idle, 33 MB with 10 connections. Under load the used shared buffers are added: 97 MB with 64 MB
 * of buffers, 137 MB with 128 MB. The page cache of the system holds the rest.
 */
export const EMBEDDED_SETTINGS: Settings = {
  listen_addresses: '',
  unix_socket_permissions: '0700',
  max_connections: 60,
  shared_buffers: '64MB',
  // The default asks the kernel for huge pages first, which on some hosts costs the whole size at once.
  huge_pages: 'off',
  wal_compression: true,
  // An embedded server has no replicas: it writes less, and has two fewer processes.
  wal_level: 'minimal',
  max_wal_senders: 0,
  max_logical_replication_workers: 0,
  // Loading LLVM for a query of 20 ms costs 100 ms; the npm binaries have none at all.
  jit: false,
  // A query of Dais takes milliseconds, and so does starting a helper for it.
  max_parallel_workers_per_gather: 0,
  // The default is for spinning disks; the data is in memory or on flash.
  random_page_cost: 1.1,
  // Plans for a table without statistics are slow: a search of 2,000 new runs took 0.8 s, and 0.1 s after ANALYZE. The default
  // checks a database once a minute. Each check starts a process: every 10 s, they took 7 to 8 of the 35 ms of CPU per second of an
  // idle server.
  autovacuum_naptime: '30s',
  log_min_duration_statement: '1s',
  // Values may be secrets: only the statement's text is logged.
  log_parameter_max_length: 0,
  log_line_prefix: '%m [%p] ',
  log_checkpoints: false,
  log_timezone: 'UTC',
  timezone: 'UTC',
  cluster_name: 'dais',
};

/** The text of postgresql.conf. `postgresql.local.conf` in the same folder belongs to the operator and applies last. */
export function configurationText(settings: Settings): string {
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${String(value).replaceAll("'", "''")}'`);
  return [
    '# Dais writes this file at each start. Put your own settings into postgresql.local.conf in this folder.',
    ...lines,
    `include_if_exists = 'postgresql.local.conf'`,
    '',
  ].join('\n');
}

/** The text of pg_hba.conf: only the Unix socket, whose folder only the server's user and root can access. */
export function accessText(extra: readonly string[] = []): string {
  return ['# Dais writes this file at each start.', 'local all all trust', ...extra, ''].join('\n');
}
