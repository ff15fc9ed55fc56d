/** Rows of predictions by column names. Pure functions. */
import type { PredictionRows } from '@dais/api/serving';

export interface PredictionRow {
  readonly key: string;
  readonly id: string;
  readonly row: number;
  readonly cells: Readonly<Record<string, unknown>>;
}

/** Columns of every prediction, and joined ones; all others are inputs and outputs. */
const IN = 'in_';
const OUT = 'out_';

export function readRows({ columns, rows }: Pick<PredictionRows, 'columns' | 'rows'>): readonly PredictionRow[] {
  return rows.map((row) => {
    const cells = Object.fromEntries(columns.map(({ name }, at) => [name, row[at]]));
    const id = textOf(cells['prediction_id']);
    const position = Number(cells['row'] ?? 0);
    return { key: `${id} ${position}`, id, row: position, cells };
  });
}

export function textOf(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

export function numberOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  return typeof value === 'string' && value !== '' && Number.isFinite(Number(value)) ? Number(value) : undefined;
}

export interface ValueColumn {
  /** Name in the table: `in_age`. */
  readonly column: string;
  /** Name in the model: `age`. */
  readonly name: string;
  readonly side: 'input' | 'output';
  readonly type: string;
}

/** Inputs, then outputs. */
export function valueColumns(columns: PredictionRows['columns']): readonly ValueColumn[] {
  const of = (side: ValueColumn['side'], prefix: string) =>
    columns
      .filter(({ name }) => name.startsWith(prefix))
      .map(({ name, type }): ValueColumn => ({ column: name, name: name.slice(prefix.length), side, type }));
  return [...of('input', IN), ...of('output', OUT)];
}

/** Long values are truncated; the page of the prediction shows them in full. */
export function shortText(value: unknown, most = 60): string {
  if (typeof value === 'number') return String(Number(value.toPrecision(6)));
  if (Array.isArray(value) && value.length > 6)
    return `[${value
      .slice(0, 6)
      .map((one) => shortText(one))
      .join(', ')}, … ${value.length}]`;
  if (Array.isArray(value)) return `[${value.map((one) => shortText(one)).join(', ')}]`;
  const text = textOf(value);
  return text.length > most ? `${text.slice(0, most)}…` : text;
}

/** Rows of a query result by column names. */
export function readNamed({
  columns,
  rows,
}: Pick<PredictionRows, 'columns' | 'rows'>): readonly Readonly<Record<string, unknown>>[] {
  return rows.map((row) => Object.fromEntries(columns.map(({ name }, at) => [name, row[at]])));
}
