/** Reads a query of a MySQL or MariaDB server in one read-only snapshot. */
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { DaisError } from '@dais/api';
import type { DataColumn } from '@dais/api/data';
import type { Connection, TypeCast } from 'mysql2';
import type { Outbound } from '#lib/outbound/outbound.ts';
import type { DataSource, SourceObject } from '../contract.ts';
import { csvRow, writeFetched } from '../written-file.ts';

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

/** Timeout of a server without data. */
const SILENCE_S = 3600;
/** Characters per write: one write per row took ten times as long. */
const CHUNK = 65_536;

export function mysqlSource(options: MysqlSourceOptions): DataSource {
  const uri = `mysql://${options.host}:${options.port}/${encodeURIComponent(options.database)}`;
  return {
    list: async (signal) => {
      const columns = await withSnapshot(options, signal, async (connection) =>
        columnsOf(await fieldsOf(connection, options)),
      );
      // The source reports no changes: only the rows show them.
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

/** Yields rows in query order with backpressure on the connection. */
async function* lines(connection: Connection, sql: string, fields: readonly MysqlField[]): AsyncGenerator<string> {
  yield csvRow(fields.map(({ name }) => name));
  // Names are unique: the server rejects duplicates in a subquery.
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
 * Describes the query as a subquery. This rejects everything that is not a query: a write, a call, `into outfile`; the server
 * rejects multiple statements.
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
      // A transaction that a procedure or an implicit commit starts is read-only, too.
      'set session transaction read only',
      'start transaction with consistent snapshot, read only',
    ]) {
      await run(connection, sql);
    }
    return await work(connection);
  } catch (error) {
    signal.throwIfAborted();
    throw errorOf(error, options);
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
    // It is already connected to an address that the guard has checked.
    stream: socket,
    // Never sends a local file, whatever the server requests.
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

function errorOf(error: unknown, { host, database }: MysqlSourceOptions): unknown {
  if (error instanceof DaisError) return error;
  const { sqlState, message, fatal } = error as {
    readonly sqlState?: string;
    readonly message: string;
    readonly fatal?: boolean;
  };
  const where = `database ${database} at ${host}`;
  // The server rejected the query permanently; class 08 is a connection error.
  const refused = sqlState !== undefined && sqlState !== '' && !sqlState.startsWith('08');
  if (refused && (fatal !== true || sqlState.startsWith('28') || sqlState.startsWith('42'))) {
    return new DaisError('invalid_request', `The ${where} rejected the request: ${message}`);
  }
  return new DaisError('upstream_failed', `The ${where} cannot be read: ${message}`, { cause: error });
}

/** A result column, with types as protocol numbers. */
interface MysqlField {
  readonly name: string;
  readonly columnType?: number | undefined;
  /** Display width, including sign and point. */
  readonly columnLength?: number | undefined;
  readonly decimals?: number | undefined;
  readonly flags?: number | readonly string[] | undefined;
  readonly characterSet?: number | undefined;
}

const UNSIGNED = 32;
const NEW_DECIMAL = 246;
const BIT = 16;
/** The binary character set. */
const BINARY = 63;
/** Texts and bytes: varchar, the blobs and texts, char. */
const TEXTS: ReadonlySet<number> = new Set([249, 250, 251, 252, 253, 254, 15]);

const INTEGERS: Readonly<Record<number, readonly [signed: string, unsigned: string]>> = {
  1: ['int8', 'uint8'],
  2: ['int16', 'uint16'],
  9: ['int32', 'uint32'],
  3: ['int32', 'uint32'],
  8: ['int64', 'uint64'],
  // A year.
  13: ['int16', 'int16'],
};

const OTHERS: Readonly<Record<number, string>> = {
  4: 'float32',
  5: 'float64',
  7: 'timestamp',
  10: 'date',
  12: 'timestamp',
};

/**
 * Other types are text: JSON, enumerations, bytes as `\x…`, and `time`, which may be negative or longer than a day in MySQL.
 */
function columnTypeOf({ columnType = 0, columnLength = 0, decimals = 0, flags = 0 }: MysqlField): string {
  const unsigned = isUnsigned(flags);
  const integer = INTEGERS[columnType];
  if (integer !== undefined) return integer[unsigned ? 1 : 0];
  if (columnType === NEW_DECIMAL) {
    const precision = columnLength - (decimals > 0 ? 1 : 0) - (unsigned ? 0 : 1);
    return precision >= 1 && precision <= 38 && decimals <= precision ? `decimal(${precision},${decimals})` : 'float64';
  }
  return OTHERS[columnType] ?? 'string';
}

function isBytes({ columnType = 0, characterSet }: MysqlField): boolean {
  return columnType === BIT || (TEXTS.has(columnType) && characterSet === BINARY);
}

function isUnsigned(flags: number | readonly string[]): boolean {
  return typeof flags === 'number' ? (flags & UNSIGNED) !== 0 : flags.includes('UNSIGNED');
}
