/** Child runs under their parents. Pure functions. */
import type { Run } from '@dais/api/tracking';
import type { RunRow } from './run-groups.ts';
import type { RunQuery } from './run-query.ts';
import type { TreePosition } from '#ui/resource-table.tsx';

/** The tag with which clients set the parent run. */
const PARENT = 'tags.`mlflow.parentRunId`';

/** Maximum number of expanded runs: each of them is polled. */
export const MOST_OPENED = 20;

/** Filters and groups apply to each run separately: matching runs can be children of other runs. */
export function canNest({ filter, group }: RunQuery): boolean {
  return filter === '' && group === undefined;
}

/** The runs without a parent. */
export function onTop(query: RunQuery): RunQuery {
  return { ...query, filter: `${PARENT} IS NULL` };
}

export function childrenFilter(run: string): string {
  return `${PARENT} = '${run.replaceAll("'", "''")}'`;
}

/** The note under an expanded run when not all children can be shown. */
export interface ChildrenNote {
  readonly childrenOf: string;
  readonly state: 'loading' | 'failed' | 'more';
  readonly level: number;
}

/** State of the children of an expanded run. */
export interface Children {
  readonly runs: readonly Run[] | undefined;
  readonly failed: boolean;
  readonly more: boolean;
}

export interface RunTree {
  readonly rows: readonly RunRow[];
  readonly levels: ReadonlyMap<string, number>;
}

/** `children`: of each expanded run. A run in a cycle of parents is shown once. */
export function treeOf(top: readonly Run[], children: ReadonlyMap<string, Children>): RunTree {
  const levels = new Map<string, number>();
  if (children.size === 0) return { rows: top, levels };
  const rows: RunRow[] = [];
  const add = (runs: readonly Run[], level: number) => {
    for (const run of runs) {
      if (levels.has(run.id)) continue;
      levels.set(run.id, level);
      rows.push(run);
      const below = children.get(run.id);
      if (below === undefined) continue;
      add(below.runs ?? [], level + 1);
      const state = below.failed ? 'failed' : below.runs === undefined ? 'loading' : below.more ? 'more' : undefined;
      if (state !== undefined) rows.push({ childrenOf: run.id, state, level: level + 1 });
    }
  };
  add(top, 1);
  return { rows, levels };
}

export function positionIn({ levels }: RunTree, opened: ReadonlySet<string>, row: RunRow): TreePosition {
  if ('childrenOf' in row) return { level: row.level, open: undefined };
  if ('group' in row) return { level: 1, open: undefined };
  const hasChildren = (row.children ?? 0) > 0;
  return { level: levels.get(row.id) ?? 1, open: hasChildren ? opened.has(row.id) : undefined };
}
