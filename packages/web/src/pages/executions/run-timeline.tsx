import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useMemo, useRef, type KeyboardEvent } from 'react';
import { NODE_STATES, sourceWord, tookText } from './execution-words.ts';
import type { Marks } from './marks.ts';
import { tickText, ticksOf, timelineOf } from './timeline.ts';
import { durationText } from '#pages/runs/run-words.ts';
import { useNow } from '#ui/clock.tsx';
import { EmptyState } from '#ui/empty-state.tsx';
import { StateShape } from '#ui/state-badge.tsx';

const ROW = 26;

export interface RunTimelineProps {
  readonly marks: Marks;
  readonly chosen: string | undefined;
  readonly choose: (path: string) => void;
}

/** A timeline of the steps, the earliest first; only visible rows are rendered. */
export function RunTimeline({ marks, chosen, choose }: RunTimelineProps) {
  const now = useNow();
  const { rows, totalMs } = useMemo(() => timelineOf(marks, now), [marks, now]);
  const ticks = useMemo(() => ticksOf(totalMs), [totalMs]);
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    overscan: 10,
  });
  const at = rows.findIndex(({ mark }) => mark.path === chosen);
  const shownFirst = useRef(false);
  useEffect(() => {
    if (at < 0 || shownFirst.current) return;
    shownFirst.current = true;
    virtual.scrollToIndex(at, { align: 'center' });
  }, [at, virtual]);
  const press = (event: KeyboardEvent) => {
    const by = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    const next = rows[Math.min(Math.max(at + by, 0), rows.length - 1)];
    if (by === 0 || next === undefined) return;
    event.preventDefault();
    choose(next.mark.path);
    virtual.scrollToIndex(rows.indexOf(next));
    scroller.current?.focus({ preventScroll: true });
  };
  if (rows.length === 0) return <EmptyState sentence="No step has started yet. The timeline shows when steps run." />;
  return (
    <div className="timeline">
      <div className="timeline-head" aria-hidden="true">
        <span>{durationText(totalMs)} total</span>
        <svg>
          {ticks.map((ms) => (
            <text key={ms} x={`${(ms / totalMs) * 100}%`} y="14" textAnchor={ms > totalMs * 0.95 ? 'end' : 'middle'}>
              {tickText(ms)}
            </text>
          ))}
        </svg>
      </div>
      <div
        ref={scroller}
        className="timeline-scroll"
        role="group"
        aria-label="Timeline of the job"
        tabIndex={0}
        onKeyDown={press}
      >
        <div className="timeline-rows" style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map(({ index, start }) => {
            const row = rows[index];
            if (row === undefined) return null;
            const { mark, left, width } = row;
            const { state, word } = NODE_STATES[mark.state];
            return (
              <button
                key={mark.path}
                type="button"
                tabIndex={-1}
                className="timeline-row"
                aria-pressed={mark.path === chosen}
                style={{ transform: `translateY(${start}px)` }}
                title={`${mark.path}: ${sourceWord(mark.source) ?? word}, ${tookText(mark, now)}`}
                onClick={() => choose(mark.path)}
              >
                <span className="timeline-name">
                  <StateShape state={state} /> {mark.path}
                </span>
                <svg aria-hidden="true">
                  {ticks.map((ms) => (
                    <line key={ms} x1={`${(ms / totalMs) * 100}%`} x2={`${(ms / totalMs) * 100}%`} y1="0" y2={ROW} />
                  ))}
                  <rect
                    data-state={state}
                    x={`${left * 100}%`}
                    y="7"
                    height="12"
                    rx="2"
                    style={{ width: `max(3px, ${width * 100}%)` }}
                  />
                </svg>
                <span className="timeline-took">{tookText(mark, now)}</span>
              </button>
            );
          })}
        </div>
      </div>
    </div>
  );
}
