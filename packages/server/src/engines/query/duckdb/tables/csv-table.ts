/**
 * Reads CSV strictly: columns have names, types are given or widened until all values match, and every invalid row is reported.
 */
import type { Column, CsvDialect, DataError, DataErrorKind, FileTable, SourceFile } from '../../contract.ts';
import { sqlType } from '../sql/column-types.ts';
import { firstRecord } from './csv-header.ts';
import { brokenIntegers, linesOfRows, type BrokenInteger } from './csv-integers.ts';
import { TypeGuesses, widerType } from './csv-guess.ts';
import { dataError, dataErrors, type DataErrorLog } from './data-errors.ts';
import { LineCounter } from './text-lines.ts';
import type { RejectTables, Session } from '../session.ts';
import { identifier, text, textList } from '../sql/sql-text.ts';
import type { TextFile } from './source-files.ts';

export const MOST_COLUMNS = 10_000;
/** Rows of the sample for the first guess of types; reading all rows finds mismatches. */
const GUESS_ROWS = 20_480;
/** Fewer rows for wide tables: a value costs about a microsecond. */
const GUESS_CELLS = 1_000_000;
const LEAST_GUESS_ROWS = 20;
/** Maximum number of reported invalid rows; a file with more is probably the wrong file. */
const MOST_REJECTS = 1_000_000;
/** Minimum of DuckDB; small buffers are slow with many columns, large ones cost memory per thread. */
const LEAST_BUFFER = 8 * 1024 * 1024;

/** A CSV with a parsed header and typed columns; the types may be guesses. */
export interface CsvPlan {
  readonly file: TextFile;
  readonly dialect: Required<Pick<CsvDialect, 'delimiter' | 'quote' | 'escape' | 'header' | 'skip'>>;
  /** In file order. */
  readonly columns: readonly Column[];
  readonly notes: readonly string[];
}

/** @throws QueryError `data_invalid` for an invalid header. */
export async function planCsv(session: Session, table: string, file: TextFile, request: FileTable): Promise<CsvPlan> {
  const location = { table, file: file.name };
  if (file.plainBytes === 0) {
    throw dataError('no-rows', location, 'The file is empty.', 'Upload a file with at least a header.');
  }
  const dialect = await dialectOf(session, file, file.source.csv ?? {});
  const record = firstRecord(file.start, file.encoding, dialect, file.start.length === file.plainBytes);
  if (record === undefined) {
    throw dataError(
      'line-too-long',
      { ...location, line: dialect.skip + 1 },
      'The first line is longer than 4 MiB.',
      'Check the quote character and the line ends.',
    );
  }
  const { names, notes } = dialect.header
    ? headerNames(record, location, dialect.skip + 1)
    : { names: record.map((_, n) => `column_${n + 1}`), notes: [] };
  session.widest = Math.max(session.widest, names.length);
  if (names.length > MOST_COLUMNS) {
    throw dataError(
      'too-many-columns',
      location,
      `The file has ${names.length} columns; the maximum is ${MOST_COLUMNS}.`,
      'Split it into several tables, or move similar columns into rows.',
    );
  }
  const columns =
    request.columns === undefined
      ? await guessedColumns(session, file, dialect, names, request.inferRows)
      : describedColumns(names, request, location);
  return { file, dialect, columns, notes };
}

async function dialectOf(session: Session, file: TextFile, given: CsvDialect): Promise<CsvPlan['dialect']> {
  const skip = given.skip ?? 0;
  const header = given.header ?? true;
  if (given.delimiter !== undefined && given.quote !== undefined) {
    return { delimiter: given.delimiter, quote: given.quote, escape: given.escape ?? given.quote, header, skip };
  }
  const options = [
    `sample_size = ${GUESS_ROWS}`,
    'ignore_errors = true',
    `skip = ${skip}`,
    `encoding = ${text(file.encoding)}`,
    ...(given.delimiter === undefined ? [] : [`delim = ${text(given.delimiter)}`]),
    ...(given.quote === undefined ? [] : [`quote = ${text(given.quote)}`]),
  ];
  // It throws for files that are not tables; reading with the default dialect reports their errors.
  const [found] = await session
    .rows(
      `SELECT Delimiter AS d, Quote AS q, Escape AS e FROM sniff_csv(${text(file.plainPath)}, ${options.join(', ')})`,
    )
    .catch(() => []);
  const sign = (value: unknown, fallback: string) =>
    typeof value === 'string' && value.length === 1 ? value : fallback;
  const quote = given.quote ?? sign(found?.['q'], '"');
  return { delimiter: given.delimiter ?? sign(found?.['d'], ','), quote, escape: given.escape ?? quote, header, skip };
}

