/** Runs below the runs that they are part of. Pure. */
import type { Run } from '@dais/api/tracking';
import type { RunRow } from './run-groups.ts';
import type { RunQuery } from './run-query.ts';
import type { TreePosition } from '#ui/resource-table.tsx';

/** The tag by which clients say of which run another is part. */
const PARENT = 'tags.`mlflow.parentRunId`';

/** Runs that are opened at once: each of them is asked for again and again. */
export const MOST_OPENED = 20;

/** A filter and groups look at each run by itself: those that fit may lie below others that do not. */
export function canNest({ filter, group }: RunQuery): boolean {
  return filter === '' && group === undefined;
}

/** The runs that are part of no other. */
export function onTop(query: RunQuery): RunQuery {
  return { ...query, filter: `${PARENT} IS NULL` };
}

export function childrenFilter(run: string): string {
  return `${PARENT} = '${run.replaceAll("'", "''")}'`;
}

/** What stands below an opened run when not all can. */
export interface ChildrenNote {
  readonly childrenOf: string;
  readonly state: 'loading' | 'failed' | 'more';
  readonly level: number;
}

/** What is known of the children of an opened run. */
export interface Children {
  readonly runs: readonly Run[] | undefined;
  readonly failed: boolean;
  readonly more: boolean;
}

export interface RunTree {
  readonly rows: readonly RunRow[];
  readonly levels: ReadonlyMap<string, number>;
}

/** `children`: of each run that is open. A run that is part of itself, over however many others, is shown once. */
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
