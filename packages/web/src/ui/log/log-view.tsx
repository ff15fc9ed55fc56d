import { useVirtualizer } from '@tanstack/react-virtual';
import { memo, useDeferredValue, useEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import { ansiParts, plainText, type AnsiStyle } from './ansi.ts';
import { findInLog, type LogLines } from './log-lines.ts';
import { ActionIcon, Button, TextInput } from '#ui/controls.ts';
import { CopyButton } from '#ui/copy-button.tsx';
import { Icon } from '#ui/icons.tsx';
import './log-view.css';

export interface LogViewProps {
  readonly label: string;
  readonly log: LogLines;
  /** The log is complete. */
  readonly ended: boolean;
  /** Controls next to the search field. */
  readonly actions?: ReactNode;
}

/** Pixels; fixed, so that a hundred thousand lines need no measuring. */
const LINE = 18;

/** The live output of a program: the view follows the end until the user scrolls up. */
export function LogView({ label, log, ended, actions }: LogViewProps) {
  const { lines, dropped } = log;
  const [search, setSearch] = useState('');
  const query = useDeferredValue(search);
  const found = useMemo(() => findInLog(lines, query, plainText), [lines, query]);
  const [at, setAt] = useState(0);
  const [following, setFollowing] = useState(true);
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => LINE,
    overscan: 20,
  });
  const count = lines.length;
  useEffect(() => {
    if (following && count > 0) virtual.scrollToIndex(count - 1, { align: 'end' });
  }, [following, count, virtual]);
  const current = found[Math.min(at, found.length - 1)];
  const go = (to: number) => {
    if (found.length === 0) return;
    const next = (to + found.length) % found.length;
    setAt(next);
    setFollowing(false);
    virtual.scrollToIndex(found[next] ?? 0, { align: 'center' });
  };
  const scrolled = () => {
    const element = scroller.current;
    if (element === null) return;
    setFollowing(element.scrollTop + element.clientHeight >= element.scrollHeight - LINE);
  };
  return (
    <div className="log">
      <div className="log-bar">
        <TextInput
          aria-label="Search the log"
          placeholder="Search"
          value={search}
          onChange={(event) => {
            setSearch(event.currentTarget.value);
            setAt(0);
          }}
          onKeyDown={(event) => {
            if (event.key === 'Enter') go(search === query ? at + (event.shiftKey ? -1 : 1) : 0);
            if (event.key === 'Escape') setSearch('');
          }}
        />
        {search !== '' && (
          <>
            <span role="status" className="log-found">
              {found.length === 0
                ? 'nowhere'
                : `${(Math.min(at, found.length - 1) + 1).toLocaleString('en')} of ${found.length.toLocaleString('en')}`}
            </span>
            <ActionIcon aria-label="Previous match" disabled={found.length === 0} onClick={() => go(at - 1)}>
              <Icon name="up" />
            </ActionIcon>
            <ActionIcon aria-label="Next match" disabled={found.length === 0} onClick={() => go(at + 1)}>
              <Icon name="down" />
            </ActionIcon>
          </>
        )}
        <span className="log-bar-end">
          <span className="dim">
            {count.toLocaleString('en')} {count === 1 ? 'line' : 'lines'}
          </span>
          {!following && count > 0 && (
            <Button variant="default" size="compact-xs" onClick={() => setFollowing(true)}>
              {ended ? 'Go to end' : 'Follow'}
            </Button>
          )}
          <CopyButton text={() => lines.map(plainText).join('\n')} label="Copy log" />
          {actions}
        </span>
      </div>
      {dropped > 0 && <p className="log-note dim">The first {dropped.toLocaleString('en')} lines are not shown.</p>}
      <div
        ref={scroller}
        className="log-scroll"
        role="log"
        aria-label={label}
        aria-live="off"
        tabIndex={0}
        onScroll={scrolled}
      >
        {count === 0 && <p className="log-note dim">{ended ? 'The log is empty.' : 'No log output yet.'}</p>}
        <div className="log-lines" style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map(({ index, start }) => (
            <Line
              key={index}
              number={dropped + index + 1}
              text={lines[index] ?? ''}
              start={start}
              query={query}
              current={index === current && query !== ''}
            />
          ))}
        </div>
      </div>
    </div>
  );
}

interface LineProps {
  readonly number: number;
  readonly text: string;
  readonly start: number;
  readonly query: string;
  readonly current: boolean;
}

const Line = memo(function Line({ number, text, start, query, current }: LineProps) {
  return (
    <div className="log-line" data-current={current || undefined} style={{ transform: `translateY(${start}px)` }}>
      <span className="log-number" aria-hidden="true">
        {number}
      </span>
      <code>
        {ansiParts(text).map((part, at) => (
          <span key={at} className={classOf(part.style)}>
            {marked(part.text, query)}
          </span>
        ))}
      </code>
    </div>
  );
});

const COLORS = ['ink', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'ink'] as const;

function classOf({ color, bold, dim }: AnsiStyle): string | undefined {
  const names = [
    ...(color === undefined ? [] : [`log-${COLORS[color] ?? 'ink'}`]),
    ...(bold ? ['log-bold'] : []),
    ...(dim ? ['dim'] : []),
  ];
  return names.length === 0 ? undefined : names.join(' ');
}

/** Longest line with marked matches: longer ones are marked as a whole. */
const MOST_MARKED = 5000;

function marked(text: string, query: string): ReactNode {
  if (query === '' || text.length > MOST_MARKED) return text;
  const [lower, needle] = [text.toLowerCase(), query.toLowerCase()];
  const parts: ReactNode[] = [];
  let from = 0;
  for (let at = lower.indexOf(needle); at !== -1; at = lower.indexOf(needle, from)) {
    parts.push(text.slice(from, at), <mark key={at}>{text.slice(at, at + needle.length)}</mark>);
    from = at + needle.length;
  }
  return [...parts, text.slice(from)];
}
