/** Reads JSON strictly: one value per line, or one array of values. */
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Column, FileTable } from '../../contract.ts';
import { sqlType } from '../sql/column-types.ts';
import { MOST_COLUMNS } from './csv-table.ts';
import { QueryError } from '../../model/query-error.ts';
import { dataError, type DataErrorLog } from './data-errors.ts';
import type { Session } from '../session.ts';
import { text } from '../sql/sql-text.ts';
import type { TextFile } from './source-files.ts';

/**
 * Creates the table `target` with the values of the file. Returns its columns. @throws QueryError `data_invalid` for the first
 * error.
 */
export async function loadJson(
  session: Session,
  table: string,
  file: TextFile,
  target: string,
  options: {
    readonly request: FileTable;
    readonly lineBytes: number;
    readonly errors: DataErrorLog;
    /** Prefix of the files that it creates. */
    readonly scratch: string;
  },
): Promise<readonly Column[]> {
  const location = { table, file: file.name };
  const { columns, inferRows } = options.request;
  if (columns === undefined && file.plainBytes === 0)
    throw dataError('no-rows', location, 'The file is empty.', 'Upload a file with values.');
  const reported = columns?.map(({ name, type }) => `${text(name)}: ${text(sqlType(type))}`);
  const read = [
    `format = ${file.source.format === 'ndjson' ? "'newline_delimited'" : "'auto'"}`,
    `maximum_object_size = ${options.lineBytes}`,
    "compression = 'uncompressed'",
    ...(reported === undefined
      ? [
          `sample_size = ${inferRows ?? -1}`,
          'auto_detect = true',
          'convert_strings_to_integers = false',
          'field_appearance_threshold = 0',
        ]
      : [`columns = {${reported.join(', ')}}`]),
  ];
  const load = async (path: string) =>
    await session.run(
      `CREATE OR REPLACE TABLE ${target} AS SELECT * FROM read_json(${text(path)}, ${read.join(', ')})`,
    );
  try {
    await load(file.plainPath);
  } catch (error) {
    const reported = await jsonProblem(error, location, file);
    const broken = reported instanceof QueryError && reported.errors[0]?.kind === 'json';
    if (!broken || file.source.format !== 'ndjson' || options.request.invalidRows !== 'keep') throw reported;
    const whole = `${options.scratch}.whole.ndjson`;
    await leaveBrokenOut(file.plainPath, whole, location, options.errors);
    await load(whole).catch(async (again: unknown) => {
      throw await jsonProblem(again, location, file);
    });
  }
  const made = (await session.bind(`SELECT * FROM ${target}`)).columns;
  if (made.length > MOST_COLUMNS) {
    throw dataError(
      'too-many-columns',
      location,
      `The objects have ${made.length} different keys; the maximum is ${MOST_COLUMNS}.`,
      'Move similar keys into rows.',
    );
  }
  return made;
}

async function jsonProblem(
  error: unknown,
  location: { readonly table: string; readonly file: string },
  file: TextFile,
): Promise<unknown> {
  const message = error instanceof Error ? error.message : '';
  const [, where] = /in (?:line|record\/value) (\d+)/.exec(message) ?? [];
  // For an array, this is the number of the value.
  const line = where === undefined || file.source.format === 'json' ? {} : { line: Number(where) };
  if (/maximum_object_size/.test(message)) {
    return dataError(
      'line-too-long',
      { ...location, ...line },
      'A value is too long.',
      'Split it, or raise the line limit.',
    );
  }
  if (/Malformed JSON|unexpected end of (?:data|input)|invalid (?:UTF|utf)/i.test(message)) {
    // DuckDB counts one line too many when a line is truncated.
    const broken = file.source.format === 'ndjson' ? await firstBrokenLine(file.plainPath) : undefined;
    return dataError('json', { ...location, ...(broken === undefined ? line : { line: broken }) }, ...MALFORMED);
  }
  const [, column] = /(?:column|key|field) "([^"]+)"/i.exec(message) ?? [];
  if (
    /JSON transform error|Failed to cast|Could not convert|Unable to cast|Conversion Error|Invalid Input Error: JSON/i.test(
      message,
    )
  ) {
    return dataError(
      'wrong-type',
      { ...location, ...line, ...(column !== undefined && { column }) },
      'A value does not have the type of its column.',
      'Correct it, or change the type of the column.',
    );
  }
  return error;
}

const MALFORMED = ['The JSON is malformed.', 'Write one JSON value per line, or one array of values.'] as const;

/** Copies the lines that are JSON and reports the others. A second pass, only after an error. */
async function leaveBrokenOut(
  from: string,
  to: string,
  location: { readonly table: string; readonly file: string },
  errors: DataErrorLog,
): Promise<void> {
  const output = createWriteStream(to);
  let number = 0;
  for await (const line of createInterface({ input: createReadStream(from), crlfDelay: Infinity })) {
    number += 1;
    if (isJson(line)) {
      if (!output.write(`${line}\n`)) await once(output, 'drain');
    } else {
      const [problem, remedy] = MALFORMED;
      await errors.add({ ...location, line: number, kind: 'json', value: line, problem, remedy });
    }
  }
  output.end();
  await once(output, 'close');
}

function isJson(line: string): boolean {
  if (line.trim() === '') return true;
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}

/** Returns undefined when JavaScript parses every line. */
async function firstBrokenLine(path: string): Promise<number | undefined> {
  const lines = createInterface({ input: createReadStream(path), crlfDelay: Infinity });
  let number = 0;
  for await (const line of lines) {
    number += 1;
    if (isJson(line)) continue;
    lines.close();
    return number;
  }
  return undefined;
}
