import { createHash } from 'node:crypto';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Client } from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { DaisError } from '@dais/api/errors';
import type { Clock } from '#lib/clock.ts';
import { readApplied, type AppliedMigration } from '../migration-plan.ts';
import { baseSlice } from '../base-slice.ts';
import { clientConfig } from '../client-config.ts';
import type { ConnectionOptions, Slice } from '../contract.ts';
import { translate } from '../database-errors.ts';
import { OWNER_ROLE, quoteIdentifier } from '../roles.ts';
import { ARCHIVE_FORMAT, FrameWriter, type ArchiveEnd, type ArchiveHeader } from './archive-format.ts';
import { listPartitions, listSequences, listTables } from './archive-tables.ts';

/** The progress of an export or import. */
export interface ArchiveProgress {
  /** The current table: `kernel.event`. */
  readonly table: string;
  readonly tablesDone: number;
  readonly tablesTotal: number;
  /** Rows of the completed tables. */
  readonly rows: number;
  readonly bytes: number;
}

export interface ExportOptions {
  readonly programVersion: string;
  readonly clock: Pick<Clock, 'now'>;
  /** Called at most once per chunk of 64 KiB. */
  readonly progress?: (progress: ArchiveProgress) => void;
}

/**
 * Writes a consistent snapshot of all rows of the slices' schemas to `sink`, and does not end it, so that it can contain more.
 * Does not block writers; memory is constant. archive-format.ts describes the format.
 * @throws DaisError `data_version` when the database contains migrations that this program does not know and would omit;
 *   `database_unavailable`. Errors of the sink are thrown unchanged.
 */
export async function exportDatabase(
  connection: ConnectionOptions,
  slices: readonly Slice[],
  sink: Writable,
  options: ExportOptions,
): Promise<ArchiveEnd> {
  const client = new Client(clientConfig(connection, 'dais export'));
  client.on('error', () => {});
  try {
    await client.connect();
    const result: { end?: ArchiveEnd } = {};
    const frames = writeArchive(client, [baseSlice, ...slices], options, (end) => {
      result.end = end;
    });
    await pipeline(Readable.from(frames, { objectMode: false }), sink, { end: false });
    if (result.end === undefined) throw new Error('the export has no end frame');
    return result.end;
  } catch (error) {
    throw translate(error);
  } finally {
    await client.end().catch(() => {});
  }
}

async function* writeArchive(
  client: Client,
  slices: readonly Slice[],
  options: ExportOptions,
  done: (end: ArchiveEnd) => void,
): AsyncGenerator<Buffer> {
  // The settings make the text of every value independent of the server configuration.
  await client.query(
    `begin isolation level repeatable read read only; set local statement_timeout = 0; set local timezone = 'UTC';
     set local idle_in_transaction_session_timeout = 0; set local datestyle = 'ISO, YMD';
     set local intervalstyle = 'postgres'; set local bytea_output = 'hex'; set local extra_float_digits = 1`,
  );
  const header = await readHeader(client, slices, options);
  await lockTables(client, header.tables);
  const writer = new FrameWriter();
  yield writer.frame('H', header);
  let rows = 0;
  let bytes = 0;
  for (const [index, { schema, name, columns }] of header.tables.entries()) {
    yield writer.frame('T', { schema, name });
    const digest = createHash('sha256');
    const copy = client.query(copyTo(`copy ${copyTarget(schema, name, columns)} to stdout`));
    const before = bytes;
    for await (const chunk of copy as AsyncIterable<Buffer>) {
      digest.update(chunk);
      bytes += chunk.length;
      yield writer.frame('D', chunk);
      const progress = { tablesDone: index, tablesTotal: header.tables.length };
      options.progress?.({ table: `${schema}.${name}`, ...progress, rows, bytes });
    }
    rows += copy.rowCount;
    yield writer.frame('E', { rows: copy.rowCount, bytes: bytes - before, sha256: digest.digest('hex') });
  }
  await client.query('commit');
  const end = { tables: header.tables.length, rows, sha256: writer.digest() };
  yield writer.frame('Z', end);
  done(end);
}

async function readHeader(client: Client, slices: readonly Slice[], options: ExportOptions): Promise<ArchiveHeader> {
  const applied = await readApplied(client);
  await client.query(`set local role ${OWNER_ROLE}; set local dais.project = 'all'`);
  refuseUnknown(slices, applied, options.programVersion);
  const schemas = slices.map((slice) => slice.schema);
  const version = await client.query<{ version: string }>(`select current_setting('server_version_num') as version`);
  return {
    format: ARCHIVE_FORMAT,
    programVersion: options.programVersion,
    serverVersion: Number(version.rows[0]!.version),
    createdAt: new Date(options.clock.now()).toISOString(),
    slices: schemas.map((schema) => ({
      schema,
      migrations: applied.filter((row) => row.slice === schema).map(({ id, checksum }) => ({ id, checksum })),
    })),
    tables: await listTables(client, schemas),
    partitions: await listPartitions(client, schemas),
    sequences: await listSequences(client, schemas),
  };
}

/** No table may be dropped (an expired partition) before it is exported. */
async function lockTables(client: Client, tables: ArchiveHeader['tables']): Promise<void> {
  const names = tables.map(({ schema, name }) => `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`);
  await client.query(`lock table ${names.join(', ')} in access share mode`);
}

function refuseUnknown(slices: readonly Slice[], applied: readonly AppliedMigration[], programVersion: string): void {
  if (applied.length === 0) {
    throw new DaisError('invalid_state', 'There is nothing to export: the database contains no data of Dais.');
  }
  const known = new Set(slices.flatMap(({ schema, migrations }) => migrations.map(({ id }) => `${schema}/${id}`)));
  const unknown = applied.find((row) => !known.has(`${row.slice}/${row.id}`));
  if (unknown !== undefined) {
    throw new DaisError(
      'data_version',
      `The database contains the migration ${unknown.slice}/${unknown.id}, which Dais ${programVersion} does not know. ` +
        'An export would omit its data. Export with the newest version of Dais that has used this database.',
    );
  }
}

/** `schema.table (columns)` for COPY. A table may have no columns. */
export function copyTarget(schema: string, name: string, columns: readonly string[]): string {
  const table = `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
  return columns.length === 0 ? table : `${table} (${columns.map(quoteIdentifier).join(', ')})`;
}
