/** The lines of a growing log. Pure functions; existing lines stay the same objects. */

export interface LogLines {
  readonly lines: readonly string[];
  /** The last line can be incomplete. */
  readonly open: boolean;
  /** Number of dropped lines. */
  readonly dropped: number;
}

/** A page that stays open all night must not grow without limit. */
const MOST_LINES = 100_000;

export const NO_LINES: LogLines = { lines: [], open: false, dropped: 0 };

export function appendLog(log: LogLines, text: string, most = MOST_LINES): LogLines {
  if (text === '') return log;
  const parts = text.split('\n');
  const open = parts.at(-1) !== '';
  if (!open) parts.pop();
  const last = log.lines.at(-1);
  const lines =
    log.open && last !== undefined
      ? [...log.lines.slice(0, -1), `${last}${parts[0] ?? ''}`, ...parts.slice(1)]
      : [...log.lines, ...parts];
  // Occasionally, not with every line.
  const over = lines.length > most + most / 10 ? lines.length - most : 0;
  return { lines: over === 0 ? lines : lines.slice(over), open, dropped: log.dropped + over };
}

/** Indexes of the lines that contain a text, ignoring case. */
export function findInLog(lines: readonly string[], text: string, plain: (line: string) => string): readonly number[] {
  const query = text.toLowerCase();
  if (query === '') return [];
  return lines.flatMap((line, index) => (plain(line).toLowerCase().includes(query) ? [index] : []));
}
