import { cellText } from './data-words.ts';

export interface DataTableProps {
  readonly label: string;
  readonly columns: readonly { readonly name: string; readonly type?: string }[];
  readonly rows: readonly (readonly unknown[])[];
  /** Columns that are masked for the viewer. */
  readonly masked: readonly string[];
}

/** The file has more columns than these. */
const MOST_COLUMNS = 100;
/** Longer texts are truncated; the full text is shown on hover. */
const MOST_CHARACTERS = 120;

/** Rows of data, masked for the viewer where needed. */
export function DataTable({ label, columns, rows, masked }: DataTableProps) {
  const hidden = new Set(masked);
  const shown = columns.slice(0, MOST_COLUMNS);
  const numeric = new Set(
    shown.flatMap(({ name }, position) => (rows.some((row) => typeof row[position] === 'number') ? [name] : [])),
  );
  return (
    <>
      <div className="plain-table data-rows" role="region" aria-label={label} tabIndex={0}>
        <table>
          <thead>
            <tr>
              {shown.map(({ name, type }) => (
                <th key={name} scope="col" title={type} data-number={numeric.has(name) || undefined}>
                  {name}
                  {hidden.has(name) && (
                    <>
                      {' '}
                      <span className="label-chip">masked</span>
                    </>
                  )}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row, at) => (
              // oxlint-disable-next-line react/no-array-index-key -- rows have no name, and their order stays
              <tr key={at}>
                {shown.map(({ name }, position) => (
                  <Cell key={name} value={row[position]} masked={hidden.has(name)} />
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {columns.length > MOST_COLUMNS && (
        <p className="dim">
          The first {MOST_COLUMNS} of {columns.length.toLocaleString('en')} columns.
        </p>
      )}
    </>
  );
}

function Cell({ value, masked }: { readonly value: unknown; readonly masked: boolean }) {
  if (value === null || value === undefined) return <td className="dim">{masked ? 'masked' : 'null'}</td>;
  // Most times have no fraction of a second.
  const text = cellText(value).replace(/^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.0+Z$/, '$1Z');
  const long = text.length > MOST_CHARACTERS;
  return (
    <td data-number={typeof value === 'number' || undefined} title={long ? text.slice(0, 2000) : undefined}>
      {long ? `${text.slice(0, MOST_CHARACTERS)}…` : text}
    </td>
  );
}
