import { countNoun } from '@dais/api';
import type { MonitorSummary } from '@dais/api/monitoring';
import { MONITOR_STATES } from './monitor-words.ts';

export interface WindowStripProps {
  readonly label: string;
  /** Oldest first. */
  readonly windows: MonitorSummary['recent'];
}

/** The newest windows as a row of bars: high and red for failing, open for unknown, low for passing. */
export function WindowStrip({ label, windows }: WindowStripProps) {
  const bad = windows.filter(({ status }) => status === 'failing').length;
  const unknown = windows.filter(({ status }) => status === 'unknown').length;
  const [step, height] = [6, 16];
  return (
    <svg
      className="window-strip"
      width={Math.max(windows.length, 1) * step}
      height={height}
      role="img"
      aria-label={`${label}: ${windows.length}, ${bad} failing and ${unknown} unknown`}
    >
      {windows.map(({ number, status, rows, until }, at) => {
        const tall = status === 'failing' ? height : height / 2;
        return (
          <rect
            key={number}
            data-status={status}
            x={at * step + 0.5}
            y={height - tall + 0.5}
            width={4}
            height={tall - 1}
          >
            <title>{`window ${number}, until ${new Date(until).toLocaleString()}: ${MONITOR_STATES[status].word}, ${countNoun(rows, 'row')}`}</title>
          </rect>
        );
      })}
    </svg>
  );
}
