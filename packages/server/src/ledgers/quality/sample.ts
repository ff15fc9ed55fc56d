/** Samples of rows, for storage and display. */
import { MOST_SAMPLE_ROWS, type RowSample, type SampleCell } from '@dais/api/data';
import type { Cell, StatementResult } from '#engines/query/contract.ts';

/** Orders the columns of a sample, relevant ones first. */
const MOST_COLUMNS = 50;
const MOST_TEXT = 200;

export function sampleOf({ columns, rows }: StatementResult, show: readonly string[], total: number): RowSample {
  const names = columns.map(({ name }) => name);
  const first = show.filter((name) => names.includes(name));
  const order = [...new Set([...first, ...names])].slice(0, MOST_COLUMNS);
  const places = order.map((name) => names.indexOf(name));
  return {
    columns: order,
    rows: rows.slice(0, MOST_SAMPLE_ROWS).map((row) => places.map((place) => shownCell(row[place] ?? null))),
    total: Math.max(total, rows.length),
    masked: [],
  };
}

function shownCell(cell: Cell): SampleCell {
  if (cell === null || typeof cell === 'number' || typeof cell === 'boolean') return cell;
  const text = typeof cell === 'string' ? cell : JSON.stringify(cell);
  return text.length > MOST_TEXT ? `${text.slice(0, MOST_TEXT)}…` : text;
}
