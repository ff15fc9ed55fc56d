/** Parses CSV by RFC 4180 with a header row: the content of `text/csv`. */
import { DaisError } from '@dais/api/errors';
import { invalidUtf8At } from '#lib/formats/utf8.ts';
import type { ScoringBody } from './frame.ts';

export function readCsv(body: Buffer): ScoringBody {
  const invalidAt = invalidUtf8At(body);
  if (invalidAt !== undefined) {
    throw new DaisError('not_utf8', `The CSV is not valid UTF-8. The first invalid byte is at offset ${invalidAt}.`);
  }
  const [names, ...rows] = cells(body.toString('utf8'));
  if (names === undefined) throw new DaisError('invalid_request', 'The CSV has no header row.');
  const uneven = rows.findIndex((row) => row.length !== names.length);
  if (uneven >= 0) {
    throw new DaisError(
      'invalid_request',
      `Row ${uneven} of the CSV has ${rows[uneven]?.length} values; the header has ${names.length} columns.`,
    );
  }
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new DaisError('invalid_request', `The column "${twice}" occurs twice.`);
  const columns = new Map(names.map((name, index) => [name, rows.map((row) => row[index] as string)]));
  return { given: { kind: 'table', columns, rows: rows.length, cells: 'texts' }, params: {} };
}

function cells(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = '';
  let quoted = false;
  let any = false;
  const endRow = () => {
    row.push(cell);
    // An empty line is not a row.
    if (any) rows.push(row);
    row = [];
    cell = '';
    any = false;
  };
  for (let at = 0; at < text.length; at++) {
    const sign = text[at] as string;
    if (quoted) {
      if (sign !== '"') cell += sign;
      else if (text[at + 1] === '"') {
        cell += '"';
        at++;
      } else quoted = false;
    } else if (sign === '"' && cell === '') {
      quoted = true;
      any = true;
    } else if (sign === ',') {
      row.push(cell);
      cell = '';
      any = true;
    } else if (sign === '\n') endRow();
    else if (sign !== '\r') {
      cell += sign;
      any = true;
    }
  }
  if (quoted) throw new DaisError('unreadable_body', 'The CSV has an unterminated quoted value.');
  if (any) endRow();
  return rows;
}