function headerNames(
  record: readonly string[],
  location: { readonly table: string; readonly file: string },
  line: number,
): { readonly names: readonly string[]; readonly notes: readonly string[] } {
  const notes: string[] = [];
  const names = record.map((field, n) => {
    const name = field.trim();
    if (name !== '') return name;
    notes.push(`${location.file}: column ${n + 1} has no name in the header and is named \`column_${n + 1}\`.`);
    return `column_${n + 1}`;
  });
  const seen = new Map<string, number>();
  for (const [n, name] of names.entries()) {
    const before = seen.get(name.toLowerCase());
    if (before !== undefined) {
      throw dataError(
        'header',
        { ...location, line, column: name },
        `Columns ${before + 1} and ${n + 1} have the same name (names are case-insensitive).`,
        'Rename one of them in the header.',
      );
    }
    seen.set(name.toLowerCase(), n);
  }
  return { names, notes };
}

function describedColumns(
  names: readonly string[],
  request: FileTable,
  location: { readonly table: string; readonly file: string },
): readonly Column[] {
  const types = new Map((request.columns ?? []).map((column) => [column.name.toLowerCase(), column]));
  const missing = (request.columns ?? []).filter(
    ({ name }) => !names.some((each) => each.toLowerCase() === name.toLowerCase()),
  );
  const extra = names.filter((name) => !types.has(name.toLowerCase()));
  const errors: DataError[] = [
    ...missing.map(({ name }) => ({
      ...location,
      line: 1,
      column: name,
      kind: 'column-missing' as const,
      problem: `Column "${name}" is missing.`,
      remedy: `Add it or rename a column. The header has ${names
        .slice(0, 20)
        .map((each) => `"${each}"`)
        .join(', ')}.`,
    })),
    ...(request.extraColumns === 'ignore'
      ? []
      : extra.map((name) => ({
          ...location,
          line: 1,
          column: name,
          kind: 'column-extra' as const,
          problem: `Column "${name}" is not expected.`,
          remedy: 'Remove it, add it to the schema, or ignore additional columns.',
        }))),
  ];
  if (errors.length > 0) throw dataErrors(errors);
  return names.map((name) => ({ name, type: types.get(name.toLowerCase())?.type ?? 'string' }));
}

async function guessedColumns(
  session: Session,
  file: TextFile,
  dialect: CsvPlan['dialect'],
  names: readonly string[],
  rows: number | undefined,
): Promise<readonly Column[]> {
  const texts = names.map((name) => ({ name, type: 'string' as const }));
  const sampleRows = Math.max(LEAST_GUESS_ROWS, Math.min(rows ?? GUESS_ROWS, Math.floor(GUESS_CELLS / names.length)));
  const source = readCsv({ file, dialect, columns: texts, notes: [] }, 'ignore');
  const guesses = new TypeGuesses(names.length);
  const result = await session.stream(`SELECT * FROM ${source} LIMIT ${sampleRows}`);
  for (let chunk = await result.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
    for (const row of chunk.getRows()) guesses.see(row as readonly (string | null)[]);
  }
  return guesses.types().map((type, n) => ({ name: names[n] ?? '', type }));
}

/**
 * Returns the table function that reads the file; `store` keeps invalid rows in the rejects table of DuckDB, `ignore` omits
 * them.
 */
function readCsv(plan: CsvPlan, errors: RejectTables | 'ignore', lineBytes = 2 * 1024 * 1024): string {
  const { file, dialect } = plan;
  const csv: CsvDialect = file.source.csv ?? {};
  const columns = plan.columns.map(({ name, type }) => `${text(name)}: ${text(sqlType(type))}`);
  const options = [
    'auto_detect = false',
    `header = ${dialect.header}`,
    `skip = ${dialect.skip}`,
    `delim = ${text(dialect.delimiter)}`,
    `quote = ${text(dialect.quote)}`,
    `escape = ${text(dialect.escape)}`,
    `columns = {${columns.join(', ')}}`,
    `encoding = ${text(file.encoding)}`,
    "compression = 'none'",
    'strict_mode = true',
    'null_padding = false',
    `nullstr = ${textList(csv.nulls ?? [''])}`,
    `max_line_size = ${lineBytes}`,
    `buffer_size = ${Math.max(LEAST_BUFFER, 2 * lineBytes)}`,
    ...(csv.timestampFormat === undefined ? [] : [`timestampformat = ${text(csv.timestampFormat)}`]),
    // Without a format, a time of day would be dropped silently.
    `dateformat = ${text(csv.dateFormat ?? '%Y-%m-%d')}`,
    ...(csv.decimalSeparator === undefined ? [] : [`decimal_separator = ${text(csv.decimalSeparator)}`]),
    ...(errors === 'ignore'
      ? ['ignore_errors = true']
      : [
          'store_rejects = true',
          `rejects_table = ${text(errors.errors)}`,
          `rejects_scan = ${text(errors.scans)}`,
          `rejects_limit = ${MOST_REJECTS}`,
        ]),
  ];
  return `read_csv(${text(file.plainPath)}, ${options.join(', ')})`;
}

