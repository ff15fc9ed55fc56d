/** Rows of CSV as RFC 4180 describes it, from pieces of text. */

/** More characters or cells than this in one row are not a table of metrics. */
const LARGEST_ROW = 16 << 20;
const MOST_CELLS = 100_000;

/** Thrown for text that is not CSV. */
export class MalformedCsv extends Error {}

export async function* csvRows(pieces: AsyncIterable<string>): AsyncGenerator<string[]> {
  let row: string[] = [];
  let cell = '';
  let size = 0;
  let isQuoted = false;
  /** After a quote within quotes: the end of the cell, or half of an escaped quote. */
  let isPending = false;
  for await (const piece of pieces) {
    for (const character of piece) {
      if (++size > LARGEST_ROW) throw new MalformedCsv(`a row is longer than ${LARGEST_ROW} characters`);
      if (isPending) {
        isPending = false;
        if (character === '"') {
          cell += '"';
          continue;
        }
        isQuoted = false;
      }
      if (isQuoted) {
        if (character === '"') isPending = true;
        else cell += character;
      } else if (character === '"' && cell === '') isQuoted = true;
      else if (character === ',') {
        if (row.length >= MOST_CELLS) throw new MalformedCsv(`a row has more than ${MOST_CELLS} cells`);
        row.push(cell);
        cell = '';
      } else if (character === '\n') {
        row.push(cell);
        if (row.length > 1 || row[0] !== '') yield row;
        [row, cell, size] = [[], '', 0];
      } else if (character !== '\r') cell += character;
    }
  }
  if (isQuoted && !isPending) throw new MalformedCsv('the last cell has no closing quote');
  if (row.length > 0 || cell !== '') yield [...row, cell];
}
