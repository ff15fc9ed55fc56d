/** Prepares the tables of a job for scans. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Column, FileTable, InlineTable, TableDescription, TableSource } from '../../contract.ts';
import { QueryError } from '../../model/query-error.ts';
import type { LiteralValue } from '../../model/query-tree.ts';
import { arrowLines } from './arrow-table.ts';
import { sqlType } from '../sql/column-types.ts';
import { describedFile, loadCsv, planCsv, type CsvPlan } from './csv-table.ts';
import { rejectLongLines } from './text-lines.ts';
import { dataErrors, type DataErrorLog } from './data-errors.ts';
import { loadJson } from './json-table.ts';
import { parquetRelation } from './parquet-table.ts';
import { STAGE, type Session } from '../session.ts';
import { openFile, plainText, type OpenedFile, type TextFile } from './source-files.ts';
import { identifier, text } from '../sql/sql-text.ts';
import type { JobLimits } from '../wire.ts';

const INLINE_ROWS = 100_000;

/** The relation that a scan reads. */
export interface ReadyTable {
  /** After FROM. */
  readonly source: string;
  /** A stage table with exactly its rows. */
  readonly kept: string | undefined;
}

export interface TableReaderDependencies {
  readonly session: Session;
  readonly folder: string;
  readonly limits: JobLimits;
  /** The files were opened before the session was locked. */
  readonly opened: ReadonlyMap<string, readonly OpenedFile[]>;
  readonly onShare: (share: number) => void;
}

export class TableReader {
  readonly #dependencies: TableReaderDependencies;
  readonly #budget: { left: number };
  #made = 0;

  constructor(dependencies: TableReaderDependencies) {
    this.#dependencies = dependencies;
    this.#budget = { left: dependencies.limits.inflatedBytes };
  }

  async read(name: string, table: TableSource, errors: DataErrorLog): Promise<ReadyTable> {
    return 'files' in table ? await this.#files(name, table, errors) : await this.#inline(table);
  }