/**
 * Reads the file into the new table `target`. Widens guessed types until all values match. Adds invalid rows to `errors`.
 * Returns the final columns.
 */
export async function loadCsv(
  session: Session,
  table: string,
  plan: CsvPlan,
  target: string,
  options: { readonly guessed: boolean; readonly lineBytes: number; readonly errors: DataErrorLog },
): Promise<readonly Column[]> {
  const zone = plan.file.source.csv?.timeZone ?? 'UTC';
  await session.run(`SET TimeZone = ${text(zone)}`);
  let columns = plan.columns;
  try {
    for (;;) {
      const rejects = session.rejectTables();
      const source = readCsv({ ...plan, columns }, rejects, options.lineBytes);
      await session.run(`CREATE OR REPLACE TABLE ${target} AS SELECT * FROM ${source}`);
      const texts = columns.map(({ name }) => ({ name, type: 'string' as const }));
      const asText = readCsv({ ...plan, columns: texts }, 'ignore', options.lineBytes);
      const integers = await brokenIntegers(session, asText, columns);
      const widened = options.guessed ? await widenedColumns(session, rejects, columns, integers) : undefined;
      if (widened === undefined) {
        await takeRejects(session, rejects, { table, plan, columns, errors: options.errors, integers });
        await leaveOut(session, { ...plan, columns }, target, options.lineBytes, integers);
        return columns;
      }
      columns = widened;
    }
  } finally {
    await session.run(`SET TimeZone = 'UTC'`);
  }
}

async function widenedColumns(
  session: Session,
  { errors }: RejectTables,
  columns: readonly Column[],
  integers: readonly BrokenInteger[],
): Promise<readonly Column[] | undefined> {
  const broken = await session.rows(`SELECT DISTINCT column_name AS name FROM ${errors} WHERE error_type = 'CAST'`);
  const names = new Set([...broken.map(({ name }) => String(name)), ...integers.map(({ column }) => column)]);
  if (!columns.some(({ name, type }) => names.has(name) && type !== 'string')) return undefined;
  return columns.map((column) => (names.has(column.name) ? { ...column, type: widerType(column.type) } : column));
}

/** Rows with an invalid integer were read with a wrong value: read again without them. */
async function leaveOut(
  session: Session,
  plan: CsvPlan,
  target: string,
  lineBytes: number,
  integers: readonly BrokenInteger[],
): Promise<void> {
  if (integers.length === 0) return;
  const names = new Set(integers.map(({ column }) => column));
  const affected = plan.columns.filter(({ name }) => names.has(name));
  const columns = plan.columns.map(({ name, type }) => ({ name, type: names.has(name) ? ('string' as const) : type }));
  const casts = affected.map(
    ({ name, type }) => `CAST(${identifier(name)} AS ${sqlType(type)}) AS ${identifier(name)}`,
  );
  const whole = affected.map(({ name }) => `coalesce(regexp_full_match(${identifier(name)}, ' *[+-]?[0-9]+ *'), TRUE)`);
  const fits = affected.map(
    ({ name, type }) =>
      `(${identifier(name)} IS NULL OR TRY_CAST(${identifier(name)} AS ${sqlType(type)}) IS NOT NULL)`,
  );
  const source = readCsv({ ...plan, columns }, 'ignore', lineBytes);
  await session.run(
    `CREATE OR REPLACE TABLE ${target} AS SELECT * REPLACE (${casts.join(', ')}) FROM ${source} WHERE ${[...whole, ...fits].join(' AND ')}`,
  );
}

interface Taken {
  readonly table: string;
  readonly plan: CsvPlan;
  readonly columns: readonly Column[];
  readonly errors: DataErrorLog;
  readonly integers: readonly BrokenInteger[];
}

