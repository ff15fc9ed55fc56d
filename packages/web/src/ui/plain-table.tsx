import type { ReactNode } from 'react';
import './plain-table.css';

export interface PlainColumn<Row> {
  readonly title: string;
  readonly cell: (row: Row) => ReactNode;
  /** No wider than its content. */
  readonly narrow?: boolean;
  /** What it means; shown on hover. */
  readonly about?: string;
  /** The title can wrap: it is longer than the values. */
  readonly wrapped?: boolean;
}

export interface PlainTableProps<Row> {
  /** Label of the table for screen readers. */
  readonly label: string;
  readonly columns: readonly PlainColumn<Row>[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string | number;
  /** The row whose details are shown elsewhere. */
  readonly selected?: string | number | undefined;
}

/** A table of up to a few dozen rows that rarely change; longer ones are a ResourceTable. */
export function PlainTable<Row>({ label, columns, rows, keyOf, selected }: PlainTableProps<Row>) {
  return (
    <div className="plain-table" role="region" aria-label={label} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {columns.map(({ title, narrow, about, wrapped }) => (
              <th key={title} scope="col" data-narrow={narrow} data-wrapped={wrapped} title={about}>
                {title === '' ? <span className="out-of-sight">Actions</span> : title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)} data-selected={keyOf(row) === selected || undefined}>
              {columns.map(({ title, cell, narrow }) => (
                <td key={title} data-narrow={narrow}>
                  {cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
