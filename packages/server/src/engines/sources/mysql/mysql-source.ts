/** A query to a MySQL or MariaDB server, read in one snapshot that can write nothing. */
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { DaisError } from '@dais/api';
import { type DataColumn } from '@dais/api/data';
import type { Connection, TypeCast } from 'mysql2';
import type { Outbound } from '#lib/outbound/outbound.ts';
import type { DataSource, SourceObject } from '../contract.ts';
import { csvRow } from '../csv-row.ts';
import { writeFetched } from '../written-file.ts';
import { columnTypeOf, isBytes, type MysqlField } from './mysql-types.ts';

export interface MysqlSourceOptions {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string | undefined;
  readonly tls: 'verify' | 'require' | 'off';
  readonly sql: string;
  readonly outbound: Outbound;
}

type Value = string | null;

/** A server that is silent for so long is given up. */
const SILENCE_S = 3600;
/** Characters that are written at once: a write for each row took ten times as long. */
const CHUNK = 65_536;

export function mysqlSource(options: MysqlSourceOptions): DataSource {
  const uri = `mysql://${options.host}:${options.port}/${encodeURIComponent(options.database)}`;
  return {
    list: async (signal) => {
      const columns = await withSnapshot(options, signal, async (connection) =>
        columnsOf(await fieldsOf(connection, options)),
      );
      // Nothing over there tells of a change: only the rows do.
      return [{ name: 'query.csv', uri, pin: '', bytes: undefined, format: 'csv', columns }];
    },
    fetch: async (_object: SourceObject, path, io) => {
      return await withSnapshot(options, io.signal, async (connection) => {
        const fields = await fieldsOf(connection, options);
        const columns = columnsOf(fields);
        const written = await writeFetched(Readable.from(lines(connection, options.sql, fields)), path, io);
        return { ...written, pin: '', columns };
      });
    },
    close: async () => {},
  };
}

/** The rows in the order of the query, as they come: the connection stands still while nobody takes them. */
async function* lines(connection: Connection, sql: string, fields: readonly MysqlField[]): AsyncGenerator<string> {
  yield csvRow(fields.map(({ name }) => name));
  // No two have one name: as a part of another query it would have been refused.
  const bytes = new Set(fields.filter(isBytes).map(({ name }) => name));
  const typeCast: TypeCast = (field) => {
    const value = field.buffer();
    if (value === null) return null;
    return bytes.has(field.name) ? `\\x${value.toString('hex')}` : value.toString('utf8');
  };
  let text = '';
  for await (const row of connection.query({ sql, rowsAsArray: true, typeCast }).stream({ highWaterMark: 500 })) {
    text += csvRow(row as Value[]);
    if (text.length < CHUNK) continue;
    yield text;
    text = '';
  }
  if (text !== '') yield text;
}

/**
 * Of the query as a part of another one. What is no query is none of its parts, so this refuses everything else: a write,
 * a call, `into outfile`; more than one statement the server refuses by itself.
 */
async function fieldsOf(connection: Connection, { sql }: MysqlSourceOptions): Promise<readonly MysqlField[]> {
  return await new Promise<readonly MysqlField[]>((resolve, reject) => {
    connection.query(
      { sql: `select * from (${sql}\n) as dais_rows limit 0`, rowsAsArray: true },
      (error, _rows, found) => {
        if (error === null) resolve(found);
        else reject(error);
      },
    );
  });
}

function columnsOf(fields: readonly MysqlField[]): readonly DataColumn[] {
  return fields.map((field) => ({ name: field.name, type: columnTypeOf(field), nullable: true }));
}

async function withSnapshot<T>(
  options: MysqlSourceOptions,
  signal: AbortSignal,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  const { host, port, outbound } = options;
  const socket = await outbound.connect(host, port, signal);
  const stop = () => socket.destroy();
  signal.addEventListener('abort', stop, { once: true });
  let connection: Connection | undefined;
  try {
    connection = await connect(options, socket);
    for (const sql of [
      `set time_zone = '+00:00'`,
      `set net_write_timeout = ${SILENCE_S}`,
      'set session transaction isolation level repeatable read',
      // What a procedure or an implied commit begins anew reads only as well.
      'set session transaction read only',
      'start transaction with consistent snapshot, read only',
    ]) {
      await run(connection, sql);
    }
    return await work(connection);
  } catch (error) {
    signal.throwIfAborted();
    throw faultOf(error, options);
  } finally {
    signal.removeEventListener('abort', stop);
    connection?.destroy();
    socket.destroy();
  }
}

async function run(connection: Connection, sql: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    connection.query(sql, (error) => (error === null ? resolve() : reject(error)));
  });
}

async function connect(options: MysqlSourceOptions, socket: Socket): Promise<Connection> {
  const { host, database, user, password = '', tls, outbound } = options;
  const { createConnection } = (await import('mysql2')).default;
  const secure = {
    rejectUnauthorized: tls === 'verify',
    verifyIdentity: tls === 'verify',
    ...(outbound.authorities !== undefined && { ca: [...outbound.authorities] }),
  };
  const connection = createConnection({
    host,
    user,
    password,
    database,
    // It is connected already, to an address that the guard has looked at.
    stream: socket,
    // No file of this machine is ever sent, whatever the server asks for.
    flags: ['-LOCAL_FILES'],
    multipleStatements: false,
    connectTimeout: 30_000,
    charset: 'utf8mb4',
    ...(tls !== 'off' && { ssl: secure }),
  });
  connection.on('error', () => {});
  await new Promise<void>((resolve, reject) => {
    connection.connect((error) => (error === null ? resolve() : reject(error)));
  });
  return connection;
}

function faultOf(error: unknown, { host, database }: MysqlSourceOptions): unknown {
  if (error instanceof DaisError) return error;
  const { sqlState, message, fatal } = error as {
    readonly sqlState?: string;
    readonly message: string;
    readonly fatal?: boolean;
  };
  const where = `database ${database} at ${host}`;
  // The server has looked at what was asked and will not change its mind; class 08 is the connection's.
  const refused = sqlState !== undefined && sqlState !== '' && !sqlState.startsWith('08');
  if (refused && (fatal !== true || sqlState.startsWith('28') || sqlState.startsWith('42'))) {
    return new DaisError('invalid_request', `The ${where} rejected the request: ${message}`);
  }
  return new DaisError('upstream_failed', `The ${where} cannot be read: ${message}`, { cause: error });
}
