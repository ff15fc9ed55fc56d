import { useMemo, useState } from 'react';
import { spanContent } from './span-content.ts';
import { SPAN_STATES } from './trace-words.ts';
import { openRows, type Waterfall, type WaterfallRow } from './waterfall.ts';
import { durationText } from '#pages/runs/run-words.ts';
import { ActionIcon, Button } from '#ui/controls.ts';
import { Icon } from '#ui/icons.tsx';

export interface WaterfallTableProps {
  readonly waterfall: Waterfall;
  /** Id of the selected span. */
  readonly chosen: string;
  readonly select: (id: string) => void;
}

/** Rows that are shown initially: a trace usually has few spans, but a faulty program can write thousands. */
const STEP = 500;

/** The spans of a trace as a waterfall over the total time. */
export function WaterfallTable({ waterfall: { rows, totalMs }, chosen, select }: WaterfallTableProps) {
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const [most, setMost] = useState(STEP);
  const shown = useMemo(() => openRows(rows, closed), [rows, closed]);
  const fold = (id: string) =>
    setClosed((before) => {
      const next = new Set(before);
      if (!next.delete(id)) next.add(id);
      return next;
    });
  return (
    <div className="waterfall" role="region" aria-label="Spans" tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th scope="col">Span</th>
            <th scope="col">Duration</th>
            <th scope="col" className="waterfall-time">
              Timeline of {durationText(totalMs)}
            </th>
          </tr>
        </thead>
        <tbody>
          {shown.slice(0, most).map((row) => (
            <Row
              key={row.span.id}
              row={row}
              chosen={row.span.id === chosen}
              closed={closed.has(row.span.id)}
              select={() => select(row.span.id)}
              fold={() => fold(row.span.id)}
            />
          ))}
        </tbody>
      </table>
      {shown.length > most && (
        <Button variant="default" onClick={() => setMost(most + STEP)}>
          Show {Math.min(STEP, shown.length - most).toLocaleString('en')} more
        </Button>
      )}
    </div>
  );
}

interface RowProps {
  readonly row: WaterfallRow;
  readonly chosen: boolean;
  readonly closed: boolean;
  readonly select: () => void;
  readonly fold: () => void;
}

function Row({
  row: { span, depth, durationMs, startMs, left, width, children },
  chosen,
  closed,
  select,
  fold,
}: RowProps) {
  const { type } = spanContent(span);
  const state = SPAN_STATES[span.status ?? 'UNSET'];
  return (
    <tr data-selected={chosen || undefined}>
      <td>
        <span className="waterfall-name" style={{ paddingLeft: Math.min(depth, 24) * 12 }}>
          {children > 0 ? (
            <ActionIcon
              size="xs"
              aria-label={`${closed ? 'Expand' : 'Collapse'} ${span.name}`}
              aria-expanded={!closed}
              onClick={fold}
            >
              <Icon name={closed ? 'right' : 'down'} />
            </ActionIcon>
          ) : (
            <span className="waterfall-leaf" />
          )}
          <button type="button" aria-pressed={chosen} onClick={select}>
            {span.name}
          </button>
          {type !== undefined && <span className="label-chip">{type.toLowerCase()}</span>}
          {span.status === 'ERROR' && <span className="waterfall-failed">{state.word}</span>}
        </span>
      </td>
      <td className="waterfall-took">{durationMs === undefined ? 'in progress' : spanDuration(durationMs)}</td>
      <td className="waterfall-time">
        <span
          className="waterfall-bar"
          data-state={state.state}
          title={`after ${spanDuration(startMs)}`}
          style={{ marginLeft: `${left * 100}%`, width: `max(2px, ${width * 100}%)` }}
        />
      </td>
    </tr>
  );
}

/** Spans can take less than a millisecond. */
export function spanDuration(ms: number): string {
  return ms > 0 && ms < 10 ? `${Number(ms.toPrecision(2))} ms` : durationText(ms);
}
