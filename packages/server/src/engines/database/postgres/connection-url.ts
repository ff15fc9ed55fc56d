import { DaisError } from '@dais/api/errors';
import type { ConnectionOptions } from '../contract.ts';

/** A parsed database URL. Files are not read. */
export interface DatabaseUrl {
  readonly connection: Omit<ConnectionOptions, 'ssl'>;
  /** Undefined: no TLS. */
  readonly tls: UrlTls | undefined;
}

export interface UrlTls {
  /** Like libpq: `require` encrypts but trusts any certificate, unless a root certificate is set. */
  readonly mode: 'require' | 'verify-ca' | 'verify-full';
  readonly rootCertificate?: string;
  readonly certificate?: string;
  readonly key?: string;
}

const PARAMETERS = [
  'sslmode',
  'sslrootcert',
  'sslcert',
  'sslkey',
  'host',
  'prepared_statements',
  // Common parameters that can be ignored safely.
  'application_name',
  'connect_timeout',
];
const DEFAULT_PORT = 5432;

/**
 * Reads `postgres://user:password@host:port/database?sslmode=…`. `?host=/folder` selects a Unix socket.
 *
 * Without `sslmode`, connections to this machine use no TLS and all others use `require`, so that a forgotten parameter never
 * sends a password unencrypted.
 * @throws DaisError `invalid_config` with the reason and never with the password.
 */
export function parseDatabaseUrl(text: string): DatabaseUrl {
  const url = toUrl(text);
  const unknown = [...url.searchParams.keys()].find((name) => !PARAMETERS.includes(name));
  if (unknown !== undefined) {
    throw invalid(`it has the parameter "${unknown}"; known are ${PARAMETERS.join(', ')}`);
  }
  const user = decode(url.username);
  if (user === '') throw invalid('it has no user');
  const database = decode(url.pathname.replace(/^\//, ''));
  if (database === '' || database.includes('/')) throw invalid('it must end in "/" and the name of the database');
  const host = url.searchParams.get('host') ?? url.hostname.replaceAll(/^\[|\]$/g, '');
  if (host === '') throw invalid('it has no host');
  const password = decode(url.password);
  return {
    connection: {
      host,
      port: url.port === '' ? DEFAULT_PORT : Number(url.port),
      user,
      database,
      ...(password !== '' && { password }),
      ...(url.searchParams.get('prepared_statements') === 'false' && { preparedStatements: false }),
    },
    tls: readTls(url, isLocal(host)),
  };
}

function toUrl(text: string): URL {
  if (!/^postgres(ql)?:\/\//.test(text)) throw invalid('it must start with postgres://');
  if (/@[^/?]*,/.test(text)) throw invalid('it has several hosts; use only the primary server, which accepts writes');
  try {
    // A URL may not have a user without a host; libpq allows it, for `?host=/folder`.
    return new URL(
      text.replace(/^postgres(ql)?:/, 'postgres:').replace(/^(postgres:\/\/(?:[^@/?]*@)?)(?=[/?])/, '$1localhost'),
    );
  } catch {
    throw invalid('it is not a URL; percent-encode special characters in user and password, for example @ as %40');
  }
}

function readTls(url: URL, local: boolean): UrlTls | undefined {
  const mode = url.searchParams.get('sslmode') ?? (local ? 'disable' : 'require');
  const rootCertificate = url.searchParams.get('sslrootcert');
  const certificate = url.searchParams.get('sslcert');
  const key = url.searchParams.get('sslkey');
  if (mode === 'disable') return undefined;
  if (mode !== 'require' && mode !== 'verify-ca' && mode !== 'verify-full') {
    throw invalid(`its sslmode is "${mode}"; use disable, require, verify-ca or verify-full`);
  }
  return {
    // libpq does the same: a root certificate that is not used would be a trap.
    mode: mode === 'require' && rootCertificate !== null ? 'verify-ca' : mode,
    ...(rootCertificate !== null && { rootCertificate }),
    ...(certificate !== null && { certificate }),
    ...(key !== null && { key }),
  };
}

function isLocal(host: string): boolean {
  return host.startsWith('/') || host === 'localhost' || host === '::1' || /^127(\.\d+){3}$/.test(host);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid('encode a "%" in user, password or database as %25');
  }
}

function invalid(reason: string): DaisError {
  return new DaisError(
    'invalid_config',
    `The database URL cannot be used: ${reason}. Example: postgres://user:password@host:5432/dais?sslmode=verify-full`,
  );
}
