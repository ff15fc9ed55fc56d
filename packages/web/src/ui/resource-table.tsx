import { useVirtualizer } from '@tanstack/react-virtual';
import { memo, useCallback, useEffect, useId, useLayoutEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import { BEYOND, RowRange } from './row-range.ts';
import { RowSlots } from './row-slots.ts';
import { steadyView, type SteadyRow } from './steady-rows.ts';
import { TableHead, type TableSort } from './table-head.tsx';
import { useShortcuts } from './use-shortcuts.ts';
import './label-chip.css';
import './resource-table.css';

export interface TableColumn<Row> {
  readonly id: string;
  readonly title: string;
  /** The title is only for screen readers. */
  readonly untitled?: boolean;
  /** A track of CSS grid: `minmax(160px, 2fr)`. */
  readonly width: string;
  readonly cell: (row: Row) => ReactNode;
  /** Sort key; a column without it cannot be sorted. */
  readonly sortValue?: (row: Row) => string | number;
  /** Rows arrive already sorted. */
  readonly sortable?: boolean;
  /** Numbers are right-aligned. */
  readonly end?: boolean;
}

/** Format in the URL: `name`, or `-name` for descending order. */
export function readSort(text: string | undefined): TableSort | undefined {
  if (text === undefined || text === '') return undefined;
  return text.startsWith('-') ? { column: text.slice(1), descending: true } : { column: text, descending: false };
}

export function writeSort(sort: TableSort | undefined): string | undefined {
  return sort === undefined ? undefined : `${sort.descending ? '-' : ''}${sort.column}`;
}

export interface ResourceTableProps<Row> {
  /** Label of the table for screen readers. */
  readonly label: string;
  readonly rows: readonly Row[];
  readonly columns: readonly TableColumn<Row>[];
  readonly keyOf: (row: Row) => string;
  /** False while rows are still loading: then no changes are held back. */
  readonly complete: boolean;
  readonly sort?: TableSort | undefined;
  readonly onSort: (sort: TableSort | undefined) => void;
  readonly selected?: string | undefined;
  readonly onSelect: (key: string) => void;
  readonly onOpen: (row: Row) => void;
  /** Rows are appended at the end while the user scrolls: those are not held back. */
  readonly growing?: boolean;
  /** Called after scrolling with the indexes of the first and last rendered row. */
  readonly onReach?: (first: number, last: number) => void;
  /** Selection with Space or `x`. */
  readonly onToggle?: (row: Row) => void;
  readonly rowClass?: (row: Row) => string | undefined;
  /** Ids of expanded rows: changes of this set apply immediately, also under the pointer. */
  readonly layout?: string;
  /** Nested rows; the right and left arrow keys expand and collapse them. */
  readonly tree?: TableTree<Row>;
}

export interface TableTree<Row> {
  readonly placeOf: (row: Row) => TreePosition;
  readonly fold: (row: Row, open: boolean) => void;
}

export interface TreePosition {
  /** From 1. */
  readonly level: number;
  /** Undefined: the row has no children. */
  readonly open: boolean | undefined;
}

/** Pixels; fixed, so that ten thousand rows need no measuring. */
const ROW = 28;

/** A table of any length: only visible rows are rendered, and rows under the pointer do not move. */
export function ResourceTable<Row>(props: ResourceTableProps<Row>) {
  const { rows, columns, keyOf, complete, sort, selected, onSelect, onOpen, onReach, onToggle, rowClass, tree } = props;
  const ordered = useMemo(() => order(rows, columns, sort), [rows, columns, sort]);
  const { view, hold, release } = useSteady(ordered, props);
  const scroller = useRef<HTMLDivElement>(null);
  const grid = useRef<HTMLDivElement>(null);
  const body = useRef<HTMLDivElement>(null);
  const id = useId();
  const [range] = useState(() => new RowRange());
  const virtual = useVirtualizer({
    count: view.shown.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    overscan: BEYOND,
    rangeExtractor: range.extract,
  });
  const keys = useMemo(() => view.shown.map(({ row }) => keyOf(row)), [view.shown, keyOf]);
  const at = selected === undefined ? -1 : keys.indexOf(selected);
  const move = (by: number) => {
    const next = Math.min(Math.max(at + by, 0), keys.length - 1);
    const key = keys[next];
    if (key === undefined) return;
    virtual.scrollToIndex(next);
    grid.current?.focus({ preventScroll: true });
    onSelect(key);
  };
  useShortcuts([
    { keys: 'j', title: '', run: () => move(1) },
    { keys: 'k', title: '', run: () => move(-1) },
  ]);
  // A link to a selected row shows that row.
  const shownFirst = useRef(false);
  useEffect(() => {
    if (at < 0 || shownFirst.current) return;
    shownFirst.current = true;
    virtual.scrollToIndex(at, { align: 'center' });
  }, [at, virtual]);
  /** As in every tree: Left and Right expand and collapse; Left in a child row moves to its parent. */
  const foldBy = (key: string): boolean => {
    const row = view.shown[at]?.row;
    if (tree === undefined || row === undefined || (key !== 'ArrowRight' && key !== 'ArrowLeft')) return false;
    const { level, open } = tree.placeOf(row);
    if (open === (key === 'ArrowLeft')) tree.fold(row, !open);
    else if (key === 'ArrowLeft' && level > 1) {
      const above = view.shown.slice(0, at).findLastIndex((other) => tree.placeOf(other.row).level < level);
      move(above - at);
    }
    return true;
  };
  const press = (event: React.KeyboardEvent) => {
    if (event.target !== event.currentTarget) return;
    const by = STEPS[event.key];
    const row = view.shown[at];
    if (by !== undefined) move(by);
    else if (foldBy(event.key)) event.preventDefault();
    else if (event.key === 'Enter' && row !== undefined) onOpen(row.row);
    else if ((event.key === ' ' || event.key === 'x') && row !== undefined && onToggle !== undefined) onToggle(row.row);
    else return;
    event.preventDefault();
  };
  const items = virtual.getVirtualItems();
  const [rowSlots] = useState(() => new RowSlots());
  const slots = rowSlots.of(items.map(({ index }) => keys[index] ?? ''));
  const { leaps } = rowSlots;
  // A pressed key would apply to a row that is out of view.
  useLayoutEffect(() => {
    if (leaps > 0 && body.current?.contains(document.activeElement) === true) {
      grid.current?.focus({ preventScroll: true });
    }
  }, [leaps]);
  const rendered = items.some((item) => item.index === at);
  const [first, last] = [items[0]?.index ?? 0, items.at(-1)?.index ?? 0];
  useEffect(() => onReach?.(first, last), [onReach, first, last]);
  const tracks = { '--columns': columns.map((column) => column.width).join(' ') } as React.CSSProperties;
  return (
    <div className="table" style={tracks}>
      <div className="table-scroll" ref={scroller} onMouseLeave={release}>
        <div
          ref={grid}
          role={tree === undefined ? 'grid' : 'treegrid'}
          aria-label={props.label}
          aria-rowcount={view.shown.length + 1}
          aria-busy={!complete}
          aria-activedescendant={rendered ? `${id}-${at}` : undefined}
          tabIndex={0}
          onKeyDown={press}
        >
          <TableHead columns={columns} sort={sort} onSort={props.onSort} />
          <div
            ref={body}
            role="rowgroup"
            className="table-body"
            style={{ height: virtual.getTotalSize() }}
            onMouseEnter={hold}
          >
            {items.map((item, position) => {
              const steady = view.shown[item.index];
              if (steady === undefined) return null;
              const nesting = tree?.placeOf(steady.row);
              return (
                <TableRow
                  key={slots[position]}
                  id={`${id}-${item.index}`}
                  index={item.index}
                  start={item.start}
                  steady={steady.row}
                  gone={steady.gone}
                  columns={columns}
                  selected={item.index === at}
                  rowClass={rowClass}
                  level={nesting?.level}
                  open={nesting?.open}
                />
              );
            })}
          </div>
        </div>
      </div>
      <Waiting view={view} release={release} />
    </div>
  );
}

const STEPS: Readonly<Record<string, number>> = {
  ArrowDown: 1,
  ArrowUp: -1,
  PageDown: 20,
  PageUp: -20,
  Home: -Infinity,
  End: Infinity,
};

function order<Row>(
  rows: readonly Row[],
  columns: readonly TableColumn<Row>[],
  sort: TableSort | undefined,
): readonly Row[] {
  const value = columns.find((column) => column.id === sort?.column)?.sortValue;
  if (value === undefined) return rows;
  const sign = sort?.descending === true ? -1 : 1;
  return rows
    .map((row) => ({ row, by: value(row) }))
    .sort((a, b) => (a.by < b.by ? -sign : a.by > b.by ? sign : 0))
    .map(({ row }) => row);
}

function useSteady<Row>(rows: readonly Row[], props: ResourceTableProps<Row>) {
  const { keyOf, complete, growing = false, layout = '' } = props;
  const [held, setHeld] = useState<{ readonly rows: readonly Row[]; readonly layout: string }>();
  if (held !== undefined && held.layout !== layout) setHeld({ rows, layout });
  const view = useMemo(() => steadyView(rows, held?.rows, keyOf, growing), [rows, held, keyOf, growing]);
  const current = useRef({ rows, layout });
  useEffect(() => {
    current.current = { rows, layout };
  }, [rows, layout]);
  const hold = useCallback(() => {
    if (complete) setHeld(current.current);
  }, [complete]);
  const release = useCallback(() => setHeld(undefined), []);
  return { view, hold, release };
}

function Waiting({
  view,
  release,
}: {
  readonly view: { readonly added: number; readonly gone: number };
  readonly release: () => void;
}) {
  const parts = [...(view.added > 0 ? [`${view.added} new`] : []), ...(view.gone > 0 ? [`${view.gone} removed`] : [])];
  return (
    <div role="status" className="table-waiting">
      {parts.length > 0 && (
        <button type="button" onClick={release}>
          Updates paused: {parts.join(', ')}. Show now
        </button>
      )}
    </div>
  );
}

interface TableRowProps<Row> {
  readonly id: string;
  readonly index: number;
  readonly start: number;
  readonly steady: SteadyRow<Row>['row'];
  readonly gone: boolean;
  readonly columns: readonly TableColumn<Row>[];
  readonly selected: boolean;
  readonly rowClass: ((row: Row) => string | undefined) | undefined;
  readonly level: number | undefined;
  readonly open: boolean | undefined;
}

/** Rendered again only when its own resource, position or columns change. */
const TableRow = memo(function TableRow<Row>({
  id,
  index,
  start,
  steady,
  gone,
  columns,
  selected,
  rowClass,
  level,
  open,
}: TableRowProps<Row>) {
  const own = rowClass?.(steady);
  return (
    <div
      role="row"
      id={id}
      aria-rowindex={index + 2}
      aria-selected={selected}
      aria-level={level}
      aria-expanded={open}
      className={`table-row${gone ? ' table-row-gone' : ''}${own === undefined ? '' : ` ${own}`}`}
      style={{ transform: `translateY(${start}px)` }}
    >
      {columns.map((column) => (
        <div key={column.id} role="gridcell" data-end={column.end}>
          {column.cell(steady)}
        </div>
      ))}
    </div>
  );
}) as <Row>(props: TableRowProps<Row>) => ReactNode;
