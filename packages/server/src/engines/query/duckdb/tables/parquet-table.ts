/** Reads Parquet files in place as one relation with the requested columns. */
import type { Column, DataError, FileTable } from '../../contract.ts';
import { QueryError } from '../../model/query-error.ts';
import { sqlType } from '../sql/column-types.ts';
import { dataError, dataErrors } from './data-errors.ts';
import type { Session } from '../session.ts';
import { shapedRelation } from './shaped-parquet.ts';
import { identifier, text, textList } from '../sql/sql-text.ts';
import type { OpenedFile } from './source-files.ts';

/** Returns a SELECT over the files. @throws QueryError `data_invalid` for a damaged file or missing columns. */
export async function parquetRelation(
  session: Session,
  { table, folder, number }: { readonly table: string; readonly folder: string; readonly number: number },
  files: readonly OpenedFile[],
  request: FileTable,
): Promise<string> {
  const { shape } = request;
  const shaped = shape && shapedRelation(session, shape, files, { table, folder, number });
  const read = shaped
    ? await shaped.then(
        (select) => `(${select})`,
        async (error: unknown) => {
          throw error instanceof QueryError ? error : await brokenFile(session, table, files, error);
        },
      )
    : `read_parquet(${textList(files.map(({ source }) => source.path))}${files.length > 1 ? ', union_by_name = true' : ''}, filename = '~file', file_row_number = true)`;
  const bound = await session
    .bind(`SELECT * EXCLUDE ("~file", file_row_number) FROM ${read}`)
    .catch(async (error: unknown) => {
      throw await brokenFile(session, table, files, error);
    });
  const columns = request.columns === undefined ? bound.columns : chosen(table, files, bound.columns, request);
  const selected = columns.map(({ name, type }) => {
    const there = bound.columns.find((each) => each.name.toLowerCase() === name.toLowerCase());
    const as = identifier(name);
    if (there === undefined) return `CAST(NULL AS ${sqlType(type)}) AS ${as}`;
    // Converts types of the file, such as its time types, to those of the contract.
    return there.type === type
      ? `${identifier(there.name)} AS ${as}`
      : `CAST(${identifier(there.name)} AS ${sqlType(type)}) AS ${as}`;
  });
  const { provenance } = request;
  if (provenance !== undefined) {
    const names = files.map(({ source, name }) => `WHEN ${text(source.path)} THEN ${text(name)}`);
    selected.push(
      `CASE "~file" ${names.join(' ')} END AS ${identifier(provenance.file)}`,
      `file_row_number + 1 AS ${identifier(provenance.row)}`,
    );
  }
  return `SELECT ${selected.join(', ')} FROM ${read}`;
}

function chosen(
  table: string,
  files: readonly OpenedFile[],
  there: readonly Column[],
  request: FileTable,
): readonly Column[] {
  const location = { table, file: files[0]?.name ?? table };
  const names = new Set(there.map(({ name }) => name.toLowerCase()));
  const requested = new Set((request.columns ?? []).map(({ name }) => name.toLowerCase()));
  const errors: DataError[] = [
    ...(request.columns ?? [])
      .filter(({ name }) => !names.has(name.toLowerCase()))
      .map(({ name }) => ({
        ...location,
        column: name,
        kind: 'column-missing' as const,
        problem: `Column "${name}" is missing.`,
        remedy: 'Write it into the file, or remove it from the schema.',
      })),
    ...(request.extraColumns === 'ignore' ? [] : there.filter(({ name }) => !requested.has(name.toLowerCase()))).map(
      ({ name }) => ({
        ...location,
        column: name,
        kind: 'column-extra' as const,
        problem: `Column "${name}" is not expected.`,
        remedy: 'Remove it, add it to the schema, or ignore additional columns.',
      }),
    ),
  ];
  if (errors.length > 0) throw dataErrors(errors);
  return request.columns ?? [];
}

/** Finds the damaged file by reading the footer of each. */
async function brokenFile(
  session: Session,
  table: string,
  files: readonly OpenedFile[],
  error: unknown,
): Promise<unknown> {
  for (const { source, name } of files) {
    const whole = await session.bind(`SELECT * FROM read_parquet(${text(source.path)})`).then(
      () => true,
      () => false,
    );
    if (!whole) {
      return dataError(
        'unreadable',
        { table, file: name },
        'It is not a complete Parquet file.',
        'Check that the upload was complete, or write the file again.',
      );
    }
  }
  return error;
}
