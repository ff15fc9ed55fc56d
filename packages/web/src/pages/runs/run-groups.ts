/** Runs grouped by a shared value. The server sorts them by that value; this adds the headings. Pure functions. */
import type { Run } from '@dais/api/tracking';
import { columnOf } from './run-columns.ts';
import type { ChildrenNote } from './run-tree.ts';

export interface GroupHead {
  readonly group: string;
  /** Absent: runs without a value. */
  readonly value: string | undefined;
  /** Number of the loaded runs. */
  readonly runs: number;
  readonly closed: boolean;
}

export type RunRow = Run | GroupHead | ChildrenNote;

export const isHead = (row: RunRow): row is GroupHead => 'group' in row;
export const isNote = (row: RunRow): row is ChildrenNote => 'childrenOf' in row;
export const isRun = (row: RunRow): row is Run => !isHead(row) && !isNote(row);

export function rowKey(row: RunRow): string {
  if (isHead(row)) return `group ${row.value ?? ''}`;
  return isNote(row) ? `nested in ${row.childrenOf}` : row.id;
}

/** `by`: id of a column; `closed`: values whose runs are hidden. */
export function groupRuns(
  runs: readonly Run[],
  by: string | undefined,
  closed: ReadonlySet<string>,
): readonly RunRow[] {
  const read = by === undefined ? undefined : reader(by);
  if (by === undefined || read === undefined) return runs;
  const groups = new Map<string, Run[]>();
  for (const run of runs) {
    const key = read(run) ?? '';
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [run]);
    else group.push(run);
  }
  return [...groups].flatMap(([value, group]): RunRow[] => {
    const isClosed = closed.has(value);
    const head = { group: by, value: value === '' ? undefined : value, runs: group.length, closed: isClosed };
    return isClosed ? [head] : [head, ...group];
  });
}

function reader(by: string): ((run: Run) => string | undefined) | undefined {
  const column = columnOf(by);
  if (column === undefined) return undefined;
  if ('family' in column) {
    const { family, key } = column;
    return family === 'parameter'
      ? ({ params }) => params[key]
      : family === 'tag'
        ? ({ tags }) => tags[key]
        : undefined;
  }
  const own = {
    status: (run: Run) => run.status,
    user_id: (run: Run) => run.user,
    experiment: (run: Run) => run.experimentId,
  };
  return own[column.own as keyof typeof own];
}