  async describe(name: string, table: FileTable, errors: DataErrorLog): Promise<TableDescription> {
    const opened = this.#dependencies.opened.get(name) ?? [];
    const notes: string[] = [];
    const ready = await this.#files(name, { ...table, invalidRows: 'keep' }, errors, notes);
    const { columns } = await this.#dependencies.session.bind(`SELECT * FROM ${ready.source}`);
    const files = opened.map((file, n) => ({ ...(this.#described[n] ?? file.source), compression: file.compression }));
    return { columns, files, notes };
  }

  readonly #described: TableDescription['files'][number][] = [];

  #nextTable(): string {
    this.#made += 1;
    return `${STAGE}."~t${this.#made}"`;
  }

  async #files(name: string, table: FileTable, errors: DataErrorLog, notes: string[] = []): Promise<ReadyTable> {
    const opened = this.#dependencies.opened.get(name) ?? [];
    const formats = new Set(opened.map(({ source }) => source.format));
    if (opened.length === 0) return await this.#empty(name, table);
    if (formats.has('parquet')) {
      if (formats.size > 1)
        throw new QueryError('query_invalid', `Table \`${name}\` mixes Parquet with other formats.`);
      const { session, folder } = this.#dependencies;
      this.#made += 1;
      const location = { table: name, folder, number: this.#made };
      return { source: `(${await parquetRelation(session, location, opened, table)})`, kept: undefined };
    }
    const before = errors.count;
    const parts: { readonly target: string; readonly columns: readonly Column[]; readonly file: OpenedFile }[] = [];
    let done = 0;
    for (const file of opened) {
      parts.push({ ...(await this.#textFile(name, file, table, errors, notes)), file });
      done += 1;
      this.#dependencies.onShare(done / opened.length);
    }
    if (table.invalidRows !== 'keep' && errors.count > before) throw dataErrors(errors.first.slice(), errors.count);
    return await this.#joined(table, parts);
  }

  /** No files: no rows, but columns. */
  async #empty(name: string, table: FileTable): Promise<ReadyTable> {
    if (table.columns === undefined || table.columns.length === 0) {
      throw new QueryError('query_invalid', `Table \`${name}\` has neither files nor columns.`);
    }
    const target = this.#nextTable();
    await this.#dependencies.session.run(`CREATE TABLE ${target} (${table.columns.map(definition).join(', ')})`);
    return { source: target, kept: target };
  }

  async #textFile(
    name: string,
    opened: OpenedFile,
    table: FileTable,
    errors: DataErrorLog,
    notes: string[],
  ): Promise<{ readonly target: string; readonly columns: readonly Column[] }> {
    const { session, folder, limits } = this.#dependencies;
    const target = this.#nextTable();
    if (opened.source.format === 'arrow') {
      const lines = path.join(folder, `arrow-${this.#made}.ndjson`);
      const columns = await arrowLines(name, opened, lines);
      await session.run(`CREATE TABLE ${target} (${columns.map(definition).join(', ')})`);
      await this.#insertCells(target, columns, lines);
      this.#described.push({ ...opened.source, compression: 'none' });
      return { target, columns };
    }
    const file = await plainText(opened, name, { folder, number: this.#made }, this.#budget);
    // A JSON document may be one line.
    if (file.source.format !== 'json') await rejectLongLines(name, file, limits.lineBytes);
    if (file.source.format === 'csv') {
      const plan = await planCsv(session, name, file, table);
      notes.push(...plan.notes);
      const { lineBytes } = limits;
      const columns = await loadCsv(session, name, plan, target, {
        guessed: table.columns === undefined,
        lineBytes,
        errors,
      });
      this.#describe(plan.file, describedFile(plan));
      return { target, columns };
    }
    const columns = await loadJson(session, name, file, target, {
      request: table,
      lineBytes: limits.lineBytes,
      errors,
      scratch: path.join(folder, `json-${this.#made}`),
    });
    this.#describe(file, file.source);
    return { target, columns };
  }

  #describe(file: TextFile, source: CsvPlan['file']['source']): void {
    this.#described.push({ ...source, compression: file.compression });
  }

  async #joined(
    table: FileTable,
    parts: readonly { readonly target: string; readonly columns: readonly Column[]; readonly file: OpenedFile }[],
  ): Promise<ReadyTable> {
    const [only] = parts;
    const { provenance } = table;
    if (
      only !== undefined &&
      parts.length === 1 &&
      provenance === undefined &&
      sameColumns(only.columns, table.columns)
    ) {
      return { source: only.target, kept: only.target };
    }
    const selects = parts.map(({ target, file }) => {
      if (provenance === undefined) return `SELECT * FROM ${target}`;
      return `SELECT *, ${text(file.name)} AS ${identifier(provenance.file)}, rowid + 1 AS ${identifier(provenance.row)} FROM ${target}`;
    });
    const all = selects.join(' UNION ALL BY NAME ');
    if (table.columns === undefined) return { source: `(${all})`, kept: undefined };
    const names = [
      ...table.columns.map(({ name }) => name),
      ...(provenance === undefined ? [] : [provenance.file, provenance.row]),
    ];
    return { source: `(SELECT ${names.map(identifier).join(', ')} FROM (${all}))`, kept: undefined };
  }

  /** Lines of `{"c0": …}`, with values as text except lists and structs. */
  async #insertCells(target: string, columns: readonly Column[], lines: string): Promise<void> {
    const values = columns.map(({ type }, n) =>
      type === 'binary' ? `from_base64("c${n}")` : `CAST("c${n}" AS ${sqlType(type)})`,
    );
    const read = columns.map(({ type }, n) => `c${n}: ${/^(?:list|struct|map)</.test(type) ? "'JSON'" : "'VARCHAR'"}`);
    await this.#dependencies.session.run(
      `INSERT INTO ${target} SELECT ${values.join(', ')} FROM read_json(${text(lines)}, format = 'newline_delimited', columns = {${read.join(', ')}})`,
    );
  }

  async #inline(table: InlineTable): Promise<ReadyTable> {
    if (table.rows.length > INLINE_ROWS) {
      throw new QueryError(
        'too_large',
        `A job can contain at most ${INLINE_ROWS} inline rows. Write more rows to a file.`,
      );
    }
    const target = this.#nextTable();
    const { session, folder } = this.#dependencies;
    await session.run(`CREATE TABLE ${target} (${table.columns.map(definition).join(', ')})`);
    if (table.rows.length === 0) return { source: target, kept: target };
    const file = path.join(folder, `inline-${this.#made}.ndjson`);
    await writeFile(
      file,
      table.rows.map((row) => `${JSON.stringify(inlineRow(row, table.columns.length))}\n`).join(''),
    );
    try {
      await this.#insertCells(target, table.columns, file);
    } catch (error) {
      const message = error instanceof Error ? error.message : '';
      throw new QueryError(
        'query_invalid',
        `The rows of the query do not match their columns: ${message.split('\n')[0] ?? ''}`,
      );
    }
    return { source: target, kept: target };
  }
}

function definition({ name, type }: Column): string {
  return `${identifier(name)} ${sqlType(type)}`;
}

function inlineRow(row: readonly LiteralValue[], count: number): Record<string, LiteralValue> {
  return Object.fromEntries(Array.from({ length: count }, (_, n) => [`c${n}`, inlineValue(row[n] ?? null)]));
}

/** As text, so that no digit is lost; lists stay JSON. */
function inlineValue(value: LiteralValue): LiteralValue {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return value;
}

function sameColumns(made: readonly Column[], declared: readonly Column[] | undefined): boolean {
  return (
    declared === undefined ||
    (made.length === declared.length && made.every(({ name }, n) => name === declared[n]?.name))
  );
}

export async function openTables(
  tables: Readonly<Record<string, TableSource>>,
): Promise<ReadonlyMap<string, readonly OpenedFile[]>> {
  const opened = new Map<string, readonly OpenedFile[]>();
  for (const [name, table] of Object.entries(tables)) {
    if ('files' in table) opened.set(name, await Promise.all(table.files.map(openFile)));
  }
  return opened;
}
