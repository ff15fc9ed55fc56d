/** The table of runs as a tree: the URL stores the expanded runs. */
import type { Run } from '@dais/api/tracking';
import { useMemo } from 'react';
import type { RowTree } from './row-state.ts';
import { isRun, type RunRow } from './run-groups.ts';
import { MOST_OPENED, positionIn, treeOf } from './run-tree.ts';
import { useChildren } from './use-children.ts';
import type { RunsOf } from './use-runs.ts';
import type { TableTree } from '#ui/resource-table.tsx';

export interface RunTreeInput extends RunsOf {
  readonly runs: readonly Run[] | undefined;
  /** Ids with commas between them. */
  readonly open: string | undefined;
  readonly update: (change: Readonly<Record<string, string | undefined>>) => void;
}

export interface ShownTree {
  readonly rows: readonly RunRow[];
  /** The expanded runs, and those whose children are loaded. */
  readonly layout: string;
  readonly state: RowTree;
  readonly table: TableTree<RunRow>;
}

const NONE: readonly Run[] = [];

/** Undefined for a flat table. */
export function useRunTree({ runs = NONE, open = '', update, ...location }: RunTreeInput): ShownTree | undefined {
  const { nested = false } = location;
  const opened = useMemo(
    () => new Set(nested && open !== '' ? open.split(',').slice(-MOST_OPENED) : []),
    [nested, open],
  );
  const children = useChildren(location, opened);
  return useMemo(() => {
    if (!nested) return undefined;
    const tree = treeOf(runs, children);
    const fold = (run: string, wide: boolean) => {
      const next = wide ? [...opened, run].slice(-MOST_OPENED) : [...opened].filter((id) => id !== run);
      update({ open: next.join(',') });
    };
    return {
      rows: tree.rows,
      layout: [...children].map(([run, below]) => `${run} ${below.runs === undefined}`).join(),
      state: { levels: tree.levels, opened, fold },
      table: {
        placeOf: (row) => positionIn(tree, opened, row),
        fold: (row, wide) => {
          if (isRun(row)) fold(row.id, wide);
        },
      },
    };
  }, [nested, runs, children, opened, update]);
}
