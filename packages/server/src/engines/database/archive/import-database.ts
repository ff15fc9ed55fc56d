import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Client } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { DaisError } from '@dais/api/errors';
import { readApplied, planMigrations } from '../migration-plan.ts';
import { baseSlice } from '../base-slice.ts';
import { clientConfig } from '../client-config.ts';
import type { ConnectionOptions, Slice, Sql } from '../contract.ts';
import { codeOf, translate } from '../database-errors.ts';
import { applyMigrations, SCHEMA_LOCK } from '../migrate.ts';
import { quoteIdentifier } from '../roles.ts';
import { ArchiveReader, type ArchiveEnd, type ArchiveHeader, type TableEnd } from './archive-format.ts';
import { listTables } from './archive-tables.ts';
import { copyTarget, type ArchiveProgress } from './export-database.ts';
import { prepareForImport } from './import-preparation.ts';

export interface ImportOptions {
  readonly programVersion: string;
  readonly progress?: (progress: ArchiveProgress) => void;
  /** Additional statements in the transaction: run last, as `dais_owner`, on the rows of all projects. */
  readonly finish?: (sql: Sql) => Promise<void>;
}

export interface ImportResult extends ArchiveEnd {
  /** Time and program version of the export. */
  readonly createdAt: string;
  readonly programVersion: string;
}

/**
 * Fills an empty database from an export: the schemas of that version, the rows, the later migrations, and each slice's
 * `afterImport`. It is one transaction, so that a damaged or incomplete export changes nothing. It works across major versions
 * of PostgreSQL and from an embedded to an external server.
 * @throws DaisError `invalid_state` when the database is not empty, `backup_invalid` when the export is damaged or from a
 *   newer version of Dais, `storage_full`, `database_unavailable`.
 */
export async function importDatabase(
  connection: ConnectionOptions,
  slices: readonly Slice[],
  source: AsyncIterable<Uint8Array>,
  options: ImportOptions,
): Promise<ImportResult> {
  const client = new Client(clientConfig(connection, 'dais import'));
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query(
      `begin; set local statement_timeout = 0; set local lock_timeout = 0; set local timezone = 'UTC';
       set local idle_in_transaction_session_timeout = 0; set local datestyle = 'ISO, YMD';
       select pg_advisory_xact_lock(${SCHEMA_LOCK})`,
    );
    await refuseFilled(client, slices);
    const result = await load(client, [baseSlice, ...slices], new ArchiveReader(source), options);
    await client.query('commit');
    return result;
  } catch (error) {
    throw explain(error);
  } finally {
    // Ends the transaction too.
    await client.end().catch(() => {});
  }
}

/** Verifies every byte of an export. */
export async function verifyArchive(source: AsyncIterable<Uint8Array>): Promise<ImportResult> {
  const reader = new ArchiveReader(source);
  const header = await reader.header();
  for (let table = await reader.table(); table !== undefined; table = await reader.table()) {
    for await (const _ of reader.rows(() => {}));
  }
  const end = await reader.end();
  if (end.tables !== header.tables.length) throw incomplete();
  return { ...end, createdAt: header.createdAt, programVersion: header.programVersion };
}

async function refuseFilled(client: Client, slices: readonly Slice[]): Promise<void> {
  const schemas = ['dais', ...slices.map((slice) => slice.schema)];
  const found = await client.query<{ name: string }>(
    'select nspname as name from pg_namespace where nspname = any ($1)',
    [schemas],
  );
  if (found.rows.length > 0) {
    throw new DaisError(
      'invalid_state',
      `The database already contains data of Dais (schema ${found.rows[0]!.name}). Import into a new, empty database.`,
    );
  }
}

