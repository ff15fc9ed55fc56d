export interface TableSort {
  readonly column: string;
  readonly descending: boolean;
}

interface HeadColumn {
  readonly id: string;
  readonly title: string;
  readonly untitled?: boolean;
  readonly sortValue?: unknown;
  readonly sortable?: boolean;
  readonly end?: boolean;
}

interface TableHeadProps {
  readonly columns: readonly HeadColumn[];
  readonly sort: TableSort | undefined;
  readonly onSort: (sort: TableSort | undefined) => void;
}

/** Titles and sort order. */
export function TableHead({ columns, sort, onSort }: TableHeadProps) {
  return (
    <div role="rowgroup" className="table-head">
      <div role="row" aria-rowindex={1} className="table-row">
        {columns.map((column) => {
          const mine = sort?.column === column.id ? sort : undefined;
          const next =
            mine === undefined
              ? { column: column.id, descending: false }
              : mine.descending
                ? undefined
                : { column: column.id, descending: true };
          return (
            <div
              key={column.id}
              role="columnheader"
              data-end={column.end}
              title={column.title}
              aria-sort={mine === undefined ? 'none' : mine.descending ? 'descending' : 'ascending'}
            >
              {column.sortValue === undefined && column.sortable !== true ? (
                <span className={column.untitled === true ? 'out-of-sight' : undefined}>{column.title}</span>
              ) : (
                <button type="button" onClick={() => onSort(next)}>
                  {column.title}
                  <span aria-hidden="true">{mine === undefined ? '' : mine.descending ? ' ↓' : ' ↑'}</span>
                </button>
              )}
            </div>
          );
        })}
      </div>
    </div>
  );
}
