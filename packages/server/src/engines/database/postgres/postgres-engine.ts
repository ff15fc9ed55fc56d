import { readFile } from 'node:fs/promises';
import { Client } from 'pg';
import { DaisError } from '@dais/api/errors';
import { clientConfig, describeConnection } from '../client-config.ts';
import type { ConnectionOptions, DatabaseEngine, RunningDatabase, TlsOptions } from '../contract.ts';
import { codeOf, translate } from '../database-errors.ts';
import { ensureRoles } from '../roles.ts';
import { parseDatabaseUrl, type UrlTls } from './connection-url.ts';

const MINIMUM_VERSION = 140_000;

/** Uses the external server at `url`. */
export function postgresEngine(options: { readonly url: string }): DatabaseEngine {
  return {
    start: async () => {
      const { connection, tls } = parseDatabaseUrl(options.url);
      const complete: ConnectionOptions = { ...connection, ...(tls !== undefined && { ssl: await readTls(tls) }) };
      return new ForeignDatabase(complete, await checkServer(complete));
    },
  };
}

class ForeignDatabase implements RunningDatabase {
  readonly connection: ConnectionOptions;
  readonly serverVersion: number;
  readonly ended = new Promise<never>(() => {});

  constructor(connection: ConnectionOptions, serverVersion: number) {
    this.connection = connection;
    this.serverVersion = serverVersion;
  }

  async stop(): Promise<void> {}
}

async function readTls(tls: UrlTls): Promise<TlsOptions> {
  const [ca, cert, key] = await Promise.all([tls.rootCertificate, tls.certificate, tls.key].map(readPem));
  return {
    rejectUnauthorized: tls.mode !== 'require',
    ...(tls.mode === 'verify-ca' && { checkHost: false }),
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  };
}

async function readPem(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined;
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new DaisError('invalid_config', `The database URL names the file ${file}, which cannot be read.`, {
      cause: error,
    });
  }
}

interface ServerFacts {
  readonly version: string;
  readonly encoding: string;
  readonly standby: boolean;
}

async function checkServer(connection: ConnectionOptions): Promise<number> {
  const client = new Client(clientConfig(connection, 'dais start'));
  client.on('error', () => {});
  const path = describeConnection(connection);
  try {
    await client.connect();
    const found = await client.query<ServerFacts>(
      `select current_setting('server_version_num') as version, current_setting('server_encoding') as encoding,
         pg_is_in_recovery() as standby`,
    );
    const facts = found.rows[0]!;
    const version = Number(facts.version);
    if (version < MINIMUM_VERSION) {
      throw new DaisError(
        'database_setup',
        `${path} is PostgreSQL ${Math.floor(version / 10_000)}; Dais needs version 14 or newer. Upgrade the server, or use another one.`,
      );
    }
    if (facts.encoding !== 'UTF8') {
      throw new DaisError(
        'database_setup',
        `The database ${path} has the encoding ${facts.encoding}. Create one with: ` +
          `create database dais encoding 'UTF8' template template0;`,
      );
    }
    if (facts.standby) {
      throw new DaisError('database_setup', `${path} is a read-only standby. Use the address of the primary server.`);
    }
    await ensureRoles(client);
    return version;
  } catch (error) {
    throw explain(error, path);
  } finally {
    await client.end().catch(() => {});
  }
}

/** Errors that an operator can correct get a specific message. */
function explain(error: unknown, path: string): unknown {
  if (error instanceof DaisError) return error;
  const code = codeOf(error);
  const detail = error instanceof Error ? error.message : String(error);
  // 28P01 invalid_password, 28000 invalid_authorization: no entry in pg_hba.conf, no such role; 3D000: no such database.
  if (code === '28P01' || code === '28000' || code === '3D000' || /^SCRAM|client password/.test(detail)) {
    return new DaisError('database_setup', `${path} rejected the connection: ${detail}`, { cause: error });
  }
  if (/does not support SSL/.test(detail)) {
    return new DaisError(
      'database_setup',
      `${path} does not support TLS. Enable it there, or add sslmode=disable to the URL if you trust the network.`,
      { cause: error },
    );
  }
  if (isCertificateError(code)) {
    return new DaisError(
      'database_setup',
      `The certificate of ${path} is not accepted: ${detail}. Set the certificate authority that signed it with sslrootcert=FILE.`,
      { cause: error },
    );
  }
  return translate(error);
}

/** Codes of Node for a failed verification: X509_V_ERR_* without the prefix, and the host name check. */
function isCertificateError(code: string | undefined): boolean {
  return code !== undefined && /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS_CERT_ALTNAME_INVALID/.test(code);
}
