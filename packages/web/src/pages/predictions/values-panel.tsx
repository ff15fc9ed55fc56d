import { textOf, type PredictionRow, type ValueColumn } from './prediction-rows.ts';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';

export interface ValuesPanelProps {
  readonly title: string;
  readonly side: ValueColumn['side'];
  readonly columns: readonly ValueColumn[];
  readonly row: PredictionRow;
  readonly masked: readonly string[];
}

/** All inputs or outputs of one row. */
export function ValuesPanel({ title, side, columns, row, masked }: ValuesPanelProps) {
  // A file has the columns of all its requests; empty ones are not columns of this request.
  const own = columns.filter((one) => one.side === side && (row.cells[one.column] ?? null) !== null);
  const hidden = columns.filter((one) => one.side === side && masked.includes(one.column));
  const shown = [...own.filter((one) => !hidden.includes(one)), ...hidden];
  return (
    <Panel title={title} flush={shown.length > 0}>
      {shown.length === 0 ? (
        <p className="dim">{absence(row)}</p>
      ) : (
        <PlainTable
          label={side === 'input' ? 'Input values' : 'Output values'}
          rows={shown}
          keyOf={({ column }) => column}
          columns={[
            {
              title: 'Name',
              narrow: true,
              cell: ({ name, type }) => <span title={type}>{name}</span>,
            },
            {
              title: 'Value',
              cell: ({ column }) =>
                masked.includes(column) ? (
                  <span className="dim">masked</span>
                ) : (
                  <div className="prediction-value">{textOf(row.cells[column])}</div>
                ),
            },
          ]}
        />
      )}
    </Panel>
  );
}

function absence({ cells }: PredictionRow): string {
  if (cells['erased'] === true) return 'The values were erased.';
  if (cells['cut'] === true) return 'The tensors exceed the capture size limit.';
  return 'The values are not captured.';
}
