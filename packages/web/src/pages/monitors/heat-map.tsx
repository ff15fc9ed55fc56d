import type { MonitorHistory } from '@dais/api/monitoring';
import { useId, useState } from 'react';
import { heatRows, type HeatCell, type HeatRow } from './heat-map.ts';
import { figure, MONITOR_STATES, windowText } from './monitor-words.ts';
import { EmptyState } from '#ui/empty-state.tsx';

export interface HeatChoice {
  readonly window: number;
  readonly check: string;
  readonly column: string;
}

export interface HeatMapProps {
  readonly history: MonitorHistory;
  readonly chosen: Partial<HeatChoice>;
  readonly choose: (choice: HeatChoice) => void;
}

/** Further rows are expanded on request. */
const SHOWN = 40;
const MARKS = { failing: '!', unknown: '?', passing: '' } as const;

/** A heat map of columns by windows: darker cells deviate more, and a mark shows a violated threshold. */
export function HeatMap({ history, chosen, choose }: HeatMapProps) {
  const id = useId();
  const [all, setAll] = useState(false);
  const rows = heatRows(history);
  const shown = all ? rows : rows.slice(0, SHOWN);
  const { windows } = history;
  const at = {
    row: Math.max(
      0,
      shown.findIndex(({ check, column }) => check === chosen.check && column === chosen.column),
    ),
    place: Math.max(
      0,
      windows.findIndex(({ number }) => number === chosen.window),
    ),
  };
  const pick = (row: number, position: number) => {
    const [one, window] = [shown[row], windows[position]];
    if (one !== undefined && window !== undefined) {
      choose({ window: window.number, check: one.check, column: one.column });
    }
  };
  const press = (event: React.KeyboardEvent) => {
    const by = STEPS[event.key];
    if (by === undefined) return;
    event.preventDefault();
    pick(
      Math.min(Math.max(at.row + by[0], 0), shown.length - 1),
      Math.min(Math.max(at.place + by[1], 0), windows.length - 1),
    );
  };
  if (rows.length === 0) {
    return (
      <EmptyState sentence="No drift values yet. They need a completed window with enough rows and a check on columns." />
    );
  }
  return (
    <>
      <div className="scroll-x">
        <div
          role="grid"
          aria-label="Drift by column and window"
          className="heat-map"
          tabIndex={0}
          aria-activedescendant={chosen.window === undefined ? undefined : `${id}-${at.row}-${at.place}`}
          onKeyDown={press}
        >
          {shown.map((row, index) => (
            <Row
              key={row.key}
              id={`${id}-${index}`}
              row={row}
              history={history}
              chosen={row.check === chosen.check && row.column === chosen.column ? chosen.window : undefined}
              choose={(position) => pick(index, position)}
            />
          ))}
        </div>
      </div>
      <p className="heat-legend dim">
        <Reach windows={windows} />
        <span className="heat-cell" data-status="passing" style={{ '--heat': 0.1 } as React.CSSProperties} /> no drift
        <span className="heat-cell" data-status="passing" style={{ '--heat': 0.5 } as React.CSSProperties} /> near the
        threshold
        <span className="heat-cell" data-status="failing">
          !
        </span>{' '}
        above the threshold
        <span className="heat-cell" data-status="unknown">
          ?
        </span>{' '}
        no data
        {rows.length > shown.length && (
          <button type="button" className="predictions-choose" onClick={() => setAll(true)}>
            Show all {rows.length} rows
          </button>
        )}
      </p>
    </>
  );
}

/** Labels of the window axis: not all columns have room for text. */
function Reach({ windows }: { readonly windows: MonitorHistory['windows'] }) {
  const [first, last] = [windows[0], windows.at(-1)];
  if (first === undefined || last === undefined) return null;
  return (
    <span>
      Windows {first.number} to {last.number}, {windowText(first.from, last.until)}:
    </span>
  );
}

const STEPS: Readonly<Record<string, readonly [rows: number, windows: number]>> = {
  ArrowDown: [1, 0],
  ArrowUp: [-1, 0],
  ArrowRight: [0, 1],
  ArrowLeft: [0, -1],
};

interface RowProps {
  readonly id: string;
  readonly row: HeatRow;
  readonly history: MonitorHistory;
  readonly chosen: number | undefined;
  readonly choose: (position: number) => void;
}

function Row({ id, row, history, chosen, choose }: RowProps) {
  return (
    <div role="row" className="heat-row">
      <div role="rowheader" title={`${row.check}: ${row.metric} of ${row.column}`}>
        {row.column} <span className="dim">{row.metric}</span>
      </div>
      {row.cells.map((cell, position) => (
        <div
          key={cell.window}
          id={`${id}-${position}`}
          role="gridcell"
          className="heat-cell"
          data-status={cell.status ?? 'none'}
          aria-selected={cell.window === chosen}
          aria-label={cellText(row, cell)}
          title={`${cellText(row, cell)}\n${windowLabel(history, position)}`}
          style={{ '--heat': cell.heat } as React.CSSProperties}
          onClick={() => choose(position)}
        >
          {cell.status === null ? '' : MARKS[cell.status]}
        </div>
      ))}
    </div>
  );
}

function cellText({ column, metric }: HeatRow, { window, value, p, status }: HeatCell): string {
  const result = status === null ? 'no result' : MONITOR_STATES[status].word;
  return `${column} in window ${window}: ${metric} ${figure(value)}${p === null ? '' : `, p ${figure(p)}`}, ${result}`;
}

function windowLabel({ windows }: MonitorHistory, position: number): string {
  const window = windows[position];
  return window === undefined ? '' : windowText(window.from, window.until);
}