async function load(
  client: Client,
  slices: readonly Slice[],
  reader: ArchiveReader,
  options: ImportOptions,
): Promise<ImportResult> {
  const header = await reader.header();
  const then = slicesOfThen(slices, header);
  await applyMigrations(client, planMigrations(then, [], options.programVersion), options.programVersion);
  const schemas = header.slices.map((slice) => slice.schema);
  const restoration = await prepareForImport(client, schemas, header);
  await loadTables(client, reader, header, options);
  const end = await reader.end();
  for (const { schema, name, last, called } of header.sequences) {
    await client.query('select setval($1::regclass, $2::int8, $3)', [
      `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`,
      last,
      called,
    ]);
  }
  for (const statement of restoration) await client.query(statement);
  await client.query('reset role');
  const pending = planMigrations(slices, await readApplied(client), options.programVersion);
  await applyMigrations(client, pending, options.programVersion);
  for (const { afterImport } of slices) if (afterImport !== undefined) await client.query(afterImport);
  await options.finish?.({
    query: async <Row extends object>(text: string, values: readonly unknown[] = []) =>
      (await client.query<Row>(text, [...values])).rows,
    careful: false,
    defer: () => {
      throw new Error('an import cannot defer statements');
    },
  });
  // Without statistics the first queries would be planned for empty tables.
  for (const { schema } of slices) await client.query(analyzeText(await listTables(client, [schema])));
  return { ...end, createdAt: header.createdAt, programVersion: header.programVersion };
}

function analyzeText(tables: ArchiveHeader['tables']): string {
  const names = tables.map(({ schema, name }) => `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`);
  return names.length === 0 ? '' : `analyze ${names.join(', ')}`;
}

/** Returns the slices at the version of the export. */
function slicesOfThen(slices: readonly Slice[], header: ArchiveHeader): Slice[] {
  return header.slices.map(({ schema, migrations }) => {
    const slice = slices.find((candidate) => candidate.schema === schema);
    const ids = new Set(migrations.map(({ id }) => id));
    const known = slice?.migrations.filter(({ id }) => ids.has(id)) ?? [];
    if (known.length !== migrations.length) {
      throw new DaisError(
        'backup_invalid',
        `Dais ${header.programVersion} created this export, and this version does not know its data ` +
          `(${schema}). Import it with that version or a newer one.`,
      );
    }
    return { schema, migrations: known };
  });
}

async function loadTables(
  client: Client,
  reader: ArchiveReader,
  header: ArchiveHeader,
  options: ImportOptions,
): Promise<void> {
  let rows = 0;
  let bytes = 0;
  for (const [index, { schema, name, columns }] of header.tables.entries()) {
    const begin = await reader.table();
    if (begin?.schema !== schema || begin.name !== name) throw incomplete();
    const progress = { table: `${schema}.${name}`, tablesDone: index, tablesTotal: header.tables.length };
    let end: TableEnd | undefined;
    const checked = reader.rows((found) => {
      end = found;
    });
    const copy = client.query(copyFrom(`copy ${copyTarget(schema, name, columns)} from stdin`));
    await pipeline(
      Readable.from(checked, { objectMode: false }),
      async function* count(chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          bytes += chunk.length;
          options.progress?.({ ...progress, rows, bytes });
          yield chunk;
        }
      },
      copy,
    );
    if (copy.rowCount !== end?.rows) throw incomplete();
    rows += copy.rowCount;
  }
  if ((await reader.table()) !== undefined) throw incomplete();
}

function incomplete(): DaisError {
  return new DaisError(
    'backup_invalid',
    'The export does not contain the tables and rows that its header lists. Create a new export.',
  );
}

/** Rows that PostgreSQL rejects mean an invalid export: 22 data exception, 23 integrity constraint, 42 undefined column. */
function explain(error: unknown): unknown {
  if (/^(22|23|42)...$/.test(codeOf(error) ?? '')) {
    return new DaisError(
      'backup_invalid',
      `The database rejected rows of the export: ${error instanceof Error ? error.message : ''}`,
      {
        cause: error,
      },
    );
  }
  return translate(error);
}
