/** Reads a query of a PostgreSQL server in one read-only snapshot. */
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { DaisError } from '@dais/api';
import type { DataColumn } from '@dais/api/data';
import type { Client, FieldDef } from 'pg';
import type { Outbound } from '#lib/outbound/outbound.ts';
import type { DataSource, SourceObject } from '../contract.ts';
import { writeFetched, csvRow } from '../written-file.ts';

export interface PostgresSourceOptions {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string | undefined;
  readonly tls: 'verify' | 'require' | 'off';
  readonly sql: string;
  readonly outbound: Outbound;
}

/** Rows per fetch. */
const FETCH = 10_000;
/** Timeout of a query without rows. */
const STATEMENT_MS = 3_600_000;

export function postgresSource(options: PostgresSourceOptions): DataSource {
  const uri = `postgres://${options.host}:${options.port}/${encodeURIComponent(options.database)}`;
  return {
    list: async (signal) => {
      const columns = await withQuery(options, signal, async (client) => {
        const result = await client.query({ text: 'fetch 0 from dais_rows', rowMode: 'array' });
        return columnsOf(result.fields);
      });
      // The source reports no changes: only the rows show them.
      return [{ name: 'query.csv', uri, pin: '', bytes: undefined, format: 'csv', columns }];
    },
    fetch: async (_object: SourceObject, path, io) => {
      return await withQuery(options, io.signal, async (client) => {
        let columns: readonly DataColumn[] = [];
        async function* lines(): AsyncGenerator<string> {
          for (let first = true, rows = FETCH; first || rows === FETCH; first = false) {
            const result = await client.query<(string | null)[]>({
              text: `fetch ${FETCH} from dais_rows`,
              rowMode: 'array',
            });
            if (first) {
              columns = columnsOf(result.fields);
              yield csvRow(columns.map(({ name }) => name));
            }
            rows = result.rows.length;
            if (rows > 0) yield result.rows.map((row) => csvRow(row)).join('');
          }
        }
        const written = await writeFetched(Readable.from(lines(), { objectMode: false }), path, io);
        return { ...written, pin: '', columns };
      });
    },
    close: async () => {},
  };
}

function columnsOf(fields: readonly FieldDef[]): readonly DataColumn[] {
  return fields.map(({ name, dataTypeID, dataTypeModifier }) => ({
    name,
    type: columnTypeOf(dataTypeID, dataTypeModifier),
    nullable: true,
  }));
}

/** One connection, one snapshot, one cursor named `dais_rows`; all values as text. */
async function withQuery<T>(
  options: PostgresSourceOptions,
  signal: AbortSignal,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const { host, port, outbound } = options;
  const socket = await outbound.connect(host, port, signal);
  const stop = () => socket.destroy();
  signal.addEventListener('abort', stop, { once: true });
  let client: Client | undefined;
  try {
    client = await connect(options, socket);
    await client.query(
      `set timezone = 'UTC'; set datestyle = 'ISO, YMD'; set intervalstyle = 'postgres'; set extra_float_digits = 1`,
    );
    await client.query(`set statement_timeout = ${STATEMENT_MS}`);
    await client.query('begin transaction isolation level repeatable read read only');
    // Extended protocol: the server rejects more than one statement.
    const declare = { text: `declare dais_rows no scroll cursor for ${options.sql}`, queryMode: 'extended' };
    await client.query(declare);
    return await work(client);
  } catch (error) {
    signal.throwIfAborted();
    throw errorOf(error, options);
  } finally {
    signal.removeEventListener('abort', stop);
    await client?.end().catch(() => {});
    socket.destroy();
  }
}

async function connect(options: PostgresSourceOptions, socket: Socket): Promise<Client> {
  const { host, port, database, user, password, tls, outbound } = options;
  const { Client: PgClient } = (await import('pg')).default;
  // It is already connected to an address that the guard has checked.
  socket.connect = () => {
    queueMicrotask(() => socket.emit('connect'));
    return socket;
  };
  const secure = {
    rejectUnauthorized: tls === 'verify',
    ...(outbound.secureContext !== undefined && { secureContext: outbound.secureContext }),
  };
  const client = new PgClient({
    host,
    port,
    database,
    user,
    // A function, because for an absent or empty password the driver would read local files and variables.
    password: () => password ?? '',
    ssl: tls === 'off' ? false : secure,
    stream: () => socket,
    types: { getTypeParser: () => (value: string) => value },
    connectionTimeoutMillis: 30_000,
  });
  client.on('error', () => {});
  await client.connect();
  return client;
}

const CONNECTION = /^(08|57P)/;

function errorOf(error: unknown, { host, database }: PostgresSourceOptions): unknown {
  if (error instanceof DaisError) return error;
  const { code, message } = error as { readonly code?: string; readonly message: string };
  const where = `database ${database} at ${host}`;
  if (code !== undefined && /^[0-9A-Z]{5}$/.test(code) && !CONNECTION.test(code)) {
    return new DaisError('invalid_request', `The ${where} rejected the request: ${message}`);
  }
  return new DaisError('upstream_failed', `The ${where} cannot be read: ${message}`, { cause: error });
}

/** Column types of PostgreSQL types, by their fixed object ids (catalog `pg_type`). */
const TYPES: Readonly<Record<number, string>> = {
  16: 'boolean',
  20: 'int64',
  21: 'int16',
  23: 'int32',
  26: 'uint32',
  700: 'float32',
  701: 'float64',
  1082: 'date',
  1083: 'time',
  1114: 'timestamp',
  1184: 'timestamp',
};

const NUMERIC = 1700;

/**
 * Other types (JSON, UUID, arrays, intervals, bytes) are text. A `numeric` without a scale is `float64`: it may have any number
 * of digits, which no fixed decimal can represent.
 */
function columnTypeOf(oid: number, modifier: number): string {
  if (oid === NUMERIC) {
    if (modifier < 4) return 'float64';
    const precision = ((modifier - 4) >> 16) & 0xffff;
    const scale = (modifier - 4) & 0x7ff;
    return precision <= 38 && scale <= precision ? `decimal(${precision},${scale})` : 'float64';
  }
  return TYPES[oid] ?? 'string';
}
