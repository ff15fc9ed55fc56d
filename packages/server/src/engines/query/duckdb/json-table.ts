/** Strict reading of JSON: one value a line, or one array of values. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Column, FileTable } from '../contract.ts';
import { sqlType } from './column-types.ts';
import { MOST_COLUMNS } from './csv-table.ts';
import { fault } from './fault-log.ts';
import type { Session } from './session.ts';
import { text } from './sql-text.ts';
import type { TextFile } from './source-files.ts';

/** Makes the table `target` of the file's values. Gives its columns. @throws QueryError `data_invalid` for the first fault. */
export async function loadJson(
  session: Session,
  table: string,
  file: TextFile,
  target: string,
  options: { readonly wanted: FileTable; readonly lineBytes: number },
): Promise<readonly Column[]> {
  const place = { table, file: file.name };
  const { columns, inferRows } = options.wanted;
  if (columns === undefined && file.plainBytes === 0)
    throw fault('no-rows', place, 'It is empty.', 'Upload a file with values.');
  const told = columns?.map(({ name, type }) => `${text(name)}: ${text(sqlType(type))}`);
  const read = [
    `format = ${file.source.format === 'ndjson' ? "'newline_delimited'" : "'auto'"}`,
    `maximum_object_size = ${options.lineBytes}`,
    "compression = 'uncompressed'",
    ...(told === undefined
      ? [
          `sample_size = ${inferRows ?? -1}`,
          'auto_detect = true',
          'convert_strings_to_integers = false',
          'field_appearance_threshold = 0',
        ]
      : [`columns = {${told.join(', ')}}`]),
  ];
  try {
    await session.run(
      `CREATE OR REPLACE TABLE ${target} AS SELECT * FROM read_json(${text(file.plainPath)}, ${read.join(', ')})`,
    );
  } catch (error) {
    throw await jsonFault(error, place, file);
  }
  const made = (await session.bind(`SELECT * FROM ${target}`)).columns;
  if (made.length > MOST_COLUMNS) {
    throw fault(
      'too-many-columns',
      place,
      `Its values have ${made.length} names; ${MOST_COLUMNS} are read at most.`,
      'Put values of one kind into rows.',
    );
  }
  return made;
}

async function jsonFault(
  error: unknown,
  place: { readonly table: string; readonly file: string },
  file: TextFile,
): Promise<unknown> {
  const message = error instanceof Error ? error.message : '';
  const [, where] = /in (?:line|record\/value) (\d+)/.exec(message) ?? [];
  const line = where === undefined ? {} : { line: Number(where) };
  if (/maximum_object_size/.test(message)) {
    return fault(
      'line-too-long',
      { ...place, ...line },
      'A value is too long.',
      'Split it, or raise the limit of a line.',
    );
  }
  if (/Malformed JSON|unexpected end of (?:data|input)|invalid (?:UTF|utf)/i.test(message)) {
    // DuckDB counts on when a line ends too early.
    const broken = file.source.format === 'ndjson' ? await firstBrokenLine(file.plainPath) : undefined;
    return fault(
      'json',
      { ...place, ...(broken === undefined ? line : { line: broken }) },
      'It is no well-formed JSON.',
      'Write one JSON value a line, or one array of values.',
    );
  }
  const [, column] = /(?:column|key|field) "([^"]+)"/i.exec(message) ?? [];
  if (
    /JSON transform error|Failed to cast|Could not convert|Unable to cast|Conversion Error|Invalid Input Error: JSON/i.test(
      message,
    )
  ) {
    return fault(
      'wrong-type',
      { ...place, ...line, ...(column !== undefined && { column }) },
      'A value does not have the type of its column.',
      'Correct it, or give the column another type.',
    );
  }
  return error;
}

/** Undefined when every line is JSON to JavaScript. */
async function firstBrokenLine(path: string): Promise<number | undefined> {
  const lines = createInterface({ input: createReadStream(path), crlfDelay: Infinity });
  let number = 0;
  for await (const line of lines) {
    number += 1;
    if (line.trim() === '') continue;
    try {
      JSON.parse(line);
    } catch {
      lines.close();
      return number;
    }
  }
  return undefined;
}