async function takeRejects(session: Session, { errors }: RejectTables, taken: Taken): Promise<void> {
  const { table, plan, columns, errors: dataErrors, integers } = taken;
  const found = await session.rows(
    `SELECT line, line_byte_position AS at, column_name AS name, error_type::VARCHAR AS kind, error_message AS message, csv_line AS content FROM ${errors} ORDER BY line, column_idx`,
  );
  // Rows whose values do not match are rows when all columns are read as text.
  const rejected = new Set(found.filter(({ kind }) => kind !== 'CAST').map(({ at }) => Number(at)));
  // Other encodings are converted to UTF-8 first, so byte positions are not those of the file.
  const plain = plan.file.encoding === 'utf-8';
  if (found.length > 0) {
    const lines = plain ? await LineCounter.open(plan.file.plainPath) : undefined;
    try {
      // A row that lacks three fields is one error, not three.
      let last = '';
      for (const { line, at, name, kind, message, content } of found) {
        const key = kind === 'MISSING COLUMNS' ? String(line) : '';
        if (key !== '' && key === last) continue;
        last = key;
        const position = { table, file: plan.file.name, line: (await lines?.lineAt(Number(at))) ?? Number(line) };
        const column = name === null ? undefined : String(name);
        await dataErrors.add(errorOf(position, String(kind), column, String(message), String(content ?? ''), columns));
      }
    } finally {
      await lines?.close();
    }
  }
  if (integers.length === 0) return;
  const { quote, header, skip } = plan.dialect;
  const rows = integers.map(({ row }) => row);
  const options = { quote, before: (header ? 1 : 0) + skip, rejected };
  const lines = plain ? await linesOfRows(plan.file.plainPath, rows, options) : new Map<number, number>();
  for (const { row, column, value } of integers) {
    const line = lines.get(row);
    const position = { table, file: plan.file.name, ...(line !== undefined && { line }) };
    await dataErrors.add(
      errorOf(position, 'CAST', column, `Could not convert string "${value}" to 'BIGINT'`, value, columns),
    );
  }
}

function errorOf(
  position: { readonly table: string; readonly file: string; readonly line?: number },
  kind: string,
  column: string | undefined,
  message: string,
  content: string,
  columns: readonly Column[],
): DataError {
  const [, expected, found] = /Expected Number of Columns: (\d+) Found: (\d+)/.exec(message) ?? [];
  const counted = expected === undefined ? '' : ` The row has ${found} fields, and the header has ${expected}.`;
  const describe = (errorKind: DataErrorKind, problem: string, remedy: string, value = content): DataError => ({
    ...position,
    kind: errorKind,
    value,
    problem,
    remedy,
    ...(column !== undefined && errorKind === 'wrong-type' && { column }),
  });
  switch (kind) {
    case 'CAST': {
      const type = columns.find(({ name }) => name === column)?.type ?? 'value';
      const [, value = content] = /Could not convert string "([\s\S]*)" to '/.exec(message) ?? [];
      return describe(
        'wrong-type',
        `"${column}" is not of type ${type}.`,
        `Write a value of type ${type}, leave the field empty, or change the type of the column.`,
        value,
      );
    }
    case 'MISSING COLUMNS':
      return describe(
        'too-few-fields',
        `Fields are missing.${counted}`,
        'Add the missing delimiters, or quote text that contains a line break.',
      );
    case 'TOO MANY COLUMNS':
      return describe(
        'too-many-fields',
        `The row has too many fields.${counted}`,
        'Quote fields that contain the delimiter.',
      );
    case 'UNQUOTED VALUE':
      return describe(
        'quote',
        'A quoted field is not terminated correctly.',
        'Double each quote inside a quoted field.',
      );
    case 'LINE SIZE OVER MAXIMUM':
      return describe(
        'line-too-long',
        'The line is too long.',
        'Check for an unclosed quote, or raise the line limit.',
      );
    case 'INVALID ENCODING':
      return describe(
        'encoding',
        'The row has bytes that are invalid in the encoding of the file.',
        'Save the file as UTF-8, or set its encoding.',
      );
    default:
      return describe('unreadable', 'The row cannot be read.', 'Correct or remove the row.');
  }
}

export function describedFile(plan: CsvPlan): SourceFile {
  const { delimiter, quote, escape, header, skip } = plan.dialect;
  return {
    ...plan.file.source,
    encoding: plan.file.encoding,
    csv: { ...plan.file.source.csv, delimiter, quote, escape, header, skip },
  };
}
