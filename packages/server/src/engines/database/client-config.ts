import type { ClientConfig } from 'pg';
import type { ConnectionOptions } from './contract.ts';

const CONNECT_TIMEOUT_MS = 5_000;
const KEEP_ALIVE_DELAY_MS = 10_000;

/**
 * Returns the driver settings for a connection. All settings that the driver would read from PG* environment variables are set,
 * so that a stray PGPASSWORD or PGSSLMODE has no effect.
 */
export function clientConfig(connection: ConnectionOptions, applicationName: string): ClientConfig {
  const { ssl } = connection;
  return {
    host: connection.host,
    port: connection.port,
    user: connection.user,
    database: connection.database,
    password: connection.password ?? '',
    ssl:
      ssl === undefined
        ? false
        : {
            rejectUnauthorized: ssl.rejectUnauthorized,
            ...(ssl.ca !== undefined && { ca: ssl.ca }),
            ...(ssl.cert !== undefined && { cert: ssl.cert }),
            ...(ssl.key !== undefined && { key: ssl.key }),
            ...(ssl.checkHost === false && { checkServerIdentity: () => undefined }),
          },
    application_name: applicationName,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_DELAY_MS,
  };
}

/** Describes a connection for messages and logs, without the password. */
export function describeConnection(connection: ConnectionOptions): string {
  const { host, port, user, database } = connection;
  return host.startsWith('/') ? `${user}@${host}/${database}` : `postgres://${user}@${host}:${port}/${database}`;
}
